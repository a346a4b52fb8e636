import Files

/// The pairs of a pack, by split and name, and their names.
struct PackTable {
  private(set) var pairs: [PackedPair] = []
  private(set) var names: [UInt8] = []
  /// The splits that the pack has, each with the number of its first pair.
  private var starts: [(split: CorpusSplit, start: Int)] = []

  init(capacity: Int = 0) { pairs.reserveCapacity(capacity) }

  /// Adds a pair of `split`, whose pairs come one after another.
  mutating func append(
    _ split: CorpusSplit, _ name: some Sequence<UInt8>, clean: PackedPair.Side,
    noisy: PackedPair.Side, sampleCount: Int
  ) {
    if split != starts.last?.split { starts.append((split, pairs.count)) }
    names += name
    pairs.append(
      PackedPair(clean: clean, noisy: noisy, sampleCount: sampleCount, nameEnd: names.count))
  }

  /// The numbers of the pairs of `split`; nil if the pack does not have it.
  func items(of split: CorpusSplit) -> Range<Int>? {
    guard let index = starts.firstIndex(where: { $0.split == split }) else { return nil }
    let end = index + 1 < starts.count ? starts[index + 1].start : pairs.count
    return starts[index].start..<end
  }

  /// The split of the pair number `item`.
  func split(_ item: Int) -> CorpusSplit {
    starts.last { $0.start <= item }?.split ?? .train
  }

  /// The bytes of the name of the pair number `item`.
  func nameRange(_ item: Int) -> Range<Int> {
    (item == 0 ? 0 : pairs[item - 1].nameEnd)..<pairs[item].nameEnd
  }

  func name(_ item: Int) -> String { String(decoding: names[nameRange(item)], as: UTF8.self) }
}
