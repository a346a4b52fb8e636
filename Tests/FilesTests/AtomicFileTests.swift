import Files
import Foundation
import Testing
import TestSupport

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

  @Test func unflushedFilesHaveNoNameUntilTheyAreWhole() throws {
    let url = folder.appending(path: "a.wav")
    try AtomicFile.write("old", to: url)
    func append(_ text: String, to writer: AtomicFileWriter) throws {
      try [UInt8](text.utf8).withUnsafeBytes { try writer.append($0) }
    }
    do {
      let writer = try AtomicFileWriter(url, .unflushed)
      try append("half", to: writer)
      // A process that is killed here leaves nothing.
      #expect(names == ["a.wav"])
    }
    #expect(names == ["a.wav"])
    #expect(try String(contentsOf: url, encoding: .utf8) == "old")
    let writer = try AtomicFileWriter(url, .unflushed)
    try append("head, ", to: writer)
    try append("body", to: writer)
    try [UInt8]("HEAD".utf8).withUnsafeBytes { try writer.write($0, at: 0) }
    #expect(writer.byteCount == 10)
    try writer.commit()
    #expect(try String(contentsOf: url, encoding: .utf8) == "HEAD, body" && names == ["a.wav"])
  }

  @Test func unflushedFilesReplaceNoDevice() throws {
    #expect(mkfifo(path("pipe"), 0o600) == 0)
    try link("to device", to: "/dev/null")
    for name in ["pipe", "to device"] {
      #expect(throws: AtomicFileError.notAFile(path: path(name))) {
        try AtomicFile.write([1], to: folder.appending(path: name), .unflushed)
      }
    }
    #expect(throws: AtomicFileError.folderMissing(path: path("none/a"))) {
      try AtomicFile.write([1], to: folder.appending(path: "none/a"), .unflushed)
    }
    #expect(names == ["pipe", "to device"])
  }

  @Test func missingFolderIsNamed() {
    let url = folder.appending(path: "none/weights")
    let error = #expect(throws: AtomicFileError.self) { try AtomicFile.write("new", to: url) }
    #expect(error == .folderMissing(path: path("none/weights")))
  }

  @Test func failedRenameRemovesTheTemporary() throws {
    let url = folder.appending(path: "taken")
    do {
      let writer = try AtomicFileWriter(url)
      // It was not there when writing began.
      try FileManager.default.createDirectory(at: url, withIntermediateDirectories: false)
      let error = #expect(throws: AtomicFileError.self) { try writer.commit() }
      #expect(error?.description.contains("rename") == true)
    }
    #expect(names == ["taken"])
  }

  /// Kind of the file according to `lstat`.
  private func kind(_ name: String) -> mode_t {
    var status = stat()
    return lstat(path(name), &status) == 0 ? status.st_mode & S_IFMT : 0
  }

  private func write(_ name: String) throws(AtomicFileError) {
    try AtomicFile.write("new", to: URL(filePath: path(name), directoryHint: .notDirectory))
  }

  private func link(_ name: String, to destination: String) throws {
    try FileManager.default.createSymbolicLink(
      atPath: path(name), withDestinationPath: destination)
  }

  @Test func whatIsNoFileStays() throws {
    #expect(mkfifo(path("pipe"), 0o600) == 0)
    try FileManager.default.createDirectory(
      atPath: path("folder"), withIntermediateDirectories: false)
    try link("to pipe", to: "pipe")
    try link("to link", to: path("to pipe"))
    try link("to folder", to: "folder")
    try link("to device", to: "/dev/null")
    // As /dev/stdout is: an open file, which has a name of its own or none.
    try AtomicFile.write("open", to: folder.appending(path: "file"))
    let file = open(path("file"), O_RDONLY)
    var ends: [Int32] = [0, 0]
    #expect(file >= 0 && pipe(&ends) == 0)
    defer { for descriptor in ends + [file] { close(descriptor) } }
    try link("to open file", to: "/proc/self/fd/\(file)")
    try link("to open pipe", to: "/proc/self/fd/\(ends[0])")
    let before = names
    for name in before where name != "file" {
      let kindBefore = kind(name)
      let error = AtomicFileError.notAFile(path: path(name))
      #expect(throws: error) { try write(name) }
      #expect(throws: error) { try AtomicFile.requireWritable(path(name)) }
      #expect(kind(name) == kindBefore && kindBefore != 0, "\(name)")
      #expect(error.description.hasSuffix("is no regular file; give the name of a file"))
    }
    #expect(before.count == 9 && names == before)
    #expect(try String(contentsOfFile: path("file"), encoding: .utf8) == "open")
  }

  @Test func linksToFilesAndToNothingAreReplaced() throws {
    try FileManager.default.createDirectory(
      atPath: path("other"), withIntermediateDirectories: false)
    try AtomicFile.write("old", to: folder.appending(path: "other/file"))
    try link("to file", to: "other/file")
    try link("to link", to: "to file")
    try link("to nothing", to: "none/file")
    try link("to itself", to: "to itself")
    for name in ["to link", "to file", "to nothing", "to itself"] {
      #expect(kind(name) == S_IFLNK)
      try AtomicFile.requireWritable(path(name))
      #expect(kind(name) == S_IFLNK)
      try write(name)
      #expect(kind(name) == S_IFREG, "\(name)")
      #expect(try String(contentsOfFile: path(name), encoding: .utf8) == "new")
    }
    #expect(try String(contentsOfFile: path("other/file"), encoding: .utf8) == "old")
    #expect(names == ["other", "to file", "to itself", "to link", "to nothing"])
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

  /// A name that is legal can be written, and what a killed process left of it is found again.
  @Test(arguments: [
    String(repeating: "n", count: 244), String(repeating: "n", count: 255),
    String(repeating: "\u{e4}", count: 127), "a" + String(repeating: "\u{1f3b5}", count: 63),
    String(repeating: "e\u{301}", count: 85),
  ]) func longNamesHaveTemporariesThatFit(name: String) throws {
    let whole = TemporaryName.path(for: path(name))
    let temporary = (whole as NSString).lastPathComponent
    #expect(temporary.utf8.count <= 255 && whole.hasPrefix(folder.path(percentEncoded: false)))
    let parsed = try #require(TemporaryName(temporary))
    #expect(parsed.isOfThisHost && parsed.process == getpid() && parsed.belongs(to: name))
    #expect(!parsed.belongs(to: String(name.dropLast()) + "x") && !parsed.belongs(to: "n"))
    try AtomicFile.write("long", to: folder.appending(path: name))
    #expect(try String(contentsOfFile: path(name), encoding: .utf8) == "long")
    #expect(names == [name])
    // Two files that begin alike are written at once under different names.
    let other = String(name.dropLast()) + "x"
    #expect(TemporaryName.path(for: other) != TemporaryName.path(for: name))
    // A process that is gone left this one.
    let dead = try Subprocess.shell("echo $$", timeLimit: 10)
    let number = dead.output.trimmingCharacters(in: .whitespacesAndNewlines)
    let host = try #require(parsed.host)
    let left = parsed.target + ".tmp-\(host)-\(number)"
    if left.utf8.count > 255 { return }
    #expect(FileManager.default.createFile(atPath: path(left), contents: nil))
    #expect(
      try AtomicFile.removeStaleTemporaries(in: folder, of: name, minimumAge: -1) == [left])
  }

  @Test func aLimitOfTheFileSizeIsNamed() {
    let error = AtomicFileError(path: "a/b", operation: "write", code: EFBIG)
    #expect(error == .tooLarge(path: "a/b"))
    #expect(error.description.hasPrefix("a/b could not be written: "))
    #expect(error.description.contains("ulimit -f"))
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
