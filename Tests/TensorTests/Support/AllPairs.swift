/// Rows of level indices such that any two levels of any two factors meet in some row.
///
/// Greedy: each row starts from a pair that has not met, and every other factor takes the level
/// that makes most new pairs with those already chosen. `counts` are the factors' level counts.
func allPairs(_ counts: [Int]) -> [[Int]] {
  struct Pair: Hashable {
    let (first, a, second, b): (Int, Int, Int, Int)

    init(_ i: Int, _ a: Int, _ j: Int, _ b: Int) {
      (first, self.a, second, self.b) = i < j ? (i, a, j, b) : (j, b, i, a)
    }
  }
  var order: [Pair] = []
  for i in counts.indices {
    for j in counts.indices where j > i {
      for a in 0..<counts[i] {
        for b in 0..<counts[j] { order.append(Pair(i, a, j, b)) }
      }
    }
  }
  var open = Set(order)
  var rows: [[Int]] = []
  for seed in order where open.contains(seed) {
    var row: [Int: Int] = [seed.first: seed.a, seed.second: seed.b]
    for factor in counts.indices where row[factor] == nil {
      func gain(_ level: Int) -> Int {
        row.count { open.contains(Pair(factor, level, $0.key, $0.value)) }
      }
      // Ties go round the levels from row to row.
      let levels = (0..<counts[factor]).map { ($0 + rows.count) % counts[factor] }
      row[factor] = levels.max { gain($0) < gain($1) }
    }
    for i in counts.indices {
      for j in counts.indices where j > i {
        open.remove(Pair(i, row[i] ?? 0, j, row[j] ?? 0))
      }
    }
    rows.append(counts.indices.map { row[$0] ?? 0 })
  }
  return rows
}
