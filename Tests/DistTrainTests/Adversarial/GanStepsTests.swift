import Adversarial
import Checkpoints
import Communication
import DistTrain
import Files
import Foundation
import Loading
import Models
import Recipes
import Tensor
import TestSupport
import Testing

/// Four whole steps of the published recipe with its discriminator, from another implementation:
/// the first half, then the second, then one with a failed label, then the second again.
@Suite struct GanStepsTests {
  /// Labels that are given.
  private final class GivenLabels: LabelSource {
    var labels: [CropLabels] = []
    private var begun = 0

    func begin(_ crop: LabelledCrop) { begun += 1 }

    func finish() -> [CropLabels] {
      defer { begun = 0 }
      return Array(labels.prefix(begun))
    }
  }

  private static func model() throws -> ModelConfiguration {
    try ModelConfiguration(
      name: "tiny", title: "Tiny reference model", bands: [5, 12, 16, 32], features: 8, layers: 1,
      trunk: BiMambaTrunkConfiguration(
        paths: ["intra", "cross"].compactMap(SequenceAxis.init(path:)),
        mamba: MambaConfiguration(stateSize: 4, convolutionTaps: 4, expansion: 1)),
      decoder: MaskDecoderConfiguration(expansions: [4, 4, 4, 4], maskTaps: 3))
  }

  private let file: SafetensorsFile

  init() throws {
    file = try SafetensorsFile(
      contentsOf: fixturesFolder.appending(path: "golden/gan_steps.safetensors"))
  }

  private func floats(_ name: String) throws -> [Float] {
    try #require(file.tensors[name], "\(name)").floats()
  }

  private func fill(_ arena: ParameterArena, _ prefix: String) throws {
    for parameter in arena.parameters {
      let values = try floats(prefix + parameter.name)
      try #require(values.count == parameter.count)
      parameter.value.update(from: values, count: parameter.count)
    }
  }

  private func expect(
    _ arena: ParameterArena, _ storage: Storage, _ prefix: String, _ tolerance: Double
  ) throws {
    for parameter in arena.parameters {
      let actual = Array(
        UnsafeBufferPointer(start: storage.base + parameter.offset, count: parameter.count))
      let expected = try floats(prefix + parameter.name)
      expectClose(actual, expected, tolerance, prefix + parameter.name)
    }
  }

  /// The items of step `index`, [1, T, F, 2] each.
  private func items(_ index: Int) throws -> [BatchItem] {
    func spectrograms(_ name: String) throws -> [Tensor] {
      let all = Spectrogram.fromComplex(
        Tensor(
          shape: try #require(file.tensors[name]).shape, elements: try floats(name)))
      let count = all.count / 2
      return (0..<2).map { item in
        Tensor(
          shape: [1] + all.shape.dropFirst(),
          elements: Array(all.elements[item * count..<(item + 1) * count]))
      }
    }
    return zip(try spectrograms("in.\(index).X"), try spectrograms("in.\(index).S"))
      .map { (noisy: $0, clean: $1) }
  }

  private func labels(_ index: Int, _ scale: LabelScale) throws -> [CropLabels] {
    zip(try floats("in.\(index).pesq"), try floats("in.\(index).pesq_noisy")).map { pesq, noisy in
      pesq < 0 || noisy < 0
        ? CropLabels(fault: "failed")
        : CropLabels(
          estimate: scale.label(pesq: Double(pesq)), noisy: scale.label(pesq: Double(noisy)))
    }
  }

  @Test func fourStepsOfThePublishedRecipe() throws {
    var settings = DiscriminatorRecipe(weight: 1)
    settings.channels = 4
    settings.clip = 0.5
    let state = TrainingState(TrainingConfiguration(model: try Self.model()))
    let adversarial = AdversarialState(settings, seed: 1)
    let (generator, discriminator) = (state.model.parameters, adversarial.discriminator)
    try fill(generator, "param.g.")
    try fill(discriminator.parameters, "param.d.")
    try fill(discriminator.spectralState, "param.d.")

    let steps = try (0..<4).map { try floats("in.\($0).masks") }
    let masks = steps
    let training = AdversarialTraining(adversarial, settings) { step, pass, utterance in
      let own: [AdversarialPass] = [.estimate, .clean, .noisy]
      let order = step == 1 ? own : [.generator] + own
      let place = 2 * (order.firstIndex(of: pass) ?? 0) + utterance
      return Array(masks[step - 1][16 * place..<16 * (place + 1)])
    }
    let given = GivenLabels()
    let step = try TrainingStep(
      state, clip: 0.5, adversary: training, labels: given, over: LocalCommunicator())
    let (losses, norms) = (try floats("out.losses"), try floats("out.norms"))
    func isClose(_ actual: Double?, _ expected: Float, _ limit: Double) -> Bool {
      guard let actual else { return false }
      return abs(actual - Double(expected)) <= limit * abs(Double(expected))
    }

    for index in 0..<4 {
      let items = try items(index)
      given.labels = try labels(index, settings.labels)
      let estimates = items.flatMap { item in
        Spectrogram.toComplex(state.model(item.noisy, .inference)).elements
      }
      expectClose(estimates, try floats("out.\(index).estimate"), 1e-4, "estimate \(index)")
      let outcome = try step.run(
        LoadedBatch(items), learningRate: 1e-3, Execution(),
        duel: .init(isUsed: index > 0, learningRate: 1e-3))
      state.progress.step += 1
      let duel = try #require(outcome.duel)
      let hasLabels = index != 2
      #expect(!outcome.isSkipped && duel.hasMoved == hasLabels)
      #expect(duel.passCount == [3, 4, 1, 4][index])
      #expect(duel.labelledCount == given.labels.count { $0.fault == nil })
      let total = outcome.lossSum / 2 + (index > 0 ? try #require(duel.generatorTerm) : 0)
      #expect(isClose(total, losses[2 * index], 1e-5), "loss of the generator, step \(index)")
      let limit = index == 0 ? 1e-4 : 2e-3
      #expect(isClose(outcome.gradientNorm, norms[2 * index], limit), "norm, step \(index)")
      try expect(generator, generator.gradients, "grad.\(index).g.", limit)
      guard hasLabels else {
        #expect(duel.loss == nil && duel.gradientNorm == nil && duel.prediction == nil)
        continue
      }
      #expect(isClose(duel.loss, losses[2 * index + 1], 1e-5), "loss of D, step \(index)")
      #expect(isClose(duel.gradientNorm, norms[2 * index + 1], limit), "norm of D, step \(index)")
      let order: [AdversarialPass] = [.estimate, .clean, .noisy]
      let predictions = order.flatMap { pass in
        step.judged.compactMap { $0.predictions[pass] }
      }
      expectClose(predictions, try floats("out.\(index).predictions"), 1e-5, "predictions")
      let parameters = discriminator.parameters
      try expect(parameters, parameters.gradients, "grad.\(index).d.", limit)
    }
    try expect(generator, generator.values, "after.g.", 5e-4)
    try expect(discriminator.parameters, discriminator.parameters.values, "after.d.", 1e-5)
    let spectral = discriminator.spectralState
    try expect(spectral, spectral.values, "after.d.", 1e-5)
    #expect(adversarial.adam.stepCount == 3 && state.adam.stepCount == 4)
  }
}
