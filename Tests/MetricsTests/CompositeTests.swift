import Foundation
import Metrics
import Testing
import TestSupport

/// Compares segmental SNR, LLR, WSS and the composite measures with plain loops and known values.
@Suite struct CompositeTests {
  private func pair(_ reference: [Float], _ degraded: [Float]) throws -> SignalPair {
    try SignalPair(reference: reference, degraded: degraded, sampleRate: 16_000)
  }

  private func named(_ name: String) throws -> SignalPair {
    let (reference, degraded) = try GoldenCase.named(name).signals()
    return try pair(reference, degraded)
  }

  // MARK: Frames and means

  @Test func framesAreOneFewerThanFit() throws {
    for (count, frames) in [(600, 1), (719, 1), (720, 2), (721, 2), (64_000, 529)] {
      #expect(try QualityFrames.count(sampleCount: count) == frames)
      // The published programs truncate the real quotient.
      #expect(Int(Double(count) / 120 - 4) == frames)
    }
    for count in [0, 1, 479, 480, 599] {
      #expect(throws: MetricError.tooShort(sampleCount: count, minimum: 600)) {
        try QualityFrames.count(sampleCount: count)
      }
    }
  }

  @Test(arguments: [
    (1, 1), (2, 2), (9, 9), (10, 10), (20, 19), (30, 28), (50, 48), (70, 66), (90, 86), (529, 503),
  ])
  func trimmedMeanRoundsHalvesToEven(frames: Int, kept: Int) {
    // 9.5 becomes 10, 28.5 28, 47.5 48, 66.5 66 and 85.5 86.
    var values = (0..<frames).map { Double(frames - 1 - $0) }
    let mean = QualityFrames.trimmedMean(&values, frameCount: frames)
    #expect(mean == Double(kept - 1) / 2)
    var few = [3.0, 1]
    #expect(QualityFrames.trimmedMean(&few, frameCount: frames) == (kept == 1 ? 1 : 2))
  }

  // MARK: Segmental SNR

  @Test func segmentalRatioOfAScaledSignalIsKnown() throws {
    var random = SeededGenerator(seed: 5)
    let noise = random.noise(8_000)
    // d = 0.9 c leaves an error of 0.1 c in every frame: 20 dB.
    #expect(abs(try segmentalSNR(pair(noise, noise.map { 0.9 * $0 })) - 20) < 1e-5)
    #expect(try segmentalSNR(pair(noise, noise)) == 35)
    #expect(try segmentalSNR(pair(noise, noise.map { -9 * $0 })) == -10)
    // Frames of zeros in both signals count with the lowest ratio: 56 of 62 frames have sound.
    let half = noise.enumerated().map { $0 < 960 ? 0 : $1 }
    let frames = Double(try QualityFrames.count(sampleCount: 8_000))
    let silent = Double((0..<Int(frames)).count { $0 * 120 + 480 <= 960 })
    let expected = (35 * (frames - silent) - 10 * silent) / frames
    #expect(abs(try segmentalSNR(pair(half, half)) - expected) < 1e-12)
  }

  // MARK: LLR

  /// The coefficients that minimise Aᵀ R A with A[0] = 1, from Σ_j R[|i − j|] a[j] = −R[i] by
  /// Gaussian elimination.
  private func solved(_ lags: [Double]) -> [Double] {
    let n = LinearPrediction.order
    var rows = (1...n).map { i in (1...n).map { lags[abs(i - $0)] } + [-lags[i]] }
    for column in 0..<n {
      let pivot = (column..<n).max { abs(rows[$0][column]) < abs(rows[$1][column]) } ?? column
      rows.swapAt(column, pivot)
      for row in 0..<n where row != column {
        let factor = rows[row][column] / rows[column][column]
        for k in column...n { rows[row][k] -= factor * rows[column][k] }
      }
    }
    return [1] + (0..<n).map { rows[$0][n] / rows[$0][$0] }
  }

  @Test func predictionSolvesTheToeplitzSystem() throws {
    let speech = try named("g01").reference
    for start in [8_000, 20_000, 31_117] {
      let frame = Array(speech[start..<start + 480])
      var lags = [Double](repeating: 0, count: 17)
      LinearPrediction.autocorrelate(frame, count: 480, into: &lags)
      for k in 0...16 {
        let plain = (0..<480 - k).reduce(0.0) { $0 + frame[$1] * frame[$1 + k] }
        #expect(abs(lags[k] - plain) <= 1e-13 * lags[0])
      }
      var coefficients = [Double](repeating: 0, count: 17)
      LinearPrediction.predict(from: lags, into: &coefficients)
      let expected = solved(lags)
      let scale = expected.map(abs).max() ?? 0
      #expect(zip(coefficients, expected).allSatisfy { abs($0 - $1) < 1e-8 * scale })
      // The residual is the energy of the prediction error, which any other predictor increases.
      let least = LinearPrediction.residual(coefficients, lags)
      coefficients[3] += 0.01
      #expect(least > 0 && LinearPrediction.residual(coefficients, lags) > least)
    }
  }

  @Test func likelihoodRatioIgnoresTheLevel() throws {
    let (reference, degraded) = try GoldenCase.named("g05").signals()
    let plain = try LogLikelihoodRatio(pair(reference, degraded))
    let scaled = try LogLikelihoodRatio(pair(reference, degraded.map { 0.125 * $0 }))
    #expect(abs(plain.value - scaled.value) < 1e-6)
    let same = try LogLikelihoodRatio(pair(reference, reference))
    #expect(same.value == 0)
  }

  @Test func silentFramesAreCountedAndLeftOutOfTheMean() throws {
    var random = SeededGenerator(seed: 7)
    let clean = random.noise(48_000)
    var degraded = zip(clean, random.noise(48_000)).map { $0 + 0.3 * $1 }
    let whole = try LogLikelihoodRatio(pair(clean, degraded))
    #expect(whole.nonFiniteCount == 0 && whole.frameCount == 396)
    // Frames 100 to 106 lie inside the hole, 1.8% of all; only the frames at its edges change the
    // mean of the rest.
    for i in 12_000..<13_200 { degraded[i] = 0 }
    let holed = try LogLikelihoodRatio(pair(clean, degraded))
    #expect(holed.frameCount == 396 && holed.nonFiniteCount == 7)
    #expect(abs(holed.value - whole.value) < 0.01)
    // Tools that sort NaN last give NaN above 5%; here the value is the mean of the rest.
    for i in 0..<24_000 { degraded[i] = 0 }
    let half = try LogLikelihoodRatio(pair(clean, degraded))
    #expect(half.nonFiniteCount == 197 && half.value.isFinite)
    // Sound on one side only leaves nothing to compare.
    let first = clean.enumerated().map { $0 < 24_000 ? $1 : 0 }
    let second = clean.enumerated().map { $0 < 24_600 ? 0 : $1 }
    #expect(throws: MetricError.noFiniteFrame) { try LogLikelihoodRatio(pair(first, second)) }
  }

  // MARK: WSS

  @Test func criticalBandsFollowTheirFormula() {
    let bands = CriticalBands().bands
    #expect(bands.count == 25 && CriticalBands.count == 25)
    let least = exp(-30 / 4.606)
    for (index, band) in bands.enumerated() {
      let (center, width) = (CriticalBands.centers[index], CriticalBands.widths[index])
      var isEqual = true
      for bin in 0..<512 {
        let distance = (Double(bin) - floor(center * 512 / 8_000)) / (width * 512 / 8_000)
        let weight = 70 / width * exp(-11 * distance * distance)
        let place = bin - band.first
        let found = band.weights.indices.contains(place) ? band.weights[place] : 0
        if abs(found - (weight > least ? weight : 0)) > 1e-12 { isEqual = false }
      }
      #expect(isEqual, "band \(index)")
    }
  }

  @Test func slopesAndWeightsFollowTheirFormula() {
    var random = SeededGenerator(seed: 11)
    for round in 0..<50 {
      var frame = SpectralSlopes()
      frame.energies = random.noise(25, amplitude: 40).map { Double($0) }
      // Energies that fall, rise or stay level everywhere.
      if round == 0 { frame.energies.sort() }
      if round == 1 { frame.energies.sort(by: >) }
      if round == 2 { frame.energies = [Double](repeating: 3, count: 25) }
      frame.weigh()
      let energies = frame.energies
      for i in 0..<24 {
        let slope = energies[i + 1] - energies[i]
        // The peak that band i is a slope of: above it where the energy rises, else below it.
        var peak = energies[i]
        if slope > 0 {
          var n = i
          while n + 1 < 24 && energies[n + 2] - energies[n + 1] > 0 { n += 1 }
          peak = energies[n]
        } else {
          var n = i
          while n > 0 && energies[n] - energies[n - 1] <= 0 { n -= 1 }
          peak = energies[n]
        }
        let weight =
          20 / (20 + (energies.max() ?? 0) - energies[i]) * (1 / (1 + peak - energies[i]))
        #expect(frame.slopes[i] == slope && abs(frame.weights[i] - weight) < 1e-12)
      }
      #expect(frame.distance(to: frame) == 0)
    }
  }

  @Test func spectralSlopeDependsOnTheLevelAsPublishedValuesDo() throws {
    let slopes = WeightedSpectralSlope()
    let (reference, degraded) = try GoldenCase.named("g02").signals()
    let usual = try slopes.distance(pair(reference, degraded))
    // Other programs take samples as whole numbers, which gives a larger distance.
    let whole = try slopes.distance(
      pair(reference.map { 32_768 * $0 }, degraded.map { 32_768 * $0 }))
    #expect(whole > 1.2 * usual, "\(whole) for \(usual)")
    #expect(try slopes.distance(pair(reference, reference)) == 0)
  }

  // MARK: Composites

  @Test func compositesStayBetweenOneAndFive() {
    #expect(CompositeQuality.signal(pesqWB: 4.6, llr: 0, wss: 0) == 5)
    #expect(CompositeQuality.background(pesqWB: 4.6, wss: 0, ssnr: 35) == 5)
    #expect(CompositeQuality.overall(pesqWB: 4.6, llr: 0, wss: 0) == 5)
    #expect(CompositeQuality.signal(pesqWB: 1, llr: 3, wss: 100) == 1)
    #expect(CompositeQuality.background(pesqWB: 1, wss: 120, ssnr: -10) == 1)
    #expect(CompositeQuality.overall(pesqWB: 1, llr: 3, wss: 100) == 1)
    let middle = CompositeQuality.overall(pesqWB: 2, llr: 1, wss: 20)
    #expect(abs(middle - (1.594 + 1.61 - 0.512 - 0.14)) < 1e-12)
  }
}
