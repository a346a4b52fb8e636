import Audio
import Foundation
import Losses
import Models
import Recipes
import Tensor
import TestSupport
import Testing

/// SEMamba's terms against vectors of an independent implementation, which takes magnitude and
/// phase; the gradients of ours, which takes the spectrum, are led there by the chain rule.
@Suite struct LossGoldenTests {
  private static let power = 1 / 0.3
  private static let (batch, bins, frames) = (2, 21, 61)

  /// The spectrum [1, T, F, 2] of utterance `b` from magnitudes and phases [B, F, T].
  private func spectrum(_ m: [Float], _ p: [Float], _ b: Int) -> Tensor {
    let spectrum = Tensor(shape: [1, Self.frames, Self.bins, 2], requiresGradient: true)
    for f in 0..<Self.bins {
      for t in 0..<Self.frames {
        let at = (b * Self.bins + f) * Self.frames + t
        let modulus = pow(Double(m[at]), Self.power)
        let to = 2 * (t * Self.bins + f)
        spectrum.base[to] = Float(modulus * cos(Double(p[at])))
        spectrum.base[to + 1] = Float(modulus * sin(Double(p[at])))
      }
    }
    return spectrum
  }

  @Test func allTermsAndGradients() throws {
    let file = try goldenTensors("se_losses")
    func values(_ name: String) throws -> [Float] { try #require(file[name]).values }
    func scalar(_ name: String) throws -> Double {
      Double(try #require(try values(name).first))
    }
    let half = 1 / Double(Self.batch)
    let settings = try LossSettings {
      $0.magnitude = .init(
        weight: half * (try scalar("in.gout.magnitude")), norm: .l2, exponent: 0.3)
      $0.complex = .init(weight: half * (try scalar("in.gout.complex")), norm: .l2, exponent: 0.3)
      $0.phase = .init(weight: half)
      $0.phase.instantaneous = try scalar("in.gout.ip")
      $0.phase.groupDelay = try scalar("in.gout.gd")
      $0.phase.angularFrequency = try scalar("in.gout.iaf")
      $0.time = half * (try scalar("in.gout.time"))
      $0.consistency = .init(
        weight: half * (try scalar("in.gout.consistency")), norm: .l2, exponent: 0.3)
    }
    let model = try ModelConfiguration(
      parsing: Array(Self.model.utf8), file: "model")
    let loss = TrainingLoss(settings, model.frontEnd)
    let stft = STFT(fftLength: 40, hopSamples: 10)
    let (m, p) = (try values("in.mh"), try values("in.ph"))
    let waveGradient = try values("in.gout.waveform")
    var (means, waves) = ([Double](repeating: 0, count: 7), [Float]())
    var dm = [Float](repeating: 0, count: m.count)
    var dp = dm
    for b in 0..<Self.batch {
      let estimate = spectrum(m, p, b)
      let clean = spectrum(try values("in.m"), try values("in.p"), b)
      let tape = Tape()
      let terms = loss.terms(estimate, clean, tape)
      tape.backward()
      let found = [
        terms.magnitude, terms.instantaneousPhase, terms.groupDelay, terms.angularFrequency,
        terms.complex, terms.time, terms.consistency,
      ]
      for (i, term) in found.enumerated() { means[i] += try #require(term) * half }
      waves += stft.inverse(estimate.elements, sampleCount: 600)
      let through = stft.inverseAdjoint(
        Array(waveGradient[600 * b..<600 * (b + 1)]), frameCount: Self.frames)
      let direct = try #require(estimate.gradient)
      let gradient = zip(direct.buffer, through).map { $0 + $1 }
      for f in 0..<Self.bins {
        for t in 0..<Self.frames {
          let at = (b * Self.bins + f) * Self.frames + t
          let from = 2 * (t * Self.bins + f)
          let (re, im) = (Double(gradient[from]), Double(gradient[from + 1]))
          let (cosine, sine) = (cos(Double(p[at])), sin(Double(p[at])))
          let magnitude = Double(m[at])
          dm[at] = Float(
            (re * cosine + im * sine) * Self.power * pow(magnitude, Self.power - 1))
          dp[at] = Float((im * cosine - re * sine) * pow(magnitude, Self.power))
        }
      }
    }
    let names = ["magnitude", "ip", "gd", "iaf", "complex", "time", "consistency"]
    for (name, mean) in zip(names, means) {
      expectClose([Float(mean)], try values("out.\(name)"), 5e-6, name)
    }
    expectClose(waves, try values("out.waveform"), 5e-6, "waveform")
    expectClose(dm, try values("grad.in.mh"), 5e-5, "magnitude's gradient")
    expectClose(dp, try values("grad.in.ph"), 5e-5, "phase's gradient")
  }

  private static let model = """
    {"name": "t", "title": "t", "front_end": {"n_fft": 40, "hop": 10}, "bands": [21],
     "features": 8, "layers": 1, "trunk": {"kind": "bimamba", "paths": ["intra"],
     "mamba": {"d_state": 4, "d_conv": 4, "expand": 1}},
     "decoder": {"expansion": 2, "mask_taps": 3}}
    """
}
