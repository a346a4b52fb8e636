import Foundation
import Models
import Tensor
import Testing

/// Checks the initial values of every kind of parameter, on all parameters of a published model.
struct InitialValueTests {
  private let model: SpeechEnhancer

  init() throws { model = SpeechEnhancer(configuration: try Preset.load("abl2"), seed: 3) }

  private func parameters(ending suffix: String) -> [Parameter] {
    model.parameters.parameters.filter { $0.name.hasSuffix(suffix) }
  }

  /// Expects values distributed uniformly in ±bound: none outside, mean near zero, deviation near
  /// bound/√3.
  private func expectUniform(_ parameter: Parameter, bound: Float) {
    let values = parameter.elements.map(Double.init)
    let count = Double(values.count)
    let mean = values.reduce(0, +) / count
    let deviation = (values.reduce(0) { $0 + $1 * $1 } / count).squareRoot()
    let expected = Double(bound) / 3.0.squareRoot()
    #expect(values.allSatisfy { abs($0) <= Double(bound) }, "\(parameter.name)")
    // The limits are five standard errors of the mean, and of the deviation (kurtosis 1.8).
    #expect(abs(mean) < 5 * expected / count.squareRoot(), "\(parameter.name)")
    #expect(abs(deviation / expected - 1) < 5 * (0.2 / count).squareRoot(), "\(parameter.name)")
  }

  @Test(arguments: [
    ("in_proj.weight", 8 * 2), ("x_proj.weight", 8 * 2), ("out_proj.weight", 8 * 2),
  ])
  func mambaMatricesAreXavier(suffix: String, count: Int) {
    let found = parameters(ending: suffix)
    #expect(found.count == count)
    for parameter in found { expectXavier(parameter) }
  }

  @Test func linearLayersAreXavierWithZeroBias() {
    for key in ["band_split.fcs", "decoder.fc1", "decoder.fc2"] {
      for band in 0..<30 {
        let found = parameters(ending: "\(key).\(band).weight")
        #expect(found.count == 1)
        found.forEach(expectXavier)
        #expect(
          parameters(ending: "\(key).\(band).bias").map { $0.elements.contains { $0 != 0 } }
            == [false])
      }
    }
  }

  private func expectXavier(_ parameter: Parameter) {
    let fans = Float(parameter.shape[0] + parameter.shape[1])
    expectUniform(parameter, bound: (6 / fans).squareRoot())
  }

  @Test func convolutionsAreUniform() {
    let found = parameters(ending: "conv1d.weight") + parameters(ending: "conv1d.bias")
    #expect(found.count == 32)
    for parameter in found { expectUniform(parameter, bound: 0.5) }
  }

  @Test func normsBeginAsIdentity() {
    let names = model.parameters.parameters.map(\.name).filter { $0.contains("norm") }
    #expect(names.count == 2 * (30 + 8 + 30))
    for parameter in model.parameters.parameters where parameter.name.contains("norm") {
      let value: Float = parameter.name.hasSuffix("weight") ? 1 : 0
      #expect(parameter.elements.allSatisfy { $0 == value }, "\(parameter.name)")
    }
  }

  @Test func stateMatricesAreTheLogarithmsOfOneToS() {
    let row = (1...16).map { Float(log(Double($0))) }
    let found = parameters(ending: "A_log")
    #expect(found.count == 16)
    for parameter in found {
      #expect(parameter.elements == (0..<128).flatMap { _ in row }, "\(parameter.name)")
    }
    #expect(parameters(ending: ".D").count == 16)
    for parameter in parameters(ending: ".D") {
      #expect(parameter.elements == Array(repeating: 1, count: 128), "\(parameter.name)")
    }
  }

  @Test func timeStepsKeepTheirOwnInitialisation() {
    let weights = parameters(ending: "dt_proj.weight")
    #expect(weights.count == 16)
    // dt_rank is 8. Xavier's bound would be √(6/136) = 0.21.
    for parameter in weights { expectUniform(parameter, bound: 1 / Float(8).squareRoot()) }

    let steps = parameters(ending: "dt_proj.bias").flatMap(\.elements)
      .map { log1p(exp(Double($0))) }
    #expect(steps.count == 16 * 128)
    #expect(steps.allSatisfy { $0 >= 0.999e-3 && $0 <= 0.1001 })
    // A log-uniform distribution: the logarithm has mean log(1e-2) and deviation log(100)/√12.
    let logs = steps.map { log($0) }
    let mean = logs.reduce(0, +) / Double(logs.count)
    let deviation = log(100) / 12.0.squareRoot()
    #expect(abs(mean - log(1e-2)) < 5 * deviation / Double(logs.count).squareRoot())
    #expect(steps.contains { $0 < 2e-3 } && steps.contains { $0 > 0.05 })
  }

  @Test func recurrentMatricesAreOrthogonalAndInputsXavier() throws {
    let model = SpeechEnhancer(configuration: try Preset.load("bsrnn"), seed: 3)
    func named(_ part: String) -> [Parameter] {
      model.parameters.parameters.filter { $0.name.contains(part) }
    }
    #expect(named(".weight_hh_l0").count == 15 && named(".weight_ih_l0").count == 15)
    named(".weight_ih_l0").forEach(expectXavier)
    #expect(named(".bias_hh_l0").count + named(".bias_ih_l0").count == 30)
    for parameter in named(".bias_hh_l0") + named(".bias_ih_l0") {
      #expect(parameter.elements.allSatisfy { $0 == 0 }, "\(parameter.name)")
    }
    for parameter in named(".weight_hh_l0") {
      // Columns of the stacked matrix [4H, H] are orthonormal, as with PyTorch's orthogonal_.
      #expect(parameter.shape == [512, 128])
      let values = parameter.elements.map(Double.init)
      var worst = 0.0
      for a in 0..<128 {
        for b in a..<128 {
          var product = 0.0
          for row in 0..<512 { product += values[row * 128 + a] * values[row * 128 + b] }
          worst = max(worst, abs(product - (a == b ? 1 : 0)))
        }
      }
      #expect(worst < 1e-6, "\(parameter.name)")
      // Each gate has a quarter of the sum of squares, to within five standard errors.
      for gate in 0..<4 {
        let squares = values[gate * 16_384..<(gate + 1) * 16_384].reduce(0) { $0 + $1 * $1 }
        #expect(abs(squares / 128 - 0.25) < 5 * (2 * 0.25 * 0.75 / (512.0 * 128)).squareRoot())
      }
      let mean = values.reduce(0, +) / Double(values.count)
      #expect(abs(mean) < 5 / (512.0 * Double(values.count)).squareRoot())
    }
    let all = named(".weight_hh_l0").map(\.elements)
    for first in all.indices {
      for second in all.indices where second > first { #expect(all[first] != all[second]) }
    }
  }

  @Test func sameSeedSameValues() throws {
    let again = SpeechEnhancer(configuration: model.configuration, seed: 3)
    #expect(again.parameters.values.buffer.elementsEqual(model.parameters.values.buffer))
  }

  @Test func anotherSeedOtherValues() {
    let other = SpeechEnhancer(configuration: model.configuration, seed: 4)
    let constant = ["norm", "A_log", ".D", "fcs", "fc1", "fc2"]
    for (one, two) in zip(model.parameters.parameters, other.parameters.parameters) {
      let isConstant =
        constant.contains { one.name.contains($0) } && !one.name.hasSuffix("weight")
        || one.name.contains("norm")
      #expect((one.elements == two.elements) == isConstant, "\(one.name)")
    }
  }

  @Test func directionsAndLayersDiffer() {
    let found = parameters(ending: "in_proj.weight").map(\.elements)
    for first in found.indices {
      for second in found.indices where second > first { #expect(found[first] != found[second]) }
    }
  }
}
