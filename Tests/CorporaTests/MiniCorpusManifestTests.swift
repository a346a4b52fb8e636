import Corpora
import Foundation
import Preparation
import Testing
import TestSupport

@Suite struct MiniCorpusManifestTests {
  let folder: TemporaryFolder
  let manifest: MiniCorpusManifest

  init() throws {
    folder = try TemporaryFolder()
    try folder.makeFolder("train")
    var files: [MiniCorpusManifest.File] = []
    for i in 0..<5 {
      let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0 * (i + 3)) }
      try folder.write(bytes, "train/\(i).flac")
      files.append(MiniCorpusManifest.File(path: "train/\(i).flac", bytes: bytes))
    }
    manifest = MiniCorpusManifest(seed: 7, full: false, splits: [], files: files)
    try manifest.write(folder: folder.path)
  }

  private func prepare(seed: UInt64 = 7, full: Bool = false) throws -> MiniCorpusReport {
    try MiniCorpus.prepare(output: folder.path, full: full, seed: seed) { _ in }
  }

  private func state(seed: UInt64 = 7, full: Bool = false) throws -> MiniCorpus.State {
    try MiniCorpus.state(of: folder.path, full: full, seed: seed)
  }

  @Test func wholeCorporaAreKept() throws {
    let report = try prepare()
    #expect(report.outcome == .kept)
    #expect(report.byteCount == 5000)
    #expect(MiniCorpusManifest.read(folder: folder.path) == manifest)
  }

  @Test func changedBytesAreFound() throws {
    var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder.file("train/3.flac"))))
    bytes[500] ^= 1
    try folder.write(bytes, "train/3.flac")
    #expect(try state() == .unfit(reason: "train/3.flac has changed"))
  }

  @Test func truncatedFilesAreFound() throws {
    try folder.truncate("train/1.flac", to: 999)
    #expect(try state() == .unfit(reason: "train/1.flac has 999 bytes and not 1000"))
  }

  @Test func missingFilesAreFound() throws {
    try FileManager.default.removeItem(atPath: folder.file("train/0.flac"))
    #expect(try state() == .unfit(reason: "train/0.flac is missing"))
  }

  @Test func otherOptionsAreAnotherCorpus() throws {
    #expect(try state(seed: 8) == .unfit(reason: "it was made with seed 7"))
    #expect(try state(full: true) == .unfit(reason: "it is the small corpus"))
    var old = manifest
    old.version = 0
    try old.write(folder: folder.path)
    #expect(try state() == .unfit(reason: "it is of version 0"))
  }

  @Test func corporaWithoutManifestAreIncomplete() throws {
    try FileManager.default.removeItem(atPath: folder.file("manifest.json"))
    #expect(try state() == .foreign)
    try folder.makeFolder(".packages")
    #expect(try state() == .unfit(reason: "it is incomplete"))
    try FileManager.default.removeItem(atPath: folder.file("train"))
    #expect(try state() == .absent)
    #expect(try MiniCorpus.state(of: folder.file("none"), full: false, seed: 7) == .absent)
  }

  @Test func foreignFoldersAreNotChanged() throws {
    let other = try TemporaryFolder()
    try other.write([1], "precious.txt")
    #expect(throws: MiniCorpusError.foreignFolder(path: other.path)) {
      try MiniCorpus.prepare(output: other.path) { _ in }
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: other.path) == ["precious.txt"])
  }

  @Test func twoProcessesDoNotBuildInOneFolder() throws {
    let busy = try TemporaryFolder()
    try busy.makeFolder(".packages")
    let lock = open(busy.file(".packages/lock"), O_WRONLY | O_CREAT, 0o644)
    defer { close(lock) }
    try #require(flock(lock, LOCK_EX | LOCK_NB) == 0)
    #expect(throws: MiniCorpusError.busy(path: busy.path)) {
      try MiniCorpus.prepare(output: busy.path) { _ in }
    }
  }
}

@Suite struct DebianPackagesTests {
  @Test func firstErrorIsReported() {
    let apt = """
      W: Download is performed unsandboxed as root
      Err:1 http://example.org bookworm/main amd64 klettres-data all 4:22.12.3-1
        Could not resolve
      E: Failed to fetch klettres-data  Could not resolve
      E: Failed to fetch ktuberling-data  Could not resolve
      """
    #expect(DebianPackages.reason(apt) == "Failed to fetch klettres-data  Could not resolve")
    let tar = """
      tar: ./usr/share/a: Wrote only 2048 of 10240 bytes
      tar: ./usr/share/b: Cannot write: No space left on device
      tar: Exiting with failure status due to previous errors
      dpkg-deb: error: tar subprocess returned error exit status 2
      """
    #expect(DebianPackages.reason(tar) == "./usr/share/b: Cannot write: No space left on device")
    #expect(DebianPackages.reason("something else\nlast line\n") == "last line")
    #expect(DebianPackages.reason("") == "no reason given")
    let full = MiniCorpusError.unpackFailed(path: "a.deb", reason: DebianPackages.reason(tar))
    #expect(full.description.hasSuffix("free some disk space"))
  }
}
