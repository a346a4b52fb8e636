import Communication
import Corpora
import Foundation
import RunFiles
import Testing
import TestSupport

/// Copying a pack to the hosts' disks, on ranks that are threads and hosts that are folders.
@Suite struct StagingTests {
  /// A pack and the place where each of two hosts has its disk.
  private struct Site {
    let folder: URL
    var data: String { folder.file("shared/c.safetensors") }

    init(_ folder: URL) throws {
      self.folder = folder
      let corpus = try FixtureCorpus(in: folder, splits: ["train": 2, "valid": 1])
      try folder.makeFolder("shared")
      _ = try CorpusPacker(folder: corpus.folder.path(percentEncoded: false), onBadFile: .stop)
        .write(to: folder.appending(path: "shared/c.safetensors"))
    }

    func bytes() throws -> Data { try Data(contentsOf: URL(fileURLWithPath: data)) }

    /// The name that the copy has.
    func copyName() throws -> String {
      "c-\(try PackedCorpus(path: data).checksum).safetensors"
    }

    /// Paths that four ranks read, two on each host, and the log. `disks`: a folder for each
    /// host; `free`: what is free there.
    func stage(
      disks: [String], free: [Int?] = [nil, nil]
    ) throws -> (paths: [Result<String, RootFailure>], log: String) {
      let output = folder.appending(path: "log-\(UUID().uuidString)")
      #expect(
        FileManager.default.createFile(atPath: output.path(percentEncoded: false), contents: nil))
      let file = try FileHandle(forWritingTo: output)
      let data = data
      let root = folder
      let paths = try LocalCommunicator.run(size: 4) { communicator in
        let host = communicator.rank / 2
        let log = try RunLog(
          rank: communicator.rank, standardOutput: file.fileDescriptor,
          standardError: file.fileDescriptor)
        let staging = Staging(
          over: communicator, log: log, host: .init(name: "node\(host)", boot: "boot"),
          freeBytes: { free[host] ?? HostCopy.freeBytes($0) })
        do {
          return Result<String, RootFailure>.success(
            try staging.path(of: data, in: root.file(disks[host])))
        } catch let failure as RootFailure {
          return .failure(failure)
        }
      }
      return (paths, try String(contentsOf: output, encoding: .utf8))
    }

    func expectNoTemporary(_ disk: String) throws {
      #expect(try folder.names(in: disk).allSatisfy { !$0.contains(".tmp-") })
    }
  }

  private func withSite(_ body: (Site) throws -> Void) throws {
    try withTemporaryFolder { try body(try Site($0)) }
  }

  @Test func eachHostHasOneVerifiedCopyThatAllItsRanksRead() throws {
    try withSite { site in
      let name = try site.copyName()
      let first = try site.stage(disks: ["disk0/a/b", "disk1"])
      let expected = ["disk0/a/b", "disk0/a/b", "disk1", "disk1"].map {
        site.folder.file("\($0)/\(name)")
      }
      #expect(try first.paths.map { try $0.get() } == expected)
      #expect(
        first.log.hasPrefix("staged \(site.data) as \(expected[0]) on 2 hosts: 2 copied and "))
      #expect(first.log.hasSuffix(" MB)\n"), "\(first.log)")
      for path in Set(expected) {
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == site.bytes())
      }
      for disk in ["disk0/a/b", "disk1"] { #expect(try site.folder.names(in: disk) == [name]) }

      // It is there: not even one byte is written.
      let attributes = try FileManager.default.attributesOfItem(atPath: expected[0])
      let again = try site.stage(disks: ["disk0/a/b", "disk1"])
      #expect(try again.paths.map { try $0.get() } == expected)
      #expect(
        again.log == "staged \(site.data) as \(expected[0]) on 2 hosts: 2 there already, verified\n"
      )
      let later = try FileManager.default.attributesOfItem(atPath: expected[0])
      #expect(later[.systemFileNumber] as? Int == attributes[.systemFileNumber] as? Int)
    }
  }

  @Test func aCopyThatRottedIsMadeAnew() throws {
    try withSite { site in
      let name = try site.copyName()
      _ = try site.stage(disks: ["disk0", "disk1"])
      let whole = try site.bytes()
      // One bit of the samples; then half the file; then a bit of the header.
      var flipped = whole
      flipped[whole.count - 1000] ^= 1
      var header = whole
      header[100] ^= 1
      for (damaged, what) in [
        (flipped, "flipped"), (whole.prefix(20_000), "cut"), (header, "header"),
      ] {
        let path = site.folder.file("disk1/\(name)")
        try damaged.write(to: URL(fileURLWithPath: path))
        let outcome = try site.stage(disks: ["disk0", "disk1"])
        #expect(try outcome.paths[3].get() == path)
        #expect(outcome.log.contains("1 copied and verified"), "\(what): \(outcome.log)")
        #expect(outcome.log.contains("1 there already, verified"), "\(what): \(outcome.log)")
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == whole)
        try site.expectNoTemporary("disk1")
      }
    }
  }

  @Test func aHostWithoutRoomReadsTheSharedFile() throws {
    try withSite { site in
      let outcome = try site.stage(disks: ["disk0", "disk1"], free: [nil, 5_000_000])
      let bytes = try site.bytes().count
      #expect(bytes < 5_000_000)
      #expect(!outcome.log.contains("warning"))
      let less = try site.stage(disks: ["disk2", "disk3"], free: [bytes - 1, nil])
      let paths = try less.paths.map { try $0.get() }
      #expect(paths[0] == site.data && paths[1] == site.data)
      #expect(paths[2] == paths[3] && paths[2].contains("disk3"))
      #expect(
        less.log.contains("warning: host node0 reads \(site.data) itself: "), "\(less.log)")
      #expect(less.log.contains("disk2 has 0 MB free, and the corpus needs 0 MB"), "\(less.log)")
      #expect(less.log.contains("on 1 host: 1 copied"))
      #expect(try site.folder.names(in: "disk2") == [])
    }
  }

  @Test func aFolderThatCannotBeWrittenIsNoError() throws {
    try withSite { site in
      // A file where the folder should be, and a place where none can be made.
      try Data([1]).write(to: site.folder.appending(path: "occupied"))
      let outcome = try site.stage(disks: ["occupied", "occupied/below"])
      #expect(try outcome.paths.map { try $0.get() } == Array(repeating: site.data, count: 4))
      for host in 0..<2 {
        #expect(
          outcome.log.contains("warning: host node\(host) reads \(site.data) itself: "),
          "\(outcome.log)")
      }
      #expect(!outcome.log.contains("staged"))
    }
  }

  @Test func aDamagedOriginalIsAnErrorOnAllRanks() throws {
    try withSite { site in
      let whole = try site.bytes()
      let recording = try PackedCorpus(path: site.data).recordings[3]
      var damaged = whole
      damaged[recording.offset + 40_000] ^= 8
      for (bytes, text) in [
        (damaged, "\"\(recording.name)\" block 1 (samples 16384 to "),
        (whole.prefix(whole.count - 1), "is truncated or damaged"),
        (Data("nothing".utf8), "is a text file, not a safetensors file"),
      ] {
        try bytes.write(to: URL(fileURLWithPath: site.data))
        let outcome = try site.stage(disks: ["disk0", "disk1"])
        for (rank, result) in outcome.paths.enumerated() {
          guard case .failure(let failure) = result else {
            Issue.record("rank \(rank) went on")
            continue
          }
          #expect(failure.description.contains(text), "\(failure)")
          #expect(failure.description.contains(site.data))
          #expect(failure.isOwn == (rank == 0))
        }
        for disk in ["disk0", "disk1"] {
          #expect((try? site.folder.names(in: disk)) ?? [] == [])
        }
      }
    }
  }

  @Test func twoCorporaOfOneNameStandSideBySide() throws {
    try withSite { site in
      let first = try site.copyName()
      _ = try site.stage(disks: ["disk0", "disk1"])
      // Another version of the corpus, without its last pair.
      for side in ["clean", "noisy"] {
        try FileManager.default.removeItem(
          at: site.folder.appending(path: "corpus/train/\(side)/u001.wav"))
      }
      _ = try CorpusPacker(folder: site.folder.file("corpus"), onBadFile: .stop)
        .write(to: URL(fileURLWithPath: site.data))
      _ = try site.stage(disks: ["disk0", "disk1"])
      for disk in ["disk0", "disk1"] {
        #expect(try site.folder.names(in: disk) == [first, try site.copyName()].sorted())
      }
    }
  }

  @Test func theOriginalMayLieInTheFolder() throws {
    try withSite { site in
      // Where the copies are: it is one.
      let path = site.folder.file("shared/\(try site.copyName())")
      try FileManager.default.moveItem(atPath: site.data, toPath: path)
      let corpus = try PackedCorpus(path: path)
      let copy = HostCopy(
        of: site.data, .init(corpus),
        in: site.folder.file("shared"))
      #expect(copy.make() == .kept(path: path))
      // And one elsewhere is told of as it grows.
      let other = HostCopy(of: path, .init(corpus), in: site.folder.file("disk"))
      var told: [Int] = []
      guard case .copied(other.path, _) = other.make(progress: { told.append($0) }) else {
        Issue.record("no copy")
        return
      }
      #expect(told.last == corpus.byteCount && told == told.sorted())
    }
  }

  @Test func onlyFilesCanBeStaged() throws {
    try withTemporaryFolder { folder in
      let path = folder.path(percentEncoded: false)
      let results = try LocalCommunicator.run(size: 2) { communicator -> String in
        let staging = Staging(over: communicator, log: try RunLog(rank: 1))
        #expect(try staging.path(of: "anything", in: nil) == "anything")
        let missing = #expect(throws: RootFailure.self) {
          try staging.path(of: "nowhere", in: "disk")
        }
        #expect(missing?.description == "nowhere: no such corpus folder or packed file")
        do {
          return try staging.path(of: path, in: "disk")
        } catch {
          return "\(error)"
        }
      }
      #expect(
        results == Array(repeating: StagingError.folder(path: path).description, count: 2))
      #expect(
        results[0].contains("pack it first (disttrain prepare pack --input \(path) --output "))
    }
  }

  @Test func thisHostHasAName() {
    #expect(!Staging.Host.own.name.isEmpty && Staging.Host.own.boot.count == 36)
    #expect(Staging.Host.own == Staging.Host.own)
    #expect((HostCopy.freeBytes("/") ?? 0) > 0 && HostCopy.freeBytes("/none/such") == nil)
  }
}
