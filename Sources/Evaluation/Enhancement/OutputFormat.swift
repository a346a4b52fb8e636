import Audio

/// How enhanced speech is stored.
package enum OutputFormat: String, CaseIterable, Sendable {
  /// 16-bit integers.
  case pcm16
  /// 32-bit floating point.
  case float

  /// The encoding of the wave file.
  package var encoding: WaveFile.Encoding {
    switch self {
    case .pcm16: .pcm16
    case .float: .float32
    }
  }
}
