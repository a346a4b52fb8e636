import Files
import Foundation
import Mixing
import TestSupport
import Testing

/// Draws against those of an independent implementation.
@Suite struct MixDrawGoldenTests {
  private struct Golden: Decodable {
    var random_numbers: Numbers
    var cases: [Case]
  }

  private struct Numbers: Decodable {
    var seed_0: [String]
    var fnv1a: [String: String]
    var epoch_seed: [String: String]
    var first: [String: String]
    var order: [String: [Int]]
  }

  private struct Case: Decodable {
    var description: JSONValue
    var inventory: Files
    var seed: String
    var epoch: Int
    var index: Int
    var length: Int
    var sample_rate_hz: Int
    var tries: Int
    var drawn: Drawn
  }

  private struct Files: Decodable {
    var speech: [[[Int]]]
    var noise: [[[Int]]]
    var reverberation: [[[Int]]]
  }

  private struct Drawn: Decodable {
    struct Speech: Decodable {
      var source: Int
      var file: Int
      var starts: [Int]
    }

    var speech: Speech
    var noise: [[DrawnItem.Noise]]
    var rir: DrawnItem.Room?
    var distortions: [DrawnDistortion]
    var rms_db: Double?
  }

  private func golden() throws -> Golden {
    let url = fixturesFolder.appending(path: "golden/mix_draws.json")
    return try JSONDecoder().decode(Golden.self, from: FileContents.read(url))
  }

  @Test func generatorsAreThose() throws {
    let numbers = try golden().random_numbers
    var random = SplitMix64(seed: 0)
    #expect(numbers.seed_0 == (0..<numbers.seed_0.count).map { _ in "\(random.next())" })
    #expect(!numbers.fnv1a.isEmpty)
    for (label, hash) in numbers.fnv1a { #expect("\(FNV1a.hash(label.utf8))" == hash) }
    var epochs = SplitMix64(seed: 42, stream: 3)
    let epochSeed = epochs.next()
    #expect(numbers.epoch_seed["seed 42, epoch 3"] == "\(epochSeed)")
    var part = SplitMix64(seed: epochSeed, label: "mix/17/noise/0")
    #expect(numbers.first["seed 42, epoch 3, label mix/17/noise/0"] == "\(part.next())")
    var order = SplitMix64(seed: 42, label: "mix/order/2")
    #expect(
      numbers.order["seed 42, pass 2, 11 utterances"] == order.shuffled(Array(0..<11)))
  }

  @Test(arguments: 0..<14) func caseIsDrawn(number: Int) throws {
    let cases = try golden().cases
    try #require(cases.count == 14)
    let golden = cases[number]
    let description = try MixDescription(
      json: golden.description, file: "mix.json", folder: "/corpus")
    func files(_ sources: [[[Int]]]) -> [[MixInventory.File]] {
      sources.map { $0.map { MixInventory.File(samples: $0[0], channels: $0[1]) } }
    }
    let inventory = MixInventory(
      speech: files(golden.inventory.speech), noise: files(golden.inventory.noise),
      reverberation: files(golden.inventory.reverberation))
    let draw = MixDraw(
      description, inventory: inventory, seed: try #require(UInt64(golden.seed)),
      sampleRate: golden.sample_rate_hz, cropSamples: golden.length)
    let item = draw.item(epoch: golden.epoch, index: golden.index)
    let expected = golden.drawn
    #expect(item.length == golden.length)
    #expect(item.speech.source == expected.speech.source)
    #expect(item.speech.file == expected.speech.file)
    #expect(Array(item.speech.starts.prefix(golden.tries)) == expected.speech.starts)
    #expect(item.speech.starts.count == 1 || item.speech.starts.count == MixDraw.attempts)
    #expect(item.room == expected.rir)
    #expect(item.noises.map { Array($0.prefix(golden.tries)) } == expected.noise)
    #expect(item.noises.allSatisfy { $0.count == MixDraw.attempts })
    #expect(item.distortions == expected.distortions)
    #expect(item.level == expected.rms_db)
  }
}
