import Adversarial
import Foundation
import Metrics
import Testing

/// PESQ of crops as labels.
@Suite struct QualityLabelsTests {
  private static let published = LabelScale(offset: 0.5, scale: 5)

  /// Bursts of a harmonic tone, which pass for speech.
  private static func speech(_ count: Int, pitch: Double, noise: Float) -> [Float] {
    var state: UInt32 = 1
    return (0..<count).map { i in
      let time = Double(i) / 16_000
      let isOn = Int(time * 3) % 2 == 0
      let tone = (1...8).reduce(0) { $0 + sin(2 * .pi * pitch * Double($1) * time) / Double($1) }
      state = state &* 1_664_525 &+ 1_013_904_223
      return (isOn ? Float(0.2 * tone) : 0) + noise * (Float(state >> 8) * 0x1p-24 - 0.5)
    }
  }

  private static func crop(_ seed: Int, count: Int = 32_000) -> LabelledCrop {
    let pitch = 110 + 7 * Double(seed)
    return LabelledCrop(
      clean: speech(count, pitch: pitch, noise: 0),
      estimate: speech(count, pitch: pitch, noise: 0.05 + 0.01 * Float(seed)),
      noisy: speech(count, pitch: pitch, noise: 0.3))
  }

  private static func pesq(_ reference: [Float], _ degraded: [Float]) throws -> Float {
    let score = try PESQ.wideBand(reference: reference, degraded: degraded, sampleRate: 16_000)
    return Float((score + 0.5) / 5)
  }

  /// The estimate is the reference of the noisy crop.
  @Test(arguments: [1, 2, 5]) func labelsAreThoseOfPESQInTheOrderOfTheCrops(threads: Int) throws {
    let labels = QualityLabels(
      Self.published, sampleRate: 16_000, hasNoisy: true, threads: threads)
    for round in 0..<2 {
      let crops = (0..<6).map { Self.crop($0 + 6 * round) }
      for crop in crops { labels.begin(crop) }
      let found = labels.finish()
      #expect(found.count == 6)
      for (crop, label) in zip(crops, found) {
        #expect(label.fault == nil)
        #expect(label.estimate == (try Self.pesq(crop.clean, crop.estimate)))
        #expect(label.noisy == (try Self.pesq(crop.estimate, crop.noisy)))
        #expect(label.estimate != label.noisy)
      }
    }
    #expect(labels.finish().isEmpty)
  }

  @Test func theNoisyLabelIsLeftAloneWhereNothingAsksForIt() {
    let labels = QualityLabels(Self.published, sampleRate: 16_000, hasNoisy: false)
    var crop = Self.crop(1)
    // A label that is not asked for cannot fail.
    crop.noisy = [Float](repeating: 0, count: crop.clean.count)
    labels.begin(crop)
    let found = labels.finish()
    #expect(found[0].fault == nil && found[0].noisy == nil)
  }

  /// Estimates of a poor model end nothing, and do not harm the crops beside them.
  @Test func cropsWithoutScoreSayWhy() throws {
    let labels = QualityLabels(Self.published, sampleRate: 16_000, hasNoisy: true, threads: 2)
    let good = Self.crop(3)
    var bad = [LabelledCrop](repeating: good, count: 5)
    bad[0].estimate = [Float](repeating: 0, count: 32_000)
    bad[1].estimate[77] = .nan
    bad[2].clean = [Float](repeating: 0, count: 32_000)
    bad[3] = Self.crop(3, count: 3_200)
    bad[4].noisy = [Float](repeating: 0, count: 32_000)
    for crop in bad + [good] { labels.begin(crop) }
    let found = labels.finish()
    #expect(found.count == 6)
    for label in found.dropLast() {
      let fault = try #require(label.fault)
      // A line of the log with that word would be taken for a score.
      #expect(!fault.contains("PESQ") && !fault.isEmpty)
    }
    #expect(found[3].fault == "3200 samples are too few for pesq")
    #expect(found[1].fault == "a signal is not finite")
    #expect(found[5].estimate == (try Self.pesq(good.clean, good.estimate)))
  }

  @Test func anotherRateHasNoLabels() {
    let labels = QualityLabels(Self.published, sampleRate: 8_000, hasNoisy: true)
    labels.begin(Self.crop(1))
    #expect(labels.finish().map(\.fault) == ["pesq is not defined at 8000 Hz"])
  }

  @Test func scaleAndItsInverse() {
    #expect(Self.published.label(pesq: 4.5) == 1)
    #expect(LabelScale(offset: -1, scale: 3.5).label(pesq: 1) == 0)
    #expect(LabelScale(offset: -1, scale: 3.5).pesq(label: 1) == 4.5)
    #expect(abs(Self.published.pesq(label: Double(Self.published.label(pesq: 3.1))) - 3.1) < 1e-6)
  }
}
