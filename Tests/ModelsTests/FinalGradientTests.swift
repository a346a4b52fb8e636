import Files
import Models
import Tensor
import Testing
import TestSupport

/// Checks that gradients which the tape calls final never change afterwards, since they are sent to
/// other ranks at once. The test finds operations that do not name a parameter when they record
/// their backward step.
@Suite struct FinalGradientTests {
  @Test(arguments: Preset.names)
  func finalGradientsStay(preset: String) throws {
    let model = SpeechEnhancer(configuration: try Preset.load(preset), seed: 1)
    let arena = model.parameters
    func noise(_ stream: String) -> Tensor {
      var random = Random(seed: 3, stream: stream)
      return Tensor(
        shape: [1, 5, 257, 2], elements: (0..<5 * 257 * 2).map { _ in random.uniform(in: -1, 1) })
    }
    func gradients() -> [Float] { Array(arena.gradients.buffer) }
    arena.zeroGradients()
    let tape = Tape()
    _ = spectralLoss(model(noise("noisy"), tape), noise("clean"), tape)
    var snapshots: [(boundary: Int, values: [Float])] = []
    var boundary = arena.count
    while let next = tape.backwardStep() {
      #expect(next <= boundary, "the boundary went back from \(boundary) to \(next)")
      boundary = next
      snapshots.append((next, Array(gradients()[next...])))
    }
    #expect(boundary == 0)
    let end = gradients()
    for (boundary, values) in snapshots {
      #expect(Array(end[boundary...]) == values, "gradients from \(boundary) on were not final")
    }
    // Gradients must become final early: the decoder's first, and the trunk's in many steps.
    let decoder = try #require(
      arena.parameters.first { $0.name.hasPrefix("decoder.") })
    #expect(snapshots.contains { $0.boundary > 0 && $0.boundary <= decoder.offset })
    #expect(Set(snapshots.map(\.boundary)).count >= model.configuration.layers + 2)
  }
}
