import Platform

/// Faults of an audio file. Every case names the file.
public enum WaveFileError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The file does not exist.
  case missing(path: String)
  /// The file exists but cannot be read as audio; `reason` is the decoder's or the system's.
  case unreadable(path: String, reason: String)
  /// The file holds no samples.
  case empty(path: String)
  /// The file has more than one channel, and only mono is accepted.
  case multiChannel(path: String, channelCount: Int)
  /// The sample rate is not the required one.
  case wrongSampleRate(path: String, expected: Int, found: Int)
  /// Sample number `index` is NaN or infinite.
  case nonFinite(path: String, index: Int)
  /// The header promises more samples than the file holds.
  case truncated(path: String, expected: Int, found: Int)
  /// The header promises more bytes of samples than the file holds, in a codec of which libsndfile
  /// cannot tell how many samples these are.
  case truncatedBytes(path: String, expected: Int, found: Int)
  /// The last page of an Ogg stream is not there.
  case endMissing(path: String)
  /// Samples from number `index` on cannot be decoded; `sampleCount` is the length of the recording
  /// if that is known.
  case undecodable(path: String, index: Int, sampleCount: Int?)
  /// The path names a pipe or a device, which cannot be read twice.
  case pipe(path: String)
  /// The file is of a kind that is known, and is no recording; `contents` names the kind and the
  /// remedy.
  case foreign(path: String, contents: String)
  /// A block of a packed recording, samples `range`, does not match its checksum.
  case damaged(path: String, block: Int, range: Range<Int>)
  /// The requested range is not inside the file.
  case outOfRange(path: String, range: Range<Int>, sampleCount: Int)
  /// The file cannot be written; `reason` is the system's.
  case unwritable(path: String, reason: String)
  /// The extension and the encoding do not determine a format that can be written.
  case unsupportedFormat(path: String, reason: String)

  /// Path of the file.
  public var path: String {
    switch self {
    case .missing(let path), .unreadable(let path, _), .empty(let path), .multiChannel(let path, _),
      .wrongSampleRate(let path, _, _), .nonFinite(let path, _), .truncated(let path, _, _),
      .truncatedBytes(let path, _, _), .endMissing(let path), .undecodable(let path, _, _),
      .pipe(let path), .foreign(let path, _),
      .damaged(let path, _, _), .outOfRange(let path, _, _), .unwritable(let path, _),
      .unsupportedFormat(let path, _):
      path
    }
  }

  /// The fault of the file and what to do, as a clause.
  public var reason: String {
    switch self {
    case .missing: "no such file"
    case .unreadable(_, let reason): "cannot be read as audio: \(reason)"
    case .empty: "holds no samples"
    case .multiChannel(_, let count):
      "has \(NumberText.count(count, "channel")); mix it down to mono"
    case .wrongSampleRate(_, let expected, let found):
      "expected \(expected) Hz, found \(found) Hz; resample first"
    case .nonFinite(_, let index):
      "sample \(index) is not a finite number; check what wrote the file"
    case .truncated(_, let expected, let found):
      "truncated: the header promises \(NumberText.count(expected, "sample")), the file holds "
        + "\(found)"
    case .truncatedBytes(_, let expected, let found):
      "truncated: the header promises \(NumberText.count(expected, "byte")) of samples, the file "
        + "holds \(found)"
    case .endMissing: "truncated: the last page of the Ogg stream is not whole"
    case .undecodable(_, let index, let count):
      "damaged: the samples from \(index) on"
        + (count.map { " (of \($0))" } ?? "") + " cannot be decoded; copy the file again"
    case .pipe:
      "is a pipe or a device, and a recording is read more than once; write it to a file first"
    case .foreign(_, let contents): "is no recording but \(contents)"
    case .damaged(_, let block, let range):
      "block \(block) (samples \(range.lowerBound) to \(range.upperBound - 1)) does not match its "
        + "checksum, so the file is damaged; copy it again, or pack the corpus again with "
        + "disttrain prepare pack"
    case .outOfRange(_, let range, let count):
      "samples \(range.lowerBound)..<\(range.upperBound) asked for, the file has \(count)"
    case .unwritable(_, let reason): "cannot be written: \(reason)"
    case .unsupportedFormat(_, let reason): reason
    }
  }

  /// One sentence that names the file, what is wrong with it and what to do.
  public var description: String { "\(path): \(reason)" }
}
