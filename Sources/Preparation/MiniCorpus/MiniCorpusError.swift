/// Reasons for which the mini corpus cannot be built.
public enum MiniCorpusError: Error, Equatable, Sendable, CustomStringConvertible {
  /// A program of Debian's package system is not installed.
  case missingTool(name: String)
  /// The command `apt-get download` failed, for its own `reason`.
  case downloadFailed(packages: [String], cache: String, reason: String)
  /// The command `dpkg-deb -x` failed on a package file, for its own `reason`.
  case unpackFailed(path: String, reason: String)
  /// A package lacks a file that earlier versions have.
  case missingSource(package: String, path: String)
  /// The output folder holds something that this program did not make.
  case foreignFolder(path: String)
  /// Another process is preparing the folder.
  case busy(path: String)
  /// A file or folder cannot be written; `reason` is the system's.
  case unwritable(path: String, reason: String)

  /// One sentence that says what is wrong and what to do.
  public var description: String {
    switch self {
    case .missingTool(let name):
      "\(name) is not installed; the mini corpus is built from Debian's packages, so prepare it on "
        + "Debian or Ubuntu and copy the folder"
    case .downloadFailed(let packages, let cache, let reason):
      "cannot download \(packages.joined(separator: ", ")): \(reason); "
        + Self.advice(
          reason, else: "run apt-get update, check the network, or put the .deb files into \(cache)"
        )
    case .unpackFailed(let path, let reason):
      "\(path): the package cannot be unpacked: \(reason); "
        + Self.advice(reason, else: "delete it to have it downloaded again")
    case .missingSource(let package, let path):
      "the package \(package) holds no \(path); this release of it cannot be used"
    case .foreignFolder(let path):
      "\(path): the folder is not empty and holds no mini corpus; choose another output folder"
    case .busy(let path):
      "\(path): another process is preparing this folder; wait until it has ended"
    case .unwritable(let path, let reason): "\(path): cannot be written: \(reason)"
    }
  }

  private static func advice(_ reason: String, else other: String) -> String {
    reason.contains("No space left on device") ? "free some disk space" : other
  }
}
