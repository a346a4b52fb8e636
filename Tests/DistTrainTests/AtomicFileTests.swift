import Audio
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
      atPath: TemporaryName.path(for: path("weights")), withDestinationPath: "/dev/full")
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
      #expect(names == ["weights", TemporaryName.path(for: "weights")])
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

  @Test func temporariesNameHostAndProcess() throws {
    let own = try #require(TemporaryName(TemporaryName.path(for: "a.tmp-9/last.safetensors")))
    #expect(own.target.hasSuffix("last.safetensors") && own.process == getpid())
    #expect(own.isOfThisHost && own.isProcessAlive)
    let other = try #require(TemporaryName("x.tmp-3.tmp-node-17-4711"))
    #expect(other.target == "x.tmp-3" && other.host == "node-17" && other.process == 4711)
    #expect(!other.isOfThisHost)
    let older = try #require(TemporaryName("x.tmp-12"))
    #expect(older.host == nil && older.process == 12 && !older.isOfThisHost)
    for name in ["weights", "tmp-1", "x.tmp-", "x.tmp-12a", "x.tmp-0", "x.tmp--5", "x.tmp-h-0"] {
      #expect(TemporaryName(name) == nil, "\(name)")
    }
    // Whatever a machine is called, the name stays one file's and is read again.
    for (host, part) in [
      ("node-17", "node-17"), ("n1.cluster", "n1_cluster"), ("a/b c", "a_b_c"), ("", "_"),
      ("kn\u{f6}ten", "kn__ten"),
      (String(repeating: "x", count: 99), String(repeating: "x", count: 64)),
    ] {
      #expect(TemporaryName.fileNamePart(host) == part)
      #expect(TemporaryName("x.tmp-\(part)-5")?.host == part)
    }
  }

  @Test func staleTemporariesAreRemoved() throws {
    let dead = try Subprocess.shell("echo $$", timeLimit: 10)
    let number = dead.output.trimmingCharacters(in: .whitespacesAndNewlines)
    let mine = TemporaryName.path(for: "last")
    let host = try #require(TemporaryName(mine)?.host)
    let gone = "last.tmp-\(host)-\(number)"
    // As a host of which nothing is known here: neither that process 1 lives nor that it is gone.
    let foreign = ["last.tmp-\(host)x-\(number)", "last.tmp-\(number)"]
    let others = ["tmp-1", "x.tmp-", "x.tmp-12a", "weights"]
    for name in [gone, mine] + foreign + others {
      #expect(FileManager.default.createFile(atPath: path(name), contents: Data("x".utf8)))
    }
    func remove(_ age: Double, _ foreignAge: Double = 86_400, of name: String? = nil) throws
      -> [String]
    {
      try AtomicFile.removeStaleTemporaries(
        in: folder, of: name, minimumAge: age, foreignAge: foreignAge)
    }
    // Young ones may belong to a living run in another container.
    #expect(try remove(60) == [])
    #expect(try remove(-1, of: "best") == [])
    #expect(try remove(-1, of: "las") == [])
    #expect(try remove(-1, of: "last") == [gone])
    #expect(names == ([mine] + foreign + others).sorted())
    // By default others go after a day.
    func makeOlder(_ name: String, hours: Double) throws {
      try FileManager.default.setAttributes(
        [.modificationDate: Date(timeIntervalSinceNow: -3600 * hours)], ofItemAtPath: path(name))
    }
    for name in foreign { try makeOlder(name, hours: 23) }
    #expect(try AtomicFile.removeStaleTemporaries(in: folder) == [])
    for name in foreign { try makeOlder(name, hours: 25) }
    #expect(try AtomicFile.removeStaleTemporaries(in: folder) == foreign.sorted())
    #expect(names == ([mine] + others).sorted())
    #expect(throws: AtomicFileError.folderMissing(path: path("none"))) {
      try AtomicFile.removeStaleTemporaries(in: folder.appending(path: "none"))
    }
  }
}
