import Platform

/// What can be wrong with an audio file. Every case names the file.
public enum WaveFileError: Error, Equatable, Sendable, CustomStringConvertible {
  /// There is no such file.
  case missing(path: String)
  /// The file exists but is no audio that can be read; `reason` is the decoder's or the system's.
  case unreadable(path: String, reason: String)
  /// The file holds no samples.
  case empty(path: String)
  /// Only mono is accepted.
  case multiChannel(path: String, channelCount: Int)
  /// The sample rate is not the one asked for.
  case wrongSampleRate(path: String, expected: Int, found: Int)
  /// Sample number `index` is NaN or infinite.
  case nonFinite(path: String, index: Int)
  /// The header promises more samples than the file holds.
  case truncated(path: String, expected: Int, found: Int)
  /// A block of a packed recording, samples `range`, does not fit its checksum.
  case damaged(path: String, block: Int, range: Range<Int>)
  /// The range asked for does not lie inside the file.
  case outOfRange(path: String, range: Range<Int>, sampleCount: Int)
  /// The file cannot be written; `reason` is the system's.
  case unwritable(path: String, reason: String)
  /// The extension and the encoding do not name a format that is written here.
  case unsupportedFormat(path: String, reason: String)

  /// The file.
  public var path: String {
    switch self {
    case .missing(let path), .unreadable(let path, _), .empty(let path), .multiChannel(let path, _),
      .wrongSampleRate(let path, _, _), .nonFinite(let path, _), .truncated(let path, _, _),
      .damaged(let path, _, _), .outOfRange(let path, _, _), .unwritable(let path, _),
      .unsupportedFormat(let path, _):
      path
    }
  }

  /// What is wrong with the file and what to do.
  public var reason: String {
    switch self {
    case .missing: "no such file"
    case .unreadable(_, let reason): "cannot be read as audio: \(reason)"
    case .empty: "holds no samples"
    case .multiChannel(_, let count):
      "has \(NumberText.count(count, "channel")); mix it down to mono"
    case .wrongSampleRate(_, let expected, let found):
      "expected \(expected) Hz, found \(found) Hz; resample first"
    case .nonFinite(_, let index): "sample \(index) is not a finite number"
    case .truncated(_, let expected, let found):
      "truncated: the header promises \(NumberText.count(expected, "sample")), the file holds "
        + "\(found)"
    case .damaged(_, let block, let range):
      "block \(block) (samples \(range.lowerBound) to \(range.upperBound - 1)) does not fit its "
        + "checksum, so the file is damaged; copy it again, or make it anew with disttrain prepare "
        + "pack"
    case .outOfRange(_, let range, let count):
      "samples \(range.lowerBound)..<\(range.upperBound) asked for, the file has \(count)"
    case .unwritable(_, let reason): "cannot be written: \(reason)"
    case .unsupportedFormat(_, let reason): reason
    }
  }

  /// One sentence saying which file, what is wrong and what to do.
  public var description: String { "\(path): \(reason)" }
}
