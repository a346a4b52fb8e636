import Commands
import Testing

@Suite struct RankCountsTests {
  @Test func numbersOfRanks() {
    func counts(_ text: String) -> [Int]? { RankCounts(argument: text)?.counts }
    #expect(counts("1,2,4") == [1, 2, 4])
    #expect(counts("4,1,4") == [1, 4])
    #expect(counts("1..8") == [1, 2, 4, 8])
    #expect(counts("3..20") == [3, 6, 12, 20])
    #expect(counts("1..4,6") == [1, 2, 4, 6])
    for bad in ["", "0", "a", "1,", "4..2", "1..2..3", "-1", "1..", "..4"] {
      #expect(counts(bad) == nil, "\(bad)")
    }
  }
}
