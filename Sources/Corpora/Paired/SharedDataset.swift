import Communication
import Foundation
import Platform
import RunFiles

/// One split of a corpus on one or all ranks.
package struct SharedDataset: Sendable {
  /// The usable pairs, sorted by name.
  package private(set) var pairs: UtteranceIndex
  /// Files that were left out, with the reasons; on rank 0.
  package let skipped: [BadFile]
  /// Facts of the pairs' files, on rank 0 until they are forgotten; none of recordings of a pack.
  package private(set) var facts: [FileFacts.Pair]
  /// Files whose headers were read, on rank 0.
  package let readCount: Int

  /// Sample rate of the recordings, in hertz.
  package var sampleRate: Int { pairs.head.sampleRate }

  /// Finds the split in `data`, a corpus folder or a packed corpus, and inspects it.
  ///
  /// The recordings have to be at `sampleRate`, in hertz; nil for any rate that they share.
  ///
  /// Throws `PairedDatasetError` or `PackedCorpusError`. In a packed corpus nothing is left out:
  /// what is not whole there is damage.
  package init(
    data: String, split: CorpusSplit, sampleRate: Int?, onBadFile: OnBadFile = .stop,
    validationSpeakers: ValidationSpeakers = .usual
  ) throws {
    if PackedCorpus.isFile(data) {
      try self.init(
        pack: data, split: split, sampleRate: sampleRate, validationSpeakers: validationSpeakers)
    } else {
      self.init(
        try PairedDataset(
          folder: data, split: split, sampleRate: sampleRate, onBadFile: onBadFile,
          validationSpeakers: validationSpeakers))
    }
  }

  private init(_ found: PairedDataset) {
    pairs = found.pairs
    skipped = found.skipped
    facts = found.facts
    readCount = found.readCount
  }

  private init(
    pack: String, split: CorpusSplit, sampleRate: Int?, validationSpeakers: ValidationSpeakers
  ) throws {
    let corpus = try PackedCorpus(path: pack)
    if let sampleRate, sampleRate != corpus.sampleRate {
      throw PackedCorpusError.wrongSampleRate(
        path: pack, expected: sampleRate, found: corpus.sampleRate)
    }
    self.init(try corpus.pairs(split, validationSpeakers: validationSpeakers))
  }

  private init(_ pairs: UtteranceIndex) {
    self.pairs = pairs
    skipped = []
    facts = []
    readCount = 0
  }

  /// A dataset of these pairs that reads the packed recordings from another copy of their file.
  package func reading(from path: String) -> SharedDataset {
    guard case .pack(var place) = pairs.head.source else { return self }
    place.path = path
    var moved = self
    moved.pairs.head.source = .pack(place)
    return moved
  }

  /// Gives back the memory of the facts.
  package mutating func forgetFacts() { facts = [] }

  /// The CRC-32C of the head of the pack; nil for files of their own.
  package var packChecksum: String? {
    if case .pack(let place) = pairs.head.source { place.checksum } else { nil }
  }
}

/// A split of a corpus, and the conditions for its recordings.
package struct DatasetRequest: Sendable {
  /// A folder or a packed file.
  package var data: String
  package var split: CorpusSplit
  /// Rate that the recordings have to be at, in hertz.
  package var sampleRate: Int
  package var onBadFile: OnBadFile
  package var validationSpeakers: ValidationSpeakers

  /// Request for a split of the corpus at `data`.
  package init(
    data: String, split: CorpusSplit, sampleRate: Int, onBadFile: OnBadFile = .stop,
    validationSpeakers: ValidationSpeakers = .usual
  ) {
    self.data = data
    self.split = split
    self.sampleRate = sampleRate
    self.onBadFile = onBadFile
    self.validationSpeakers = validationSpeakers
  }
}

extension SharedDataset {
  /// Finds and inspects a split together with all ranks, which call it together. Rank 0 reads the
  /// head of a pack or lists the folders, and each rank reads the headers of its share of the
  /// files.
  ///
  /// - Parameters:
  ///   - known: what rank 0 knows from an earlier run; files that have not changed are not opened.
  ///   - log: takes the progress.
  ///   - inspect: how a file is looked at; tests count the calls.
  /// - Throws: `RootFailure` on all ranks with the text of a `PairedDatasetError` or a
  ///   `PackedCorpusError`.
  package init(
    _ request: DatasetRequest, known: RememberedPairs? = nil, log: RunLog? = nil,
    over communicator: any Communicator, sharing: HostBytes? = nil,
    inspect: PairInspection.Inspect? = nil
  ) throws {
    let root = RootDecision(communicator)
    let host = sharing ?? HostBytes(over: communicator)
    var own: SharedDataset?
    if try root.value({ PackedCorpus.isFile(request.data) }) {
      try root.run {
        own = try SharedDataset(
          pack: request.data, split: request.split, sampleRate: request.sampleRate,
          validationSpeakers: request.validationSpeakers)
      }
    } else {
      var files: SplitFiles?
      let folders = try root.value {
        let found = try SplitFiles(
          folder: request.data, split: request.split,
          validationSpeakers: request.validationSpeakers, known: known)
        files = found
        return found.listing.folders
      }
      let listing = PairListing(folders, table: try host.share(files?.listing.table))
      let inspection = inspect.map { PairInspection(listing, inspect: $0) } ?? .init(listing)
      log?.beginProgress(
        "reading headers (\(request.split.rawValue))", total: max(1, listing.count), unit: "pairs")
      defer { log?.endProgress() }
      let found = try inspection.together(over: communicator) { log?.progress(completed: $0) }
      try root.run {
        guard let files else { return }
        own = SharedDataset(
          try PairedDataset(
            files, found, sampleRate: request.sampleRate, onBadFile: request.onBadFile))
      }
    }
    let head = try root.value { own?.pairs.head }
    let table = try host.share(own?.pairs.table)
    guard let head else { preconditionFailure("SharedDataset: rank 0 found nothing") }
    pairs = UtteranceIndex(head: head, table: table)
    skipped = own?.skipped ?? []
    facts = own?.facts ?? []
    readCount = own?.readCount ?? 0
    // Listing and inspection took several times what is left of them.
    own = nil
    Memory.returnFreed()
  }
}
