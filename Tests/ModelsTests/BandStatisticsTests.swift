import Models
import Tensor
import Testing

/// Checks the band split's normalisation with statistics of a longer recording.
@Suite struct BandStatisticsTests {
  private let widths = [2, 3, 5]

  /// A spectrogram X[1, frames, 10, 2] whose bands have different means and scales.
  private func spectrogram(frames: Int) -> Tensor {
    var state: UInt64 = 7
    return Tensor(
      shape: [1, frames, 10, 2],
      elements: (0..<frames * 20).map { index in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        let scale = Float(1 + index % 20)
        return scale * (Float(state >> 40) / Float(1 << 24) - 0.3)
      })
  }

  private func split() -> (bands: BandSplit, arena: ParameterArena) {
    let arena = ParameterArena()
    let bands = BandSplit(widths: widths, features: 8, scope: ParameterScope(arena))
    arena.allocate(seed: 3)
    return (bands, arena)
  }

  @Test(arguments: [1, 2, 31, 500]) func ownStatisticsChangeNothing(frames: Int) {
    let x = spectrogram(frames: frames)
    let (bands, arena) = split()
    var statistics = BandStatistics(widths: widths)
    // The frames come in two parts, as from a recording.
    statistics.add(x, frames: 0..<frames / 2)
    statistics.add(x, frames: frames / 2..<frames)
    let own = bands(x, .inference).elements
    let given = bands(x, statistics: statistics.groups, .inference).elements
    let scale = own.map(abs).max() ?? 0
    let worst = zip(own, given).map { abs($0 - $1) }.max() ?? .infinity
    #expect(worst < 2e-6 * scale, "off by \(worst) of \(scale)")
    _ = arena
  }

  @Test func statisticsAreMeanAndVarianceOfABand() {
    let x = Tensor(
      shape: [1, 2, 2, 2], elements: [1, 2, 10, 10, 3, 6, 10, 10])
    var statistics = BandStatistics(widths: [1, 1])
    statistics.add(x, frames: 0..<2)
    #expect(
      statistics.groups == [
        GroupStatistics(mean: 3, variance: 3.5), GroupStatistics(mean: 10, variance: 0),
      ])
  }

  @Test func aPartIsNormalisedAsInTheWhole() {
    let x = spectrogram(frames: 40)
    let part = Tensor(
      shape: [1, 10, 10, 2], elements: Array(x.elements[400..<600]))
    let (bands, arena) = split()
    var statistics = BandStatistics(widths: widths)
    statistics.add(x, frames: 0..<40)
    let whole = bands(x, .inference).elements
    let alone = bands(part, .inference).elements
    let given = bands(part, statistics: statistics.groups, .inference).elements
    // [1, K, T, N]: frames 20 to 29 of each band.
    let expected: [Float] = (0..<3).flatMap { (band: Int) -> ArraySlice<Float> in
      whole[(band * 40 + 20) * 8..<(band * 40 + 30) * 8]
    }
    let worst = zip(given, expected).map { abs($0 - $1) }.max() ?? .infinity
    #expect(worst < 1e-5, "off by \(worst)")
    #expect((zip(alone, expected).map { abs($0 - $1) }.max() ?? 0) > 1e-3)
    _ = arena
  }
}
