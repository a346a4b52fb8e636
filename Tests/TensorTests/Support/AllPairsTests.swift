import Testing

struct AllPairsTests {
  @Test(arguments: [[2, 2], [6, 5, 4, 4, 2, 2, 2], [6, 3, 4, 4, 4, 2, 2, 2, 3], [1, 7]])
  func everyPairMeets(counts: [Int]) {
    let rows = allPairs(counts)
    for i in counts.indices {
      for j in counts.indices where j > i {
        let seen = Set(rows.map { [$0[i], $0[j]] })
        #expect(seen.count == counts[i] * counts[j])
      }
    }
    // And in far fewer rows than there are combinations.
    let two = counts.sorted().suffix(2)
    #expect(rows.count <= 2 * two.reduce(1, *))
  }
}
