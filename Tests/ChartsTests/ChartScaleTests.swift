import Charts
import Foundation
import Testing

/// Axes of charts: ticks that people can read, whatever the numbers.
@Suite struct ChartScaleTests {
  @Test(arguments: [
    [0.0, 1.0], [1.97, 3.41], [-0.2, 0.7], [2.5, 2.5], [0, 0], [1e-6, 3.2e-5], [99_999, 100_003],
    [-1e7, 2e7], [0.0203, 0.0207], [1, .nan, 4],
  ])
  func ticksAreFewRoundAndApart(values: [Double]) {
    let scale = ChartScale(values)
    #expect((2...12).contains(scale.ticks.count), "\(scale.ticks)")
    #expect(Set(scale.ticks.map(\.label)).count == scale.ticks.count, "\(scale.ticks)")
    for value in values where value.isFinite {
      #expect((-1e-9...1.000_000_001).contains(scale.place(value)), "\(value) in \(scale.ticks)")
    }
    for tick in scale.ticks {
      #expect((-1e-9...1.000_000_001).contains(scale.place(tick.value)), "\(tick)")
    }
  }

  @Test func nothingButZerosHasRoundTicks() {
    #expect(ChartScale([0, 0, 0]).ticks.map(\.label) == ["-1.0", "-0.5", "0", "0.5", "1.0"])
  }

  @Test func wholeNumbersStayWhole() {
    #expect(ChartScale([1, 2], isWhole: true).ticks.map(\.label) == ["1", "2"])
    #expect(ChartScale([1], isWhole: true).ticks.map(\.label) == ["0", "1", "2"])
    #expect(
      ChartScale([1, 100], isWhole: true).ticks.map(\.value).allSatisfy { $0 == $0.rounded() })
  }

  @Test func namesAndPowersOfTwo() {
    let names = ChartScale([], .categories(["a", "b", "c"]))
    #expect(names.ticks.map(\.label) == ["a", "b", "c"])
    #expect(isHalf(names.place(1)) && names.place(0) > 0 && names.place(2) < 1)
    let powers = ChartScale([3, 40], .logarithmic)
    #expect(powers.ticks.map(\.value) == [2, 4, 8, 16, 32, 64])
    #expect(isHalf(powers.place(11.313_708_498_984_761)))
  }

  private func isHalf(_ value: Double) -> Bool { abs(value - 0.5) < 1e-9 }
}
