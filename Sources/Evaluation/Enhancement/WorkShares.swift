/// Deals utterances to ranks so that all have about the same amount of audio.
package enum WorkShares {
  /// The items of each rank, in ascending order; every item belongs to one rank.
  ///
  /// The longest goes first, each to the rank with the least so far (Graham 1969: at most 4/3 of
  /// the best possible). A function of the lengths alone, so all ranks agree without a word.
  package static func deal(lengths: [Int], ranks: Int) -> [[Int]] {
    precondition(ranks > 0, "WorkShares: \(ranks) ranks")
    var shares = Array(repeating: [Int](), count: ranks)
    var loads = Array(repeating: 0, count: ranks)
    let order = lengths.indices.sorted { (lengths[$0], $1) > (lengths[$1], $0) }
    for item in order {
      var least = 0
      for rank in 1..<ranks where loads[rank] < loads[least] { least = rank }
      shares[least].append(item)
      loads[least] += lengths[item]
    }
    return shares.map { $0.sorted() }
  }
}
