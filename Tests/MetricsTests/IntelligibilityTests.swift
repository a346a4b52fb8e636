import Foundation
import Metrics
import Testing
import TestSupport

/// Compares the steps of STOI and ESTOI with plain loops, and checks properties of the scores.
@Suite struct IntelligibilityTests {
  /// The Bessel function I0 by its integral (1/π) ∫ exp(x cos θ) dθ from 0 to π, for which the
  /// midpoint rule is exact up to rounding.
  private func besselI0(_ x: Double) -> Double {
    let count = 200
    return (0..<count).reduce(0.0) {
      $0 + exp(x * cos(Double.pi * (Double($1) + 0.5) / Double(count)))
    } / Double(count)
  }

  private func filter() -> [Double] {
    let taps = (-290...290).map { t -> Double in
      let x = 0.125 * Double.pi * Double(t)
      let shape = (1 - (Double(t) / 290) * (Double(t) / 290)).squareRoot()
      return (t == 0 ? 1 : sin(x) / x) * besselI0(5.65326 * shape)
    }
    return taps.map { 5 * $0 / taps.reduce(0, +) }
  }

  @Test(arguments: [1, 2, 7, 8, 9, 16, 116, 117, 118, 1_001])
  func resamplerMatchesTheSumOfItsDefinition(count: Int) {
    var random = SeededGenerator(seed: UInt64(count))
    let signal = random.noise(count, amplitude: 1).map(Double.init)
    let taps = filter()
    let expected = (0..<Int((Double(count) * 5 / 8).rounded(.up))).map { m in
      signal.indices.reduce(0.0) { sum, k in
        let t = 8 * m - 5 * k
        return abs(t) <= 290 ? sum + signal[k] * taps[t + 290] : sum
      }
    }
    let found = SpeechResampler().resample(signal)
    #expect(found.count == expected.count)
    #expect(zip(found, expected).allSatisfy { abs($0 - $1) < 1e-13 })
  }

  @Test func resamplerKeepsSpeechAndRemovesAliases() {
    func level(_ hertz: Double) -> Double {
      let tone = (0..<16_000).map { sin(2 * .pi * hertz * Double($0) / 16_000) }
      let inner = SpeechResampler().resample(tone)[1_000..<9_000]
      return (inner.reduce(0) { $0 + $1 * $1 } / Double(inner.count) * 2).squareRoot()
    }
    #expect(abs(level(1_000) - 1) < 1e-3 && abs(level(4_000) - 1) < 1e-3)
    #expect(level(6_000) < 1e-3 && level(7_900) < 1e-3)
  }

  @Test func bandsAreThirdsOfOctaves() {
    // Edges 150 · 2^((2 j ± 1) / 6) Hz at the nearest of bins 10000 / 512 Hz apart.
    let edges = (0...15).map { index -> Int in
      let hertz = 150 * pow(2, (2 * Double(index) - 1) / 6)
      return Int((hertz * 512 / 10_000).rounded())
    }
    #expect(BandEnvelopes.edges == edges && BandEnvelopes.bandCount == 15)
  }

  @Test(arguments: [0, 1, 255, 256, 257, 384, 385, 512, 10_000])
  func framesStartBeforeTheLastWindow(count: Int) {
    let starts = stride(from: 0, to: count - 256, by: 128)
    #expect(SpeechFrames.count(sampleCount: count) == Array(starts).count)
  }

  @Test func pausesAreRemovedFromBoth() {
    // Loud, 41 dB lower, loud: the frames that touch the loud parts stay.
    var reference = (0..<3_000).map { sin(0.3 * Double($0)) }
    for i in 1_000..<2_000 { reference[i] *= 0.0089 }
    let degraded = reference.map { 2 * $0 + 0.1 }
    let (x, y) = SpeechFrames.withoutPauses(reference, degraded)
    let starts = Array(stride(from: 0, to: 3_000 - 256, by: 128))
    let kept = starts.filter { $0 < 1_000 - 20 || $0 + 256 > 2_000 + 20 }
    #expect(x.count == (kept.count - 1) * 128 + 256 && y.count == x.count)
    #expect(kept.count < starts.count)
    // Overlapping windows would sum to one exactly if their period were 256 rather than 257.
    for i in 300..<600 { #expect(abs(x[i] - reference[i]) < 0.02) }
    // The degraded signal does not choose the frames; an offset added to it is kept in them.
    for i in 300..<600 { #expect(abs(y[i] - degraded[i]) < 0.05) }
  }

  /// STOI and ESTOI by their definitions, with arrays for rows and columns.
  private func reference(
    _ x: [[Double]], _ y: [[Double]], frames: Int
  ) -> (stoi: Double, estoi: Double) {
    func unit(_ row: [Double]) -> [Double] {
      let mean = row.reduce(0, +) / Double(row.count)
      let norm = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }.squareRoot()
      return row.map { norm > 0 ? ($0 - mean) / norm : 0 }
    }
    func norm(_ row: [Double]) -> Double { row.reduce(0) { $0 + $1 * $1 }.squareRoot() }
    func transposed(_ rows: [[Double]]) -> [[Double]] {
      rows[0].indices.map { column in rows.map { $0[column] } }
    }
    func product(_ a: [Double], _ b: [Double]) -> Double {
      zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
    }
    var (stoi, estoi, count) = (0.0, 0.0, 0.0)
    for end in 30...frames {
      let xs = x.map { Array($0[end - 30..<end]) }
      let ys = y.map { Array($0[end - 30..<end]) }
      for (xRow, yRow) in zip(xs, ys) {
        let scaled = yRow.map { $0 * norm(xRow) / norm(yRow) }
        let clipped = zip(scaled, xRow).map { min($0, $1 * (1 + pow(10, 0.75))) }
        stoi += product(unit(xRow), unit(clipped)) / 15
      }
      let a = transposed(xs.map(unit)).map(unit)
      let b = transposed(ys.map(unit)).map(unit)
      estoi += zip(a, b).reduce(0) { $0 + product($1.0, $1.1) } / 30
      count += 1
    }
    return (stoi / count, estoi / count)
  }

  @Test(arguments: [30, 31, 47]) func scoresMatchTheirFormulas(frames: Int) {
    var random = SeededGenerator(seed: 3)
    func rows() -> [[Double]] {
      (0..<15).map { _ in
        random.noise(frames, amplitude: 1).map { Double($0 * $0 * $0 * $0) + 0.01 }
      }
    }
    let (x, y) = (rows(), rows())
    let envelopes = BandEnvelopes(reference: Array(x.joined()), degraded: Array(y.joined()))
    #expect(envelopes.frameCount == frames && envelopes.segmentCount == frames - 29)
    let expected = reference(x, y, frames: frames)
    #expect(abs(envelopes.stoi - expected.stoi) < 1e-12)
    #expect(abs(envelopes.estoi - expected.estoi) < 1e-12)
    // A band without any sound has norm zero and contributes zero.
    var mute = y
    mute[4] = [Double](repeating: 0, count: frames)
    let silent = BandEnvelopes(reference: Array(x.joined()), degraded: Array(mute.joined()))
    #expect(silent.stoi.isFinite && silent.estoi.isFinite)
    #expect(abs(silent.estoi - self.reference(x, mute, frames: frames).estoi) < 1e-12)
  }

  private func score(
    _ reference: [Float], _ degraded: [Float]
  ) throws -> (stoi: Double, estoi: Double) {
    let envelopes = try BandEnvelopes(
      SignalPair(reference: reference, degraded: degraded, sampleRate: 16_000),
      BandEnvelopes.Workspace())
    return (envelopes.stoi, envelopes.estoi)
  }

  @Test func levelDoesNotMatter() throws {
    let (reference, degraded) = try GoldenCase.named("g02").signals()
    let plain = try score(reference, degraded)
    for gain: Float in [0.01, 0.5, 30] {
      let scaled = try score(reference, degraded.map { gain * $0 })
      #expect(abs(scaled.stoi - plain.stoi) < 1e-6 && abs(scaled.estoi - plain.estoi) < 1e-6)
    }
    let same = try score(reference, reference.map { 0.25 * $0 })
    #expect(abs(same.stoi - 1) < 1e-9 && abs(same.estoi - 1) < 1e-9)
  }

  @Test func pausesInsideHardlyChangeTheScores() throws {
    let (reference, degraded) = try GoldenCase.named("g02").signals()
    // Seconds of zeros are removed like any pause; only a few frames at the edges change.
    let hole = [Float](repeating: 0, count: 32_000)
    let plain = try score(reference, degraded)
    let longer = try score(
      Array(reference[..<16_000]) + hole + reference[16_000...],
      Array(degraded[..<16_000]) + hole + degraded[16_000...])
    #expect(abs(longer.stoi - plain.stoi) < 0.02 && abs(longer.estoi - plain.estoi) < 0.03)
  }

  @Test func tooLittleSpeechHasNoScore() throws {
    let (reference, degraded) = try GoldenCase.named("g05").signals()
    // 16,000 samples are one second, of which only the first 200 ms hold speech.
    var quiet = Array(reference[20_000..<36_000])
    for i in 3_200..<16_000 { quiet[i] = 0 }
    #expect(throws: MetricError.self) { try score(quiet, Array(degraded[20_000..<36_000])) }
    for count in [1, 2, 400, 1_000, 6_000] {
      let error = #expect(throws: MetricError.self) {
        try score(Array(reference[20_000..<20_000 + count]), degraded)
      }
      guard case .tooLittleSpeech(let frames, let minimum)? = error else {
        Issue.record("\(String(describing: error))")
        continue
      }
      #expect(frames < 30 && minimum == 30)
    }
  }
}
