import Platform
import Testing

/// Nouns and verbs beside a count.
@Suite struct CountedNounsTests {
  @Test func aCountAndItsNoun() {
    #expect(NumberText.count(0, "rank") == "0 ranks")
    #expect(NumberText.count(1, "rank") == "1 rank")
    #expect(NumberText.count(2, "rank") == "2 ranks")
    #expect(NumberText.count(1, "batch", plural: "batches") == "1 batch")
    #expect(NumberText.count(21, "batch", plural: "batches") == "21 batches")
    #expect(NumberText.agree(1, "is", "are") == "is")
    #expect([0, 2, 11].map { NumberText.agree($0, "is", "are") } == ["are", "are", "are"])
  }
}
