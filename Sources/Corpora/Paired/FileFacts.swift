import Audio
import Foundation

/// The facts of an audio file that a corpus needs, in a form of fixed size, with the size and time
/// by which a later run knows that the file is still the same.
package struct FileFacts: BitwiseCopyable, Equatable, Sendable {
  /// Results of looking at a file.
  package enum State: Int32, Sendable {
    /// Nobody has looked yet.
    case unknown
    /// There is no such file: the other side has no partner.
    case absent
    /// Mono and readable to its end, as 16-bit integers.
    case int16
    /// Likewise, in another encoding.
    case float32
    /// It cannot be used; the reason is kept elsewhere.
    case bad
  }

  /// Bytes of the file.
  private var byteCount = 0
  /// Its last change, in nanoseconds since 1970.
  private var changed = 0
  /// Number of samples.
  package var sampleCount = 0
  /// Samples per second, in hertz.
  package var sampleRate: Int32 = 0
  private var stateNumber: Int32 = 0
  /// Result of looking at it.
  package var state: State {
    get { State(rawValue: stateNumber) ?? .unknown }
    set { stateNumber = newValue.rawValue }
  }

  /// Facts of a file that nobody has looked at, or that is not there.
  package init(_ state: State = .unknown) { self.state = state }

  /// Looks at the file at `path`, unless it has the size and time of `known`.
  ///
  /// - Throws: `WaveFileError` if the file cannot be read, or is not mono.
  package init(
    path: String, known: FileFacts, inspect: (String) throws(WaveFileError) -> WaveInfo
  ) throws(WaveFileError) {
    // Before the file is read: if it changes in between, the next run reads it again.
    var status = stat()
    if stat(path, &status) == 0 {
      byteCount = Int(status.st_size)
      changed = Int(status.st_mtim.tv_sec) * 1_000_000_000 + Int(status.st_mtim.tv_nsec)
    }
    if known.isUsable, known.byteCount == byteCount, known.changed == changed {
      self = known
      return
    }
    let info = try inspect(path)
    sampleCount = info.sampleCount
    sampleRate = Int32(clamping: info.sampleRate)
    state = info.isPCM16 ? .int16 : .float32
  }

  /// Whether the file can be part of a pair.
  package var isUsable: Bool { state == .int16 || state == .float32 }

  /// The facts of both sides.
  package struct Pair: BitwiseCopyable, Equatable, Sendable {
    package var clean = FileFacts()
    package var noisy = FileFacts()

    package init(clean: FileFacts = FileFacts(), noisy: FileFacts = FileFacts()) {
      self.clean = clean
      self.noisy = noisy
    }

    package subscript(side: CorpusSide) -> FileFacts {
      get { side == .clean ? clean : noisy }
      set { if side == .clean { clean = newValue } else { noisy = newValue } }
    }

    /// Bytes of the facts of a pair.
    static let byteCount = MemoryLayout<Pair>.size
  }
}
