import Foundation
import Tensor
import Testing
import TestSupport

/// The loss against reference vectors, a `Double` reference and its differences, and at its kinks.
struct SpectralLossTests {
  struct Outcome {
    let value: SpectralLossValue
    /// d(total)/dY.
    let gradient: [Float]
  }

  private func loss(
    _ estimate: [Float], _ target: [Float], weight: Float = 1
  ) throws -> Outcome {
    let shape = [1, 1, estimate.count / 2, 2]
    let y = Tensor(shape: shape, elements: estimate, requiresGradient: true)
    let tape = Tape()
    let value = spectralLoss(y, Tensor(shape: shape, elements: target), weight: weight, tape)
    tape.backward()
    return Outcome(value: value, gradient: Array(try #require(y.gradient).buffer))
  }

  @Test func matchesGolden() throws {
    let file = try golden("loss")
    func values(_ name: String) throws -> [Float] { try #require(file.tensors[name]).floats() }
    let (y, s) = (try values("in.Y"), try values("in.S"))
    let outcome = try loss(y, s)
    expectClose([outcome.value.total], try values("loss"), Tolerance.output, "loss")
    expectClose(
      [outcome.value.complexTerm], try values("term_complex"), Tolerance.output, "complex")
    expectClose(
      [outcome.value.magnitudeTerm], try values("term_magnitude"), Tolerance.output, "magnitude")
    // The tiny |Y| dominate the maximum, so each bin is compared on its own scale.
    let expected = try values("grad.in.Y")
    for i in stride(from: 0, to: y.count, by: 2) {
      expectClose(
        Array(outcome.gradient[i..<i + 2]), Array(expected[i..<i + 2]), Tolerance.gradient,
        "bin \(i / 2)")
    }

    let reference = Reference.spectralLoss(y.map(Double.init), s.map(Double.init))
    expectClose(
      [Float(reference.complex), Float(reference.magnitude)],
      try values("term_complex") + values("term_magnitude"), Tolerance.reference, "reference")
    for i in stride(from: 0, to: y.count, by: 2) {
      let gradient = Reference.spectralLossGradient(
        (Double(y[i]), Double(y[i + 1])), (Double(s[i]), Double(s[i + 1])))
      let scale = Double(y.count / 2)
      expectClose(
        [Float(gradient.0 / scale), Float(gradient.1 / scale)], Array(expected[i..<i + 2]),
        Tolerance.reference, "reference gradient of bin \(i / 2)")
    }
  }

  /// Counts around whole vectors of bins; the gradient also by five-point differences.
  @Test(arguments: [1, 2, 15, 16, 17, 31, 32, 257, 1000], [Float(1), 0.25])
  func matchesReference(count: Int, weight: Float) throws {
    let y = randomFloats(2 * count, -2...2, seed: 1, stream: "Y")
    let s = randomFloats(2 * count, -2...2, seed: 1, stream: "S")
    let outcome = try loss(y, s, weight: weight)
    let (exactY, exactS) = (y.map(Double.init), s.map(Double.init))
    let reference = Reference.spectralLoss(exactY, exactS)
    expectClose(
      [outcome.value.complexTerm, outcome.value.magnitudeTerm, outcome.value.total],
      [
        Float(reference.complex), Float(reference.magnitude),
        Float(0.5 * (reference.complex + reference.magnitude)),
      ], 1e-6, "value")
    for i in 0..<min(2 * count, 100) {
      var moved = exactY
      let difference = fivePointDerivative(at: moved[i], step: 1e-4) { position in
        moved[i] = position
        let terms = Reference.spectralLoss(moved, exactS)
        return 0.5 * (terms.complex + terms.magnitude)
      }
      let scaled = Double(outcome.gradient[i]) * Double(count) / Double(weight)
      #expect(abs(scaled - difference * Double(count)) <= 5e-5, "\(i)")
    }
  }

  /// Moduli over the whole range of float32: where squares underflow, where 1e-10 takes over, where
  /// squares overflow.
  static let moduli: [Float] = [
    0, 0x1p-146, 0x1p-133, 1.2e-38, 1e-30, 1e-25, 1e-22, 1e-20, 1e-19, 1e-18, 1e-15, 1e-12, 1e-11,
    1e-10,
    1e-9, 1e-6, 1e-3, 1, 1e3, 1e10, 1e18, 1e20, 1e30, 1e37,
  ]
  static let angles: [Float] = [0, 0.3, 1.5707964, 2.5, 4, 5.5]

  /// At every modulus the gradient has the right length and direction, bin by bin.
  @Test(arguments: moduli, [Float(0), 1e-20, 1e-10, 0.5]) func tinyAndHuge(
    modulus: Float, target: Float
  ) throws {
    for angle in Self.angles {
      // Turned moduli are equal but for rounding: which is larger is anybody's guess.
      for turned in [Float(0), 1] where turned == 0 || modulus != target {
        let y = [modulus * cos(angle), modulus * sin(angle)]
        let s = [target * cos(angle + turned), target * sin(angle + turned)]
        let outcome = try loss(y, s)
        let gradient = Reference.spectralLossGradient(
          (Double(y[0]), Double(y[1])), (Double(s[0]), Double(s[1])))
        let what = "|Y| \(modulus) |S| \(target) at \(angle), turned by \(turned)"
        let isFinite = outcome.gradient.allSatisfy { $0.isFinite }
        #expect(isFinite, "\(what)")
        expectClose(
          outcome.gradient, [Float(gradient.0), Float(gradient.1)], 1e-5, "gradient, \(what)")
        let reference = Reference.spectralLoss(y.map(Double.init), s.map(Double.init))
        expectClose(
          [outcome.value.complexTerm], [Float(reference.complex)], 1e-6, "complex, \(what)")
      }
    }
  }

  /// Y = S: no part has a gradient, whatever the neighbours do.
  @Test func equalBinsHaveNoGradient() throws {
    let y = randomFloats(64, -1...1, seed: 2, stream: "Y")
    var s = randomFloats(64, -1...1, seed: 2, stream: "S")
    for i in stride(from: 0, to: 64, by: 6) {
      s[i] = y[i]
      s[i + 1] = y[i + 1]
    }
    let outcome = try loss(y, s)
    for i in stride(from: 0, to: 64, by: 6) {
      #expect(Array(outcome.gradient[i...i + 1]) == [0, 0])
      #expect(outcome.gradient[i + 2] != 0)
    }
    let same = try loss(y, y)
    #expect(same.value.total == 0 && same.gradient.allSatisfy { $0 == 0 })
  }

  @Test func silenceHasNoGradient() throws {
    let zeros = [Float](repeating: 0, count: 40)
    let outcome = try loss(zeros, zeros)
    #expect(outcome.value.total == 0 && outcome.gradient == zeros)
  }

  /// Inference gives the same value and leaves no gradient.
  @Test func inference() throws {
    let y = randomFloats(30, -1...1, seed: 3, stream: "Y")
    let s = randomFloats(30, -1...1, seed: 3, stream: "S")
    let estimate = Tensor(shape: [1, 3, 5, 2], elements: y, requiresGradient: true)
    let target = Tensor(shape: [1, 3, 5, 2], elements: s)
    let value = spectralLoss(estimate, target, .inference)
    let recorded = try loss(y, s)
    #expect(value.total == recorded.value.total)
    #expect(estimate.gradient == nil)
  }
}
