import Audio
import Communication
import Corpora
import Foundation
import Testing
import TestSupport

/// The index of a large corpus: its size, who reads the headers, and what is remembered.
@Suite struct UtteranceIndexTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// A split of `count` pairs that are links to eight recordings; the names have 10 bytes.
  private func link(_ count: Int, split: String = "train", from first: Int = 0) throws {
    try folder.makeFolder("sources")
    for side in ["clean", "noisy"] {
      try folder.makeFolder("\(split)/\(side)")
      for index in 0..<8
      where !FileManager.default.fileExists(
        atPath: folder.file("sources/\(side)\(index).wav"))
      {
        try WaveFile.write(
          noise(200 + index, seed: UInt64(index)), sampleRate: 16_000,
          to: folder.file("sources/\(side)\(index).wav"))
      }
      for index in first..<first + count {
        let name = String(format: "s%03d_%05d.wav", index / 100, index)
        try FileManager.default.createSymbolicLink(
          atPath: folder.file("\(split)/\(side)/\(name)"),
          withDestinationPath: folder.file("sources/\(side)\(index % 8).wav"))
      }
    }
  }

  /// The files that each rank has opened.
  private final class Readers: Sendable {
    private let calls = Guarded([(rank: Int, path: String)]())
    func note(_ rank: Int, _ path: String) { calls.append((rank, path)) }
    var all: [(rank: Int, path: String)] { calls.all }
  }

  /// The dataset on three ranks; `known` is what rank 0 remembers.
  private func open(
    _ readers: Readers, known: URL? = nil, sharesMemory: Bool = true,
    hosts: [String] = ["", "", ""]
  ) throws -> [SharedDataset] {
    let path = folder.path
    return try LocalCommunicator.run(size: 3) { communicator in
      let rank = communicator.rank
      return try SharedDataset(
        DatasetRequest(data: path, split: .train, sampleRate: 16_000),
        known: rank == 0 ? known.flatMap { RememberedPairs(contentsOf: $0) } : nil,
        over: communicator,
        sharing: HostBytes(
          over: communicator, host: .init(name: "h\(hosts[rank])", boot: ""),
          sharesMemory: sharesMemory),
        inspect: { path throws(WaveFileError) in
          readers.note(rank, path)
          return try WaveFile.inspect(path: path)
        })
    }
  }

  @Test func itIsSmallAndEveryHeaderIsReadOnceByOneRank() throws {
    let count = 4000
    try link(count)
    let readers = Readers()
    let datasets = try open(readers)
    let alone = try PairedDataset(folder: folder.path, split: .train)
    for dataset in datasets {
      #expect(dataset.pairs.count == count && dataset.sampleRate == 16_000)
      // A record of 16 bytes and a name of 10.
      #expect(dataset.pairs.byteCount == 26 * count)
      #expect(dataset.pairs.sampleCount == alone.pairs.sampleCount)
      #expect(dataset.pairs.elementsEqual(alone.pairs))
    }
    #expect(Set(readers.all.map(\.path)).count == 2 * count && readers.all.count == 2 * count)
    #expect(datasets[0].readCount == 2 * count)
    for rank in 0..<3 {
      let share = readers.all.filter { $0.rank == rank }.count
      #expect((2 * 512 * 2...2 * 512 * 3).contains(share), "rank \(rank) read \(share)")
    }
    #expect(alone.pairs[4].name == "s000_00004" && alone.pairs[4].sampleCount == 204)
  }

  @Test func whatIsRememberedIsNotReadAgain() throws {
    try link(1200)
    let file = URL(fileURLWithPath: folder.file("remembered"))
    let first = try open(Readers())[0]
    try RememberedPairs.write(first.pairs, facts: first.facts, spreadCount: nil, to: file)
    let again = Readers()
    #expect(try open(again, known: file)[2].pairs.elementsEqual(first.pairs))
    #expect(again.all.isEmpty)

    // A recording that is written anew, and pairs that come and go.
    try link(2, from: 1200)
    for side in ["clean", "noisy"] {
      unlink(folder.file("train/\(side)/s000_00003.wav"))
      unlink(folder.file("train/\(side)/s000_00007.wav"))
      try WaveFile.write(
        noise(777), sampleRate: 16_000, to: folder.file("train/\(side)/s000_00007.wav"))
    }
    let readers = Readers()
    let later = try open(readers, known: file)
    #expect(
      Set(readers.all.map { ($0.path as NSString).lastPathComponent })
        == ["s000_00007.wav", "s012_01200.wav", "s012_01201.wav"])
    #expect(readers.all.count == 6)
    let remembered = try #require(RememberedPairs(contentsOf: file))
    let difference = PairDifference(
      from: remembered.index, Array(0..<1200), to: later[1].pairs, Array(0..<1201))
    #expect(difference.text == "2 added, 1 removed, 1 of another length")

    // A damaged memory is none.
    var bytes = try Data(contentsOf: file)
    bytes[bytes.count / 2] ^= 1
    try bytes.write(to: file)
    #expect(RememberedPairs(contentsOf: file) == nil)
    let damaged = Readers()
    _ = try open(damaged, known: file)
    #expect(damaged.all.count == 2 * 1201)
  }

  @Test(arguments: [(true, ["a", "a", "b"]), (true, ["a", "b", "a"]), (false, ["a", "a", "a"])])
  func ranksOfEveryHostHaveIt(sharesMemory: Bool, hosts: [String]) throws {
    try link(50)
    let alone = try PairedDataset(folder: folder.path, split: .train).pairs
    for dataset in try open(Readers(), sharesMemory: sharesMemory, hosts: hosts) {
      #expect(dataset.pairs.elementsEqual(alone))
    }
  }

  @Test func badFilesAreFoundByWhoeverReadsThem() throws {
    try link(1500)
    for name in ["s000_00000", "s007_00700", "s014_01499"] {
      unlink(folder.file("train/noisy/\(name).wav"))
      try folder.write([], "train/noisy/\(name).wav")
    }
    let error = #expect(throws: RootFailure.self) { try open(Readers()) }
    let expected = #expect(throws: PairedDatasetError.self) {
      try PairedDataset(folder: folder.path, split: .train)
    }
    #expect(error?.description == expected?.description)
    #expect(error?.description.contains("3 unusable files") == true)
  }

  @Test func aPackHasSmallRecordsToo() throws {
    try link(900)
    try link(2, split: "valid")
    let pack = folder.file("pack")
    _ = try CorpusPacker(folder: folder.path, onBadFile: .stop)
      .write(to: URL(fileURLWithPath: pack))
    let files = try PairedDataset(folder: folder.path, split: .train).pairs
    let datasets = try LocalCommunicator.run(size: 2) { communicator in
      try SharedDataset(
        DatasetRequest(data: pack, split: .train, sampleRate: 16_000), over: communicator)
    }
    let reader = RecordingReader()
    for dataset in datasets {
      #expect(dataset.pairs.byteCount == 50 * files.count)
      #expect(dataset.pairs.map(\.name) == files.map(\.name))
      #expect(dataset.pairs.digest(count: nil) == files.digest(count: nil))
      for item in [0, 8, 899] {
        let (packed, file) = (dataset.pairs[item], files[item])
        #expect(packed.sampleCount == file.sampleCount)
        #expect(
          try reader.read(packed.noisy, sampleRate: 16_000)
            == reader.read(file.noisy, sampleRate: 16_000))
      }
    }
  }

  @Test func ordersStayAsTheyWere() {
    // A run of an earlier version that is resumed must visit what is left.
    #expect(EpochOrder.permutation(seed: 7, epoch: 3, count: 10) == Self.order)
  }

  private static let order: [UInt32] = [7, 1, 0, 4, 3, 9, 5, 2, 8, 6]
}

/// A list that threads may share.
private final class Guarded<Item>: @unchecked Sendable {
  // Sendable because the lock guards every access.
  private let lock = NSLock()
  private var items: [Item]

  init(_ items: [Item]) { self.items = items }

  func append(_ item: Item) { lock.withLock { items.append(item) } }
  var all: [Item] { lock.withLock { items } }
}
