import Audio
import Corpora
import Testing
import TestSupport

@Suite struct CropTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func pair(_ count: Int) throws -> (UtterancePair, clean: [Float], noisy: [Float]) {
    let sides = [1, 2].map { noise(count, seed: $0).map { ($0 * 32_768).rounded() / 32_768 } }
    let paths = ["c.wav", "n.flac"].map(folder.file)
    for (samples, path) in zip(sides, paths) {
      try WaveFile.write(samples, sampleRate: 16_000, to: path)
    }
    let pair = UtterancePair(
      name: "u", clean: .file(path: paths[0]), noisy: .file(path: paths[1]), sampleCount: count)
    return (pair, sides[0], sides[1])
  }

  @Test(arguments: [1000, 1001, 5000])
  func bothSidesAreCutAlike(sampleCount: Int) throws {
    let (pair, clean, noisy) = try pair(sampleCount)
    let crop = RandomCrop(sampleCount: 1000, seed: 3)
    let range = crop.range(epoch: 4, name: "u", utteranceSampleCount: sampleCount)
    #expect(range.count == 1000)
    let loaded = try crop.load(pair, epoch: 4, sampleRate: 16_000)
    #expect(loaded.clean == Array(clean[range]))
    #expect(loaded.noisy == Array(noisy[range]))
  }

  @Test(arguments: [1, 333, 999])
  func shortUtterancesAreRepeatedFromTheirStart(sampleCount: Int) throws {
    let (pair, clean, noisy) = try pair(sampleCount)
    let loaded = try RandomCrop(sampleCount: 1000, seed: 3).load(pair, epoch: 0, sampleRate: 16_000)
    #expect(loaded.clean == (0..<1000).map { clean[$0 % sampleCount] })
    #expect(loaded.noisy == (0..<1000).map { noisy[$0 % sampleCount] })
  }

  @Test(arguments: [1, 333, 1000, 5000])
  func shortUtterancesArePaddedAndAllAreLevelled(sampleCount: Int) throws {
    let (pair, clean, noisy) = try pair(sampleCount)
    var crop = RandomCrop(sampleCount: 1000, seed: 3)
    crop.padsShort = true
    crop.levelsUtterances = true
    let loaded = try crop.load(pair, epoch: 2, sampleRate: 16_000)
    // The level is that of the whole noisy utterance, for both sides.
    let energy = noisy.reduce(0) { $0 + Double($1) * Double($1) }
    let factor = Float((Double(sampleCount) / energy).squareRoot())
    let range = crop.range(epoch: 2, name: "u", utteranceSampleCount: sampleCount)
    let zeros = [Float](repeating: 0, count: 1000 - range.count)
    #expect(loaded.clean == clean[range].map { $0 * factor } + zeros)
    #expect(loaded.noisy == noisy[range].map { $0 * factor } + zeros)
  }

  @Test func startsAreReproducibleAndCoverTheUtterance() {
    let crop = RandomCrop(sampleCount: 10, seed: 7)
    func start(_ epoch: Int, _ name: String, _ seed: UInt64 = 7) -> Int {
      RandomCrop(sampleCount: 10, seed: seed)
        .range(epoch: epoch, name: name, utteranceSampleCount: 17).lowerBound
    }
    let epochs = (0..<4000).map { start($0, "a") }
    #expect(epochs == (0..<4000).map { start($0, "a") })
    #expect(crop.range(epoch: 5, name: "a", utteranceSampleCount: 17).lowerBound == epochs[5])
    // Each of eight starts is expected 500 times; five standard deviations are 105.
    for value in 0...7 {
      #expect(abs(epochs.filter { $0 == value }.count - 500) < 105, "start \(value)")
    }
    let others = [(0..<4000).map { start($0, "b") }, (0..<4000).map { start($0, "a", 8) }]
    for other in others {
      // Independent draws agree once in eight times.
      let equal = zip(epochs, other).filter { $0 == $1 }.count
      #expect(abs(equal - 500) < 105)
    }
  }

  @Test func filesThatShrankSinceInspectionAreErrors() throws {
    var (pair, _, _) = try pair(1500)
    pair.sampleCount = 9000
    let epochs = 0..<20
    #expect(throws: WaveFileError.self) {
      for epoch in epochs {
        _ = try RandomCrop(sampleCount: 1000, seed: 1).load(pair, epoch: epoch, sampleRate: 16_000)
      }
    }
  }
}
