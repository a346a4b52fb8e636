import Files
import Foundation
import Testing
import TestSupport

/// Second names of files, on file systems with and without links.
@Suite struct FileLinkTests {
  private func inode(_ path: String) throws -> UInt64 {
    var status = stat()
    try #require(lstat(path, &status) == 0)
    return UInt64(status.st_ino)
  }

  private func isLink(_ path: String) -> Bool {
    (try? FileManager.default.destinationOfSymbolicLink(atPath: path)) != nil
  }

  @Test(arguments: [FileLink.symbolic, .hard, .copy]) func leadsToTheFile(best: FileLink) throws {
    try withTemporaryFolder { folder in
      let last = folder.appending(path: "last")
      for name in ["one", "two"] {
        try Data(name.utf8).write(to: folder.appending(path: name))
      }
      #expect(try FileLink.way(for: last, best: best) == best)
      #expect(try folder.names(in: "") == ["one", "two"])
      // Over nothing, over another of its kind, over itself, and over the other kinds.
      for (target, first) in [
        ("one", best), ("two", best), ("two", best), ("one", .symbolic), ("two", best),
        ("one", .copy), ("two", best), ("one", .hard), ("two", best),
      ] {
        #expect(try FileLink.make(last, to: target, best: first) == first)
        #expect(try String(contentsOf: last, encoding: .utf8) == target)
        #expect(try folder.names(in: "") == ["last", "one", "two"])
      }
      #expect(isLink(folder.file("last")) == (best == .symbolic))
      let isSame = try inode(folder.file("last")) == inode(folder.file("two"))
      #expect(isSame == (best == .hard))
    }
  }

  @Test func aCopyIsWholeWhateverItsSize() throws {
    try withTemporaryFolder { folder in
      let bytes = Data((0..<2_500_001).map { UInt8(truncatingIfNeeded: $0 &* 31) })
      try bytes.write(to: folder.appending(path: "big"))
      let last = folder.appending(path: "last")
      #expect(try FileLink.make(last, to: "big", best: .copy) == .copy)
      #expect(try Data(contentsOf: last) == bytes)
    }
  }

  /// Another failure is no sign that there are no links.
  @Test func failuresAreNamed() throws {
    try withTemporaryFolder { folder in
      let last = folder.appending(path: "none/last")
      let path = folder.file("none/last")
      for best in [FileLink.symbolic, .hard, .copy] {
        #expect(throws: AtomicFileError.folderMissing(path: path)) {
          try FileLink.make(last, to: "one", best: best)
        }
        #expect(throws: AtomicFileError.folderMissing(path: path)) {
          try FileLink.way(for: last, best: best)
        }
      }
    }
  }
}
