import Audio
import Foundation
import Losses
import Models
import Recipes
import Tensor
import TestSupport
import Testing

/// Every term of a loss against a `Double` reference and its differences.
@Suite struct LossTermTests {
  /// Loss of one term each, and of all together.
  static let cases: [(name: String, settings: LossSettings)] = [
    ("complex", LossSettings { $0.complex = .init(weight: 0.5) }),
    ("complex l2", LossSettings { $0.complex = .init(weight: 2, norm: .l2, exponent: 0.3) }),
    ("complex power", LossSettings { $0.complex = .init(weight: 1, exponent: 0.5) }),
    ("magnitude", LossSettings { $0.magnitude = .init(weight: 1) }),
    (
      "magnitude power",
      LossSettings {
        $0.magnitude = .init(weight: 1, norm: .l2, exponent: 0.3)
        $0.magnitudeEpsilon = 1e-3
      }
    ),
    (
      "phase",
      LossSettings {
        $0.phase = .init(weight: 0.3)
        ($0.phase.groupDelay, $0.phase.angularFrequency) = (0.5, 2)
      }
    ),
    ("time", LossSettings { $0.time = 0.2 }),
    ("consistency", LossSettings { $0.consistency = .init(weight: 1, exponent: 0.3) }),
    ("si_snr", LossSettings { $0.siSNR = 0.1 }),
    ("all", everything),
    (
      "transform",
      {
        var all = everything; all.transform = .init(fftLength: 16, hopSamples: 8); return all
      }()
    ),
  ]

  static let everything = LossSettings {
    $0.complex = .init(weight: 0.1, norm: .l2, exponent: 0.3)
    $0.magnitude = .init(weight: 0.9, norm: .l2, exponent: 0.3)
    $0.magnitudeEpsilon = 1e-4
    $0.phase = .init(weight: 0.3)
    $0.time = 0.2
    $0.consistency = .init(weight: 0.1, exponent: 0.3)
    $0.siSNR = 0.05
  }

  private func numbers(_ count: Int, seed: UInt64) -> [Float] {
    var state = seed &* 0x9e37_79b9_7f4a_7c15
    return (0..<count).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Float(state >> 40) / Float(1 << 23) - 1
    }
  }

  private func frontEnd(_ length: Int, _ hop: Int) throws -> FrontEnd {
    let text = """
      {"name": "t", "title": "t", "front_end": {"n_fft": \(length), "hop": \(hop)},
       "bands": [\(length / 2 + 1)], "features": 8, "layers": 1,
       "trunk": {"kind": "bimamba", "paths": ["intra"],
       "mamba": {"d_state": 4, "d_conv": 4, "expand": 1}},
       "decoder": {"expansion": 2, "mask_taps": 3}}
      """
    return try ModelConfiguration(parsing: Array(text.utf8), file: "model").frontEnd
  }

  @Test(arguments: 0..<cases.count, [(16, 4, 7), (18, 5, 5), (22, 11, 4), (40, 10, 4)])
  func matchesReference(index: Int, size: (length: Int, hop: Int, frames: Int)) throws {
    let (name, settings) = Self.cases[index]
    let bins = size.length / 2 + 1
    let shape = [1, size.frames, bins, 2]
    let (x, y) = (
      numbers(2 * size.frames * bins, seed: 1), numbers(2 * size.frames * bins, seed: 2)
    )
    let estimate = Tensor(shape: shape, elements: x, requiresGradient: true)
    let loss = TrainingLoss(settings, try frontEnd(size.length, size.hop))
    let tape = Tape()
    let value = loss(estimate, Tensor(shape: shape, elements: y), tape)
    tape.backward()
    let reference = LossReference(settings: settings, length: size.length, hop: size.hop)
    let (exactX, exactY) = (x.map(Double.init), y.map(Double.init))
    let expected = reference.loss(exactX, exactY)
    #expect(abs(value - expected) <= 3e-6 * max(1, abs(expected)), "\(name): \(value), \(expected)")

    let gradient = Array(try #require(estimate.gradient).buffer)
    let largest = Double(gradient.map(abs).max() ?? 0)
    #expect(largest > 0, "\(name)")
    for i in stride(from: Int(index) % 3, to: x.count, by: 3) {
      let step = 1e-5 * max(0.01, abs(exactX[i]))
      func moved(_ factor: Double) -> Double {
        var copy = exactX
        copy[i] += factor * step
        return reference.loss(copy, exactY)
      }
      let slope = (8 * (moved(1) - moved(-1)) - (moved(2) - moved(-2))) / (12 * step)
      #expect(
        abs(Double(gradient[i]) - slope) <= 3e-5 * largest + 1e-8,
        "\(name) \(size), element \(i): \(gradient[i]), \(slope)")
    }
    // Without a recording tape the value is the same, and nothing else happens.
    let quiet = Tensor(shape: shape, elements: x)
    #expect(loss(quiet, Tensor(shape: shape, elements: y), .inference) == value)
    #expect(quiet.gradient == nil)
  }

  /// The published settings take the published kernel: values and gradients to the last bit.
  @Test func publishedLossHasItsOwnBits() throws {
    let shape = [1, 7, 257, 2]
    let (x, y) = (numbers(2 * 7 * 257, seed: 3), numbers(2 * 7 * 257, seed: 4))
    func run(_ body: (Tensor, Tensor, Tape) -> Double) throws -> (Double, [Float]) {
      let estimate = Tensor(shape: shape, elements: x, requiresGradient: true)
      let tape = Tape()
      let value = body(estimate, Tensor(shape: shape, elements: y), tape)
      tape.backward()
      return (value, Array(try #require(estimate.gradient).buffer))
    }
    let loss = TrainingLoss(.published, .standard)
    let ours = try run { loss($0, $1, $2) }
    let published = try run { Double(spectralLoss($0, $1, $2).total) }
    #expect(ours.0 == published.0 && ours.1 == published.1)
    // As a sum of terms it is the same loss in other bits.
    let half = TrainingLoss(.published, .standard)
    let terms = half.terms(
      Tensor(shape: shape, elements: x), Tensor(shape: shape, elements: y), .inference)
    #expect(abs(half.total(terms) - published.0) < 1e-6)
  }

  /// Bins of 0, equal spectra and silence have finite values and gradients.
  @Test(arguments: 0..<cases.count, [(true, false), (false, true), (true, true)])
  func staysFinite(index: Int, zero: (estimate: Bool, target: Bool)) throws {
    let shape = [1, 7, 9, 2]
    let random = numbers(2 * 63, seed: 5)
    let silence = [Float](repeating: 0, count: 2 * 63)
    let estimate = Tensor(
      shape: shape, elements: zero.estimate ? silence : random, requiresGradient: true)
    let target = Tensor(shape: shape, elements: zero.target ? silence : random)
    let tape = Tape()
    let value = TrainingLoss(Self.cases[index].settings, try frontEnd(16, 4))(
      estimate, target, tape)
    tape.backward()
    #expect(value.isFinite)
    let gradient = try #require(estimate.gradient)
    let isFinite = gradient.buffer.allSatisfy(\.isFinite)
    #expect(isFinite)
  }

  /// ⟨A·x, g⟩ = ⟨x, Aᵀ·g⟩ of both transforms, also for lengths that are no whole number of hops.
  @Test(arguments: [(16, 4, 30), (18, 5, 47), (512, 128, 1000), (40, 20, 61)])
  func adjointsOfTransforms(length: Int, hop: Int, samples: Int) throws {
    let stft = STFT(fftLength: length, hopSamples: hop)
    func dot(_ a: [Float], _ b: [Float]) -> Double {
      zip(a, b).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }
    let x = numbers(samples, seed: 6)
    let spectrum = try stft.forward(x)
    let g = numbers(spectrum.count, seed: 7)
    let forward = (dot(spectrum, g), dot(x, stft.forwardAdjoint(g, sampleCount: samples)))
    #expect(abs(forward.0 - forward.1) <= 1e-4 * (abs(forward.0) + 1))
    let frames = stft.frameCount(sampleCount: samples)
    let inverse = stft.inverse(g, sampleCount: samples)
    let back = (dot(inverse, x), dot(g, stft.inverseAdjoint(x, frameCount: frames)))
    #expect(abs(back.0 - back.1) <= 1e-4 * (abs(back.0) + 1))
  }
}
