import Files
import Models
import Tensor
import Testing

/// Checks that an inspector sees every layer by its name, in the order of computation, and changes
/// no result.
@Suite struct InspectorTests {
  private func model(_ trunk: String) throws -> SpeechEnhancer {
    let text = """
      {
        "name": "tiny", "title": "Tiny", "bins": 9, "bands": [2, 3, 4], "features": 6, "layers": 2,
        "trunk": \(trunk),
        "decoder": { "expansion": 2, "mask_taps": 1 }
      }
      """
    return SpeechEnhancer(
      configuration: try ModelConfiguration(parsing: Array(text.utf8), file: "tiny"), seed: 5)
  }

  private func spectrogram(seed: UInt64) -> Tensor {
    var random = Random(seed: seed, stream: "spectrogram")
    return Tensor(
      shape: [1, 11, 9, 2], elements: (0..<11 * 18).map { _ in random.uniform(in: -1, 1) })
  }

  /// Output, loss and gradients of one forward and backward pass.
  private func pass(
    _ model: SpeechEnhancer, _ inspector: Inspector?, _ execution: Execution
  ) -> [Float] {
    model.parameters.zeroGradients()
    let tape = Tape(execution, inspector: inspector)
    let out = model(spectrogram(seed: 1), tape)
    let loss = spectralLoss(out, spectrogram(seed: 2), tape)
    let elements = out.elements
    tape.backward()
    return elements + [loss.total] + model.parameters.gradients.buffer
  }

  struct Kind: Sendable {
    /// The trunk's object in the preset.
    let trunk: String
    /// Its layers, in forward order.
    let layers: [String]
  }

  private static let mamba = #""mamba": { "d_state": 4, "d_conv": 4, "expand": 1 } }"#

  static let kinds = [
    Kind(
      trunk: #"{ "kind": "bimamba", "paths": ["intra", "cross"], "# + mamba,
      layers: ["layers.0.intra", "layers.0.cross", "layers.1.intra", "layers.1.cross"]),
    Kind(
      trunk: #"{ "kind": "lstm", "expand": 2 }"#, layers: ["time.0", "time.1", "band.0", "band.1"]),
    Kind(
      trunk: #"{ "kind": "unimamba", "# + mamba,
      layers: ["layers.0.time", "layers.1.time", "cross_mlp"]),
  ]

  @Test(arguments: kinds, [(1, false), (2, false), (1, true)])
  func changesNothingAndSeesAll(kind: Kind, run: (threads: Int, recomputes: Bool)) throws {
    let execution = Execution(threads: run.threads, recomputes: run.recomputes)
    let layers = ["band_split"] + kind.layers + ["decoder", "loss"]
    let model = try model(kind.trunk)
    let plain = pass(model, nil, execution)
    let inspector = Inspector(model.parameters)
    #expect(pass(model, inspector, execution) == plain)
    #expect(inspector.layers == layers)
    let seen = inspector.observations
    let forward = seen.filter { $0.stage == .forward }
    #expect(forward.map(\.layer) == layers && forward.allSatisfy { $0.tensor == "output" })
    #expect(forward.first?.statistics.count == 3 * 11 * 6)
    #expect(forward.first { $0.layer == "decoder" }?.statistics.count == 11 * 18)

    // Backward shows the gradients of each layer's parameters, then the gradient of its input,
    // which is the output of the layer before.
    let backward = seen.filter { $0.stage == .backward }
    #expect(seen.prefix(forward.count).map(\.stage) == forward.map(\.stage))
    var expected: [(String, String)] = []
    for (index, layer) in layers.enumerated().reversed() {
      for parameter in model.parameters.parameters where parameter.name.hasPrefix(layer + ".") {
        expected.append((layer, "gradient of \(parameter.name)"))
      }
      if index > 0 { expected.append((layer, "gradient of the output of \(layers[index - 1])")) }
    }
    #expect(backward.map(\.layer) == expected.map(\.0))
    #expect(backward.map(\.tensor) == expected.map(\.1))
    #expect(backward.allSatisfy { $0.statistics.isFinite && $0.statistics.largest > 0 })
    let gradients = backward.filter { !$0.tensor.contains("output") }
    #expect(gradients.count == model.parameters.parameters.count)
    let largest = model.parameters.gradients.buffer.map(\.magnitude).max()
    #expect(gradients.map(\.statistics.largest).max() == largest)
  }

  @Test func statisticsCountNonFiniteElements() {
    var statistics = TensorStatistics([0, -3, .nan, 2, -.infinity, .infinity, -.nan])
    #expect(statistics.count == 7 && statistics.largest == 3)
    #expect(statistics.nanCount == 2 && statistics.infinityCount == 2 && !statistics.isFinite)
    statistics.merge(TensorStatistics([-8]))
    #expect(statistics.count == 8 && statistics.largest == 8 && statistics.nanCount == 2)
    #expect(TensorStatistics([.greatestFiniteMagnitude, -.leastNonzeroMagnitude]).isFinite)
    #expect(TensorStatistics().isFinite && TensorStatistics([.nan]).largest == 0)
  }
}
