/// Why a library that decodes or resamples the recordings of a corpus is of no use.
public enum CorpusLibraryError: Error, Equatable, Sendable, CustomStringConvertible {
  /// It is not installed.
  case missing(name: String, package: String, reason: String)
  /// It cannot do what it should with a recording.
  case failed(path: String, reason: String)

  /// One sentence saying what is wrong and what to do.
  public var description: String {
    switch self {
    case .missing(let name, let package, let reason):
      "\(name) cannot be loaded (\(reason)): apt-get install \(package)"
    case .failed(let path, let reason): "\(path): cannot be decoded: \(reason)"
    }
  }
}
