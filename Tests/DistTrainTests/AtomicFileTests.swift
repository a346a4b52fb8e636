import DistTrain
import Foundation
import TestSupport
import Testing

@Suite final class AtomicFileTests {
  private let folder: URL

  init() throws { folder = try temporaryFolder() }
  deinit { try? FileManager.default.removeItem(at: folder) }

  private func path(_ name: String) -> String {
    folder.appending(path: name).path(percentEncoded: false)
  }

  private var names: [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: path(""))) ?? []).sorted()
  }

  @Test func replacesTheFileAndLeavesNothingElse() throws {
    let url = folder.appending(path: "a checkpoint.bin")
    try AtomicFile.write([1, 2, 3], to: url)
    #expect(try Data(contentsOf: url) == Data([1, 2, 3]))
    let large = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    try large.withUnsafeBytes { first in
      try [UInt8](arrayLiteral: 9).withUnsafeBytes { second in
        let nothing = UnsafeRawBufferPointer(rebasing: first[0..<0])
        try AtomicFile.write([first, nothing, second], to: url)
      }
    }
    #expect(try Data(contentsOf: url) == Data(large + [9]))
    try AtomicFile.write("", to: url)
    #expect(try Data(contentsOf: url).isEmpty)
    #expect(names == ["a checkpoint.bin"])
  }

  @Test func fullDiskIsNamedAndTheOldVersionStays() throws {
    let url = folder.appending(path: "weights")
    try AtomicFile.write("old", to: url)
    // The temporary is a link to the device on which every write finds the disk full.
    try FileManager.default.createSymbolicLink(
      atPath: path("weights.tmp-\(getpid())"), withDestinationPath: "/dev/full")
    let error = #expect(throws: AtomicFileError.self) { try AtomicFile.write("new", to: url) }
    #expect(error == .noSpace(path: path("weights")))
    #expect(error?.description.contains("no space left") == true)
    #expect(try String(contentsOf: url, encoding: .utf8) == "old")
    #expect(names == ["weights"])
  }

  @Test func piecesAppearTogetherOrNotAtAll() throws {
    let url = folder.appending(path: "weights")
    try AtomicFile.write("old", to: url)
    do {
      let writer = try AtomicFileWriter(url)
      try [UInt8]("new".utf8).withUnsafeBytes { try writer.append($0) }
      #expect(names == ["weights", "weights.tmp-\(getpid())"])
    }
    #expect(names == ["weights"], "a dropped writer leaves its temporary")
    #expect(try String(contentsOf: url, encoding: .utf8) == "old")
    let writer = try AtomicFileWriter(url)
    for piece in ["ne", "", "wer"] {
      try [UInt8](piece.utf8).withUnsafeBytes { try writer.append($0) }
    }
    #expect(try String(contentsOf: url, encoding: .utf8) == "old")
    try writer.commit()
    #expect(try String(contentsOf: url, encoding: .utf8) == "newer" && names == ["weights"])
  }

  @Test func missingFolderIsNamed() {
    let url = folder.appending(path: "none/weights")
    let error = #expect(throws: AtomicFileError.self) { try AtomicFile.write("new", to: url) }
    #expect(error == .folderMissing(path: path("none/weights")))
  }

  @Test func failedRenameRemovesTheTemporary() throws {
    let url = folder.appending(path: "taken")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: false)
    let error = #expect(throws: AtomicFileError.self) { try AtomicFile.write("new", to: url) }
    #expect(error?.description.contains("rename") == true)
    #expect(names == ["taken"])
  }

  @Test func staleTemporariesOfDeadProcessesAreRemoved() throws {
    let dead = try Subprocess.shell("echo $$", timeLimit: 10)
    let number = dead.output.trimmingCharacters(in: .whitespacesAndNewlines)
    let mine = "last.tmp-\(getpid())"
    for name in ["last.tmp-\(number)", mine, "tmp-1", "x.tmp-", "x.tmp-12a", "x.tmp-0", "weights"] {
      try AtomicFile.write("x", to: folder.appending(path: name))
    }
    // Young ones may belong to a living run on another machine.
    #expect(try AtomicFile.removeStaleTemporaries(in: folder) == [])
    #expect(
      try AtomicFile.removeStaleTemporaries(in: folder, of: "best", minimumAge: -1) == [])
    #expect(
      try AtomicFile.removeStaleTemporaries(in: folder, minimumAge: -1) == ["last.tmp-\(number)"])
    #expect(names == [mine, "tmp-1", "weights", "x.tmp-", "x.tmp-0", "x.tmp-12a"].sorted())
    #expect(throws: AtomicFileError.folderMissing(path: path("none"))) {
      try AtomicFile.removeStaleTemporaries(in: folder.appending(path: "none"))
    }
  }
}
