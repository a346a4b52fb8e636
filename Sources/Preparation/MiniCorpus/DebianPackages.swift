import Foundation
import Platform

/// Fetches Debian packages with `apt-get download` and unpacks them with `dpkg`, without root and
/// without installing anything.
package struct DebianPackages {
  /// Folder that keeps the `.deb` files.
  package let cache: String

  /// Downloads the packages that the cache does not hold.
  ///
  /// A download goes into a folder of its own and is moved when it is complete, so that every
  /// `.deb` in the cache is whole.
  ///
  /// - Throws: `MiniCorpusError` if a download fails or a folder cannot be written.
  func download(_ packages: [String], progress: (String) -> Void) throws {
    let missing = try packages.filter { try file(of: $0) == nil }
    if missing.isEmpty { return }
    let incoming = cache + "/incoming"
    try? FileManager.default.removeItem(atPath: incoming)
    try makeFolder(incoming)
    defer { try? FileManager.default.removeItem(atPath: incoming) }
    let packages = NumberText.count(missing.count, "Debian package")
    progress("downloading \(packages): \(missing.joined(separator: ", "))")
    let result = try run("apt-get", ["download"] + missing, in: incoming)
    guard result.status == 0 else {
      throw MiniCorpusError.downloadFailed(
        packages: missing, cache: cache, reason: Self.reason(result.output))
    }
    for name in try list(incoming) where name.hasSuffix(".deb") {
      do {
        try FileManager.default.moveItem(atPath: "\(incoming)/\(name)", toPath: "\(cache)/\(name)")
      } catch {
        throw MiniCorpusError.unwritable(path: "\(cache)/\(name)", reason: ErrorText.reason(error))
      }
    }
  }

  /// Unpacks a downloaded package into `folder`.
  ///
  /// - Throws: `MiniCorpusError` if the package is missing or cannot be unpacked.
  func unpack(_ package: String, into folder: String) throws {
    guard let file = try file(of: package) else {
      throw MiniCorpusError.downloadFailed(
        packages: [package], cache: cache, reason: "apt-get succeeded but left no file")
    }
    try makeFolder(folder)
    let result = try run("dpkg-deb", ["-x", file, folder], in: cache)
    guard result.status == 0 else {
      throw MiniCorpusError.unpackFailed(
        path: file, reason: Self.reason(result.output))
    }
  }

  /// Path of the package's file in the cache; the last by name if there are several versions.
  private func file(of package: String) throws -> String? {
    try list(cache).filter { $0.hasPrefix(package + "_") && $0.hasSuffix(".deb") }.sorted().last
      .map { "\(cache)/\($0)" }
  }

  private func list(_ folder: String) throws -> [String] {
    do {
      return try FileManager.default.contentsOfDirectory(atPath: folder)
    } catch {
      throw MiniCorpusError.unwritable(path: folder, reason: ErrorText.reason(error))
    }
  }

  /// The first error of apt-get, dpkg-deb or tar in their mixed output, since later errors follow
  /// from it or repeat it for other files; a full disk takes precedence.
  package static func reason(_ output: String) -> String {
    let lines = output.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
    let markers = ["E: ", "tar: ", "dpkg-deb: error: "]
    let full = lines.filter { $0.contains("No space left on device") }
    for line in full + lines {
      if let marker = markers.first(where: line.hasPrefix) {
        return String(line.dropFirst(marker.count))
      }
    }
    return lines.last ?? "no reason given"
  }

  private func run(
    _ program: String, _ arguments: [String], in folder: String
  ) throws -> (status: Int32, output: String) {
    let search = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    guard
      let path = search.map({ "\($0)/\(program)" })
        .first(where: FileManager.default.isExecutableFile)
    else { throw MiniCorpusError.missingTool(name: program) }
    let process = Process()
    let pipe = Pipe()
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = arguments
    process.currentDirectoryURL = URL(fileURLWithPath: folder)
    // The search for reasons expects English messages.
    process.environment = ProcessInfo.processInfo.environment.merging(["LC_ALL": "C"]) { $1 }
    process.standardOutput = pipe
    process.standardError = pipe
    process.standardInput = FileHandle.nullDevice
    do { try process.run() } catch { throw MiniCorpusError.missingTool(name: program) }
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: output, as: UTF8.self))
  }
}

/// Makes a folder and its parents.
///
/// - Throws: `MiniCorpusError.unwritable`.
package func makeFolder(_ path: String) throws(MiniCorpusError) {
  do {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  } catch {
    throw .unwritable(path: path, reason: ErrorText.reason(error))
  }
}
