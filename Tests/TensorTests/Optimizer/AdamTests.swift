import Foundation
import Tensor
import Testing
import TestSupport

/// Adam over an arena against a `Double` reference.
struct AdamTests {
  /// Twenty steps whose gradients span the sizes met in training. From zero, so that the values are
  /// the way gone: next to values of one, an update that is wrong by a percent would not show.
  @Test(arguments: [Float(1), 0.037], [Float(1e-4), 1, 1e3])
  func matchesReference(gradientScale: Float, size: Float) {
    let arena = randomArena(values: 0...0, seed: 1)
    let adam = Adam(arena)
    var reference = AdamReference(arena.values.elements.map(Double.init))
    for step in 0..<20 {
      arena.randomizeGradients(-size...size, seed: UInt64(step))
      reference.step(
        arena.gradients.elements.map { Double($0) * Double(gradientScale) }, learningRate: 1e-3)
      adam.step(learningRate: 1e-3, gradientScale: gradientScale)
    }
    #expect(adam.stepCount == 20)
    expectClose(arena.values.elements, reference.values.map(Float.init), 2e-6, "values")
    expectClose(
      adam.firstMoment.elements, reference.firstMoment.map(Float.init), 1e-6, "first moment")
    expectClose(
      adam.secondMoment.elements, reference.secondMoment.map(Float.init), 1e-6, "second moment")
  }

  /// AdamW with SEMamba's numbers, from values whose decay is larger than the steps.
  @Test(arguments: [0.01, 0.5], [Float(1), 0.037]) func decoupledDecay(
    weightDecay: Double, gradientScale: Float
  ) {
    let settings = AdamSettings {
      ($0.beta1, $0.beta2, $0.epsilon, $0.weightDecay) = (0.8, 0.99, 1e-6, weightDecay)
    }
    let arena = randomArena(seed: 1)
    let adam = Adam(arena, settings)
    var reference = AdamReference(arena.values.elements.map(Double.init), settings)
    for step in 0..<20 {
      arena.randomizeGradients(seed: UInt64(step))
      reference.step(
        arena.gradients.elements.map { Double($0) * Double(gradientScale) }, learningRate: 0.02)
      adam.step(learningRate: 0.02, gradientScale: gradientScale)
    }
    expectClose(arena.values.elements, reference.values.map(Float.init), 2e-6, "values")
    for i in arena.filling { #expect(arena.values.base[i] == 0) }
  }

  /// Without a gradient only the decay moves a value: x·(1 − lr·λ), once a step.
  @Test func decayAloneIsAFactor() {
    let arena = randomArena(seed: 5)
    let before = arena.values.elements
    let adam = Adam(arena, AdamSettings { $0.weightDecay = 0.25 })
    arena.zeroGradients()
    adam.step(learningRate: 0.5)
    #expect(arena.values.elements == before.map { $0 * 0.875 })
  }

  /// Twelve steps of PyTorch's own optimisers with another rate each and gradients of all sizes.
  @Test(arguments: [("adamw", 0.05), ("adam", 0)])
  func matchesGolden(name: String, weightDecay: Double) throws {
    let file = try golden("adamw")
    func values(_ name: String) throws -> [Float] { try #require(file.tensors[name]).floats() }
    let start = try values("in.parameter")
    let count = start.count
    let arena = randomArena(shapes: [[count]], seed: 1)
    let parameter = try #require(arena.parameters.first)
    for (i, value) in start.enumerated() { parameter.value[i] = value }
    let adam = Adam(
      arena,
      AdamSettings {
        ($0.beta1, $0.beta2, $0.epsilon, $0.weightDecay) = (0.8, 0.99, 1e-6, weightDecay)
      })
    let (gradients, expected) = (try values("in.gradients"), try values("out.\(name)"))
    for (step, rate) in try values("in.learning_rates").enumerated() {
      let range = step * count..<(step + 1) * count
      for (i, gradient) in gradients[range].enumerated() { parameter.gradient[i] = gradient }
      adam.step(learningRate: rate)
      expectClose(parameter.elements, Array(expected[range]), 1e-6, "\(name), step \(step + 1)")
    }
    for (moments, key) in [(adam.firstMoment, "exp_avg"), (adam.secondMoment, "exp_avg_sq")] {
      expectClose(
        Array(moments.elements[..<count]), try values("out.\(name).\(key)"), 1e-6, key)
    }
  }

  /// The first step is the learning rate against the gradient's sign, whatever its size.
  @Test(arguments: [Float(1e-5), 1, 1e4]) func firstStep(size: Float) {
    let arena = randomArena(values: 0...0, seed: 1)
    arena.randomizeGradients(size...2 * size, seed: 2)
    Adam(arena).step(learningRate: 0.01)
    for parameter in arena.parameters {
      // ε/(|g| + ε) short of the learning rate.
      for value in parameter.elements { #expect(abs(value + 0.01) <= 0.01 * 1.1e-3) }
    }
  }

  /// No gradient, no step; the filling between parameters stays zero however long it goes on.
  @Test func zeroGradientsAndFilling() {
    let arena = randomArena(seed: 3)
    let adam = Adam(arena)
    let before = arena.values.elements
    arena.zeroGradients()
    adam.step(learningRate: 0.1)
    #expect(arena.values.elements == before)

    for step in 0..<10 {
      arena.randomizeGradients(seed: UInt64(step))
      adam.step(learningRate: 0.1)
    }
    #expect(arena.filling.count == 56)
    for i in arena.filling {
      #expect(arena.values.base[i] == 0)
      #expect(adam.firstMoment.base[i] == 0 && adam.secondMoment.base[i] == 0)
    }
    #expect(arena.values.elements != before)
  }

  /// A NaN reaches its parameter, and no other.
  @Test func keepsNaN() {
    let arena = randomArena(seed: 4)
    arena.gradients.base[17] = .nan
    Adam(arena).step(learningRate: 0.1)
    #expect(arena.values.elements.indices.filter { arena.values.base[$0].isNaN } == [17])
  }
}
