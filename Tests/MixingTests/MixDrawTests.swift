import Files
import Foundation
import Mixing
import Testing

/// Properties of draws.
@Suite struct MixDrawTests {
  private static let inventory = MixInventory(
    speech: [[.init(samples: 40_000), .init(samples: 900)], [.init(samples: 32_001)]],
    noise: [[.init(samples: 70_000, channels: 2), .init(samples: 500)], [.init(samples: 99_000)]],
    reverberation: [[.init(samples: 8000, channels: 4), .init(samples: 100)]])

  private func draw(
    _ mix: MixDescription, seed: UInt64 = 5, cropSamples: Int? = 8000,
    inventory: MixInventory = inventory
  ) -> MixDraw {
    MixDraw(
      mix, inventory: inventory, seed: seed, sampleRate: 16_000, cropSamples: cropSamples)
  }

  private func items(_ draw: MixDraw, epochs: Int = 14) -> [DrawnItem] {
    (0..<epochs).flatMap { epoch in
      (0..<draw.itemsPerEpoch).map { draw.item(epoch: epoch, index: $0) }
    }
  }

  private static let parts = [
    #""noise": {"sources": ["n", "m"], "probability": 0.7}"#,
    #""reverberation": {"sources": ["r"], "channel": "random"}"#,
    #""distortions": {"counts": [1, 1, 1, 1], "kinds": [{"kind": "clipping"}, "#
      + #"{"kind": "band_limit"}, {"kind": "packet_loss"}]}"#,
    #""level": {"rms_db": [-30, -10]}"#,
  ]

  private func mix(_ parts: some Sequence<Int>) throws -> MixDescription {
    try description(
      "{"
        + ([#""speech": {"sources": ["a", "b"]}"#] + parts.map { Self.parts[$0] })
        .joined(separator: ", ") + "}")
  }

  @Test func partsDoNotMoveEachOther() throws {
    let whole = items(draw(try mix(0..<4)))
    #expect(whole.contains { $0.noises.isEmpty } && whole.contains { !$0.noises.isEmpty })
    #expect(whole.contains { $0.room == nil } && whole.contains { $0.room != nil })
    #expect(Set(whole.map(\.distortions.count)) == [0, 1, 2, 3])
    for chosen in 0..<16 {
      let numbers = (0..<4).filter { chosen >> $0 & 1 == 1 }
      let own = items(draw(try mix(numbers)))
      for (item, full) in zip(own, whole) {
        #expect(item.speech == full.speech)
        #expect(item.noises == (numbers.contains(0) ? full.noises : []))
        #expect(item.room == (numbers.contains(1) ? full.room : nil))
        #expect(item.distortions == (numbers.contains(2) ? full.distortions : []))
        #expect(item.level == (numbers.contains(3) ? full.level : nil))
      }
    }
  }

  @Test func secondNoiseMovesNothing() throws {
    let first = items(draw(try mix([0])))
    var mix = try mix([0])
    mix.noise?.second = .init(probability: 0.5, decibels: 0...3)
    let both = items(draw(mix))
    for (item, other) in zip(both, first) {
      #expect(Array(item.noises.prefix(other.noises.count)) == other.noises)
      #expect(item.noises.dropFirst(other.noises.count).joined().allSatisfy { $0.decibels <= 3 })
    }
    #expect(Set(both.map(\.noises.count)) == [0, 1, 2])
  }

  @Test(arguments: [1, 2, 3, 5, 12]) func utterancesComeEquallyOften(itemsPerEpoch: Int) throws {
    var mix = try mix([])
    mix.items = itemsPerEpoch
    let drawn = items(draw(mix), epochs: 12).map(\.speech.utterance)
    for start in stride(from: 0, to: drawn.count - 2, by: 3) {
      #expect(Set(drawn[start..<start + 3]) == [0, 1, 2])
    }
  }

  @Test func itemsAreAFunctionOfTheirPlace() throws {
    let mix = try mix(0..<4)
    let whole = items(draw(mix))
    let other = draw(mix)
    // Backwards, so that no draw can depend on an earlier one.
    for number in whole.indices.reversed() {
      #expect(
        other.item(epoch: number / other.itemsPerEpoch, index: number % other.itemsPerEpoch)
          == whole[number])
    }
    let seeds = [UInt64(6), 1 << 63, .max].map { items(draw(mix, seed: $0)) }
    for drawn in seeds { #expect(zip(drawn, whole).allSatisfy { $0 != $1 }) }
  }

  /// Loaders elsewhere have drawn the same numbers in each worker, or again in each epoch.
  @Test func noDrawComesAgain() throws {
    var mix = try mix([0])
    mix.items = 500
    mix.noise?.probability = 1
    let draws = items(draw(mix), epochs: 4) + items(draw(mix, seed: 6), epochs: 4)
    let ratios = Set(draws.map { $0.noises[0][0].decibels })
    #expect(ratios.count == draws.count)
    // Starts of the longest noise, in 91,001 places: few meet by chance.
    let starts = draws.map { $0.noises[0][0] }.filter { $0.source == 1 }.map(\.start)
    #expect(Set(starts).count > starts.count * 95 / 100 && starts.count > 1000)
  }

  @Test func weightsAndProbabilitiesHold() throws {
    var mix = try mix([0, 1, 2])
    mix.items = 4000
    mix.noise?.sources[0].weight = 3
    mix.noise?.sources[1].weight = 1
    mix.distortions[0].weight = 0
    mix.distortionCounts = [1, 2, 1]
    let draws = items(draw(mix), epochs: 1)
    func expect(_ share: Double, _ condition: (DrawnItem) -> Bool) {
      let own = Double(draws.count(where: condition)) / Double(draws.count)
      // Five standard deviations.
      #expect(abs(own - share) < 5 * (share * (1 - share) / 4000).squareRoot(), "\(own)")
    }
    expect(0.7) { !$0.noises.isEmpty }
    expect(0.7 * 0.75) { $0.noises.first?.first?.source == 0 }
    expect(0.5) { $0.room != nil }
    expect(0.25) { $0.distortions.isEmpty }
    expect(0.25) { $0.distortions.count == 2 }
    #expect(!draws.contains { $0.distortions.contains { $0.name == .clipping } })
  }

  @Test func wholeUtterancesHaveTheirLength() throws {
    let draws = items(draw(try mix(0..<4), cropSamples: nil), epochs: 3)
    #expect(Set(draws.map(\.length)) == [40_000, 900, 32_001])
    #expect(draws.allSatisfy { $0.speech.starts == [0] })
  }

  @Test func lowRateHasNoBandToLimit() throws {
    var mix = try mix([2])
    mix.distortionCounts = [0, 0, 0, 1]
    let draw = MixDraw(
      mix, inventory: Self.inventory, seed: 1, sampleRate: 8000, cropSamples: 8000)
    for item in items(draw) {
      #expect(Set(item.distortions.map(\.name)) == [.clipping, .packetLoss])
    }
  }

  @Test func manifestReadsBack() throws {
    for item in items(draw(try mix(0..<4))) {
      let text = try JSONEncoder().encode(item)
      #expect(try JSONDecoder().decode(DrawnItem.self, from: text) == item)
    }
    let unknown = Data(#"{"kind": "codec"}"#.utf8)
    #expect(throws: DecodingError.self) {
      try JSONDecoder().decode(DrawnDistortion.self, from: unknown)
    }
  }
}
