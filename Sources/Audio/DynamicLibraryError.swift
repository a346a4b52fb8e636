/// Reasons for which a library that decodes or resamples the recordings of a corpus fails.
public enum DynamicLibraryError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The library is not installed.
  case missing(name: String, package: String, reason: String)
  /// The library cannot decode or resample a recording.
  case failed(path: String, reason: String)

  /// One sentence that says what is wrong and what to do.
  public var description: String {
    switch self {
    case .missing(let name, let package, let reason):
      "\(name): the library cannot be loaded (\(reason)); run apt-get install \(package)"
    case .failed(let path, let reason): "\(path): the recording cannot be decoded: \(reason)"
    }
  }
}
