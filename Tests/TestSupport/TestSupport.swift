import Foundation

/// Where the fixture files lie, found from this source file.
public let fixturesFolder: URL = URL(fileURLWithPath: #filePath)
  .deletingLastPathComponent().deletingLastPathComponent().appending(path: "Fixtures")

/// A new empty folder; the caller removes it.
public func temporaryFolder() throws -> URL {
  let folder = FileManager.default.temporaryDirectory
    .appending(path: "disttrain-tests-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  return folder
}
