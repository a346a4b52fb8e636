/// Why the mini corpus cannot be built.
public enum MiniCorpusError: Error, Equatable, Sendable, CustomStringConvertible {
  /// A program of Debian's package system is not installed.
  case missingTool(name: String)
  /// `apt-get download` failed; `reason` is its own.
  case downloadFailed(packages: [String], cache: String, reason: String)
  /// `dpkg -x` failed on a package file; `reason` is its own.
  case unpackFailed(path: String, reason: String)
  /// A package does not hold what it used to.
  case missingSource(package: String, path: String)
  /// The output folder holds something that this program did not make.
  case foreignFolder(path: String)
  /// Another process is preparing the same folder.
  case busy(path: String)
  /// A file or folder cannot be written; `reason` is the system's.
  case unwritable(path: String, reason: String)

  /// One sentence saying what is wrong and what to do.
  public var description: String {
    switch self {
    case .missingTool(let name):
      "\(name) is not installed: the mini corpus is built from Debian's packages, so prepare it on "
        + "Debian or Ubuntu and copy the folder"
    case .downloadFailed(let packages, let cache, let reason):
      "cannot download \(packages.joined(separator: ", ")): \(reason); "
        + Self.advice(
          reason, else: "run apt-get update, check the network, or put the .deb files into \(cache)"
        )
    case .unpackFailed(let path, let reason):
      "\(path): cannot be unpacked: \(reason); "
        + Self.advice(reason, else: "delete it to have it downloaded again")
    case .missingSource(let package, let path):
      "the package \(package) holds no \(path); this release of it cannot be used"
    case .foreignFolder(let path):
      "\(path) is not empty and holds no mini corpus; choose another output folder"
    case .busy(let path): "\(path) is being prepared by another process"
    case .unwritable(let path, let reason): "\(path): cannot be written: \(reason)"
    }
  }

  private static func advice(_ reason: String, else other: String) -> String {
    reason.contains("No space left on device") ? "free some disk space" : other
  }
}
