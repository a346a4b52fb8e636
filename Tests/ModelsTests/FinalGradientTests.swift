import Files
import Models
import Tensor
import Testing
import TestSupport

/// What the tape calls final never changes afterwards: such gradients are sent to other ranks at
/// once. An operation that forgot to name a parameter would show here.
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
    // Early is the point: the decoder's go first, and the trunk's come in many steps.
    let decoder = try #require(
      arena.parameters.first { $0.name.hasPrefix("decoder.") })
    #expect(snapshots.contains { $0.boundary > 0 && $0.boundary <= decoder.offset })
    #expect(Set(snapshots.map(\.boundary)).count >= model.configuration.layers + 2)
  }
}
