import Foundation

/// Where the fixture files lie, found from this source file.
public let fixturesFolder: URL = URL(fileURLWithPath: #filePath)
  .deletingLastPathComponent().deletingLastPathComponent().appending(path: "Fixtures")
