import Files
import Models
import Tensor
import Testing
import TestSupport

/// Checks that neither threads nor recomputation nor a profile change a bit of loss or gradients.
@Suite struct ExecutionTests {
  private struct Outcome {
    let output: [UInt32]
    let gradients: [UInt32]
    let input: [UInt32]
  }

  private func run(_ name: String, frames: Int, _ execution: Execution) throws -> Outcome {
    let model = SpeechEnhancer(
      configuration: try referenceConfiguration(try golden(name)), seed: 3)
    var random = Random(seed: 5, stream: name)
    let shape = [2, frames, model.configuration.bins, 2]
    func noise() -> [Float] {
      (0..<shape.reduce(1, *)).map { _ in random.uniform(in: -1, 1) }
    }
    let x = Tensor(shape: shape, elements: noise(), requiresGradient: true)
    let target = Tensor(shape: shape, elements: noise())
    let tape = Tape(execution)
    let out = model(x, tape)
    _ = spectralLoss(out, target, tape)
    tape.backward()
    return Outcome(
      output: out.elements.map(\.bitPattern),
      gradients: model.parameters.gradients.buffer.map(\.bitPattern),
      input: try #require(x.gradient).buffer.map(\.bitPattern))
  }

  @Test(arguments: referenceModels, [1, 40, 300])
  func sameBits(name: String, frames: Int) throws {
    let plain = try run(name, frames: frames, Execution())
    #expect(plain.gradients.contains { Float(bitPattern: $0) != 0 })
    let others = [
      Execution(threads: 2), Execution(threads: 3), Execution(threads: 16),
      Execution(recomputes: true), Execution(threads: 2, recomputes: true),
      Execution(profile: Profile()), Execution(recomputes: true, profile: Profile()),
    ]
    for execution in others {
      let other = try run(name, frames: frames, execution)
      let what = "threads \(execution.threads), recomputes \(execution.recomputes)"
      #expect(other.output == plain.output, "output, \(what)")
      #expect(other.gradients == plain.gradients, "gradients, \(what)")
      #expect(other.input == plain.input, "input's gradient, \(what)")
    }
  }

  /// Checks that neither threads nor a recording tape change a bit of the output, though inference
  /// computes in scratch memory instead of kept activations.
  @Test(arguments: ["e2e_abl3", "e2e_bsrnn"]) func inference(name: String) throws {
    let model = SpeechEnhancer(
      configuration: try referenceConfiguration(try golden(name)), seed: 3)
    var random = Random(seed: 6, stream: "inference")
    let shape = [1, 70, model.configuration.bins, 2]
    let x = Tensor(
      shape: shape, elements: (0..<shape.reduce(1, *)).map { _ in random.uniform(in: -1, 1) })
    let plain = model(x, .inference).elements
    #expect(model(x, .inference(Execution(threads: 3))).elements == plain)
    #expect(model(x, Tape()).elements == plain)
  }

  /// Checks that recomputation adds only the recomputed products to forward and backward work.
  @Test(arguments: [
    ("e2e_abl3", Profile.Part.inProjection),
    ("e2e_bsrnn", .lstm),
    ("e2e_unimamba", .mlp),
  ])
  func recomputedProductsAreCountedApart(name: String, part: Profile.Part) throws {
    let keeping = Profile()
    let recomputing = Profile()
    _ = try run(name, frames: 40, Execution(profile: keeping))
    _ = try run(name, frames: 40, Execution(recomputes: true, profile: recomputing))
    for each in Profile.Part.allCases {
      for pass in [Profile.Pass.forward, .backward] {
        #expect(
          keeping[each, pass].work.productFlops == recomputing[each, pass].work.productFlops,
          "\(each.title)")
      }
    }
    let forward = keeping[part, .forward].work.productFlops
    #expect(forward > 0 && keeping[part, .recompute].calls == 0)
    #expect(recomputing[part, .recompute].work.productFlops == forward)
    // The products for dX and dW are twice the forward product.
    let weights: [Profile.Part] = part == .lstm ? [.lstmWeights] : []
    let backward = ([part] + weights).map { keeping[$0, .backward].work.productFlops }
    #expect(backward.reduce(0, +) == 2 * forward)
  }
}
