import Platform
import Testing

/// Lists that are cut, and numbers that no integer holds.
@Suite struct ItemListTests {
  private func items(_ count: Int) -> [String] { (1...count).map(String.init) }

  @Test func longListsAreCutAndCounted() {
    #expect(ItemList.lines(["a", "b"]) == "  a\n  b")
    #expect(ItemList.text(items(11)) == items(11).joined(separator: ", "))
    #expect(ItemList.text(items(12)) == items(10).joined(separator: ", ") + ", and 2 more")
    let lines = ItemList.lines(items(300)).split(separator: "\n")
    #expect(lines.count == 11 && lines.last == "  and 290 more")
  }

  @Test func everyNumberHasAnInteger() {
    #expect(Int(clamped: 2.9) == 2 && Int(clamped: -2.9) == -2 && Int(clamped: .nan) == 0)
    #expect(Int(clamped: 1e300) == .max && Int(clamped: -.infinity) == .min)
    #expect(Int(clamped: 0x1p63) == .max && Int(clamped: -0x1p63) == .min)
    #expect(NumberText.fixed(1e300, digits: 1).hasPrefix("9223372036854775"))
  }

  @Test func timesHaveALimit() {
    #expect(TimeSpan.seconds("99999999999999999999s") == nil)
    #expect(TimeSpan.seconds("999999-00:00:00") == nil)
    #expect(TimeSpan.seconds("10000d") == 864_000_000)
  }
}
