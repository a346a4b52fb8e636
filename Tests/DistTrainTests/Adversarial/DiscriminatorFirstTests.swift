import Adversarial
import Checkpoints
import Communication
import Convolution
import DistTrain
import Foundation
import Loading
import Models
import Recipes
import Tensor
import TestSupport
import Testing

/// The order of SEMamba against its loop body written out for whole batches.
@Suite struct DiscriminatorFirstTests {
  private final class GivenLabels: LabelSource {
    let labels: [CropLabels]
    private var begun = 0

    init(_ labels: [CropLabels]) { self.labels = labels }

    func begin(_ crop: LabelledCrop) { begun += 1 }

    func finish() -> [CropLabels] {
      defer { begun = 0 }
      return Array(labels.prefix(begun))
    }
  }

  private static var recipe: DiscriminatorRecipe {
    published {
      $0.order = .discriminatorFirst
      ($0.weight, $0.beta, $0.labelOffset, $0.labelScale) = (0.05, 1, -1, 3.5)
      $0.terms = [.clean, .estimate]
      ($0.missing, $0.magnitudeEpsilon, $0.clip, $0.channels) = (.clean, 0, nil, 4)
    }
  }

  private static func spectrogram(_ model: ModelConfiguration, _ index: Int) -> Tensor {
    let count = 40 * model.bins * 2
    var state = UInt32(index + 1)
    return Tensor(
      shape: [1, 40, model.bins, 2],
      elements: (0..<count).map { _ in
        state = state &* 1_664_525 &+ 1_013_904_223
        return Float(state >> 8) * 0x1p-23 - 1
      })
  }

  private static func joined(_ parts: [Tensor]) -> Tensor {
    Tensor(
      shape: [parts.count] + parts[0].shape.dropFirst(), elements: parts.flatMap(\.elements))
  }

  private static func mask(_ step: Int, _ pass: AdversarialPass, _ utterance: Int) -> [Float] {
    DropoutMask(
      seed: 9, step: step, pass: pass, utterance: utterance, count: 16, rate: 0.3
    ).values
  }

  /// Two steps, with labels and with one that is missing.
  @Test(arguments: [false, true]) func theLoopBody(isMissing: Bool) throws {
    let recipe = Self.recipe
    let model = try ModelConfiguration(parsing: Array(tinyModel.utf8), file: "tiny")
    let configuration = TrainingConfiguration(model: model)
    let labels = [
      CropLabels(estimate: 0.375, noisy: nil),
      isMissing ? CropLabels(fault: "failed") : CropLabels(estimate: 0.5, noisy: nil),
    ]
    let items = (0..<2).map { index in
      (
        noisy: Self.spectrogram(model, 2 * index), clean: Self.spectrogram(model, 2 * index + 1)
      )
    }

    let state = TrainingState(configuration)
    let adversarial = AdversarialState(recipe, seed: 5)
    let step = try TrainingStep(
      state, clip: 5,
      adversary: AdversarialTraining(adversarial, recipe, mask: Self.mask),
      labels: GivenLabels(labels), over: LocalCommunicator())
    for number in 1...2 {
      let outcome = try step.run(
        LoadedBatch(items), learningRate: 1e-3, Execution(),
        duel: .init(isUsed: true, learningRate: 5e-4))
      state.progress.step += 1
      let duel = try #require(outcome.duel)
      #expect(duel.passCount == 3 && duel.hasMoved && !outcome.isSkipped)
      #expect((duel.estimateLoss == nil) == isMissing)
      #expect(number == state.progress.step)
    }

    let (generator, discriminator) = try Self.witness(
      recipe, configuration, items, labels: isMissing ? nil : labels.map(\.estimate))
    let (g, d) = (state.model.parameters, adversarial.discriminator)
    expectClose(Array(g.values.buffer), Array(generator.values.buffer), 1e-5, "generator")
    expectClose(
      Array(d.parameters.values.buffer), Array(discriminator.parameters.values.buffer), 1e-5,
      "discriminator")
    expectClose(
      Array(d.spectralState.values.buffer),
      Array(discriminator.spectralState.values.buffer), 1e-6, "spectral norms")
  }

  /// Two steps of the loop body, batch by batch; the weights after them.
  private static func witness(
    _ recipe: DiscriminatorRecipe, _ configuration: TrainingConfiguration,
    _ items: [BatchItem], labels: [Float]?
  ) throws -> (ParameterArena, MetricDiscriminator) {
    let state = TrainingState(configuration)
    let adversarial = AdversarialState(recipe, seed: 5)
    let discriminator = adversarial.discriminator
    let (noisy, clean) = (joined(items.map(\.noisy)), joined(items.map(\.clean)))
    func magnitude(_ spectrogram: Tensor, _ tape: Tape) -> Tensor {
      compressedMagnitude(spectrogram, epsilon: 0, tape)
    }
    /// Half of the gradient of the mean of squares.
    func aim(_ scores: Tensor, at targets: [Float], weight: Float = 1) {
      let gradient = scores.gradientStorage().base
      for (index, target) in targets.enumerated() {
        gradient[index] = weight * (scores.base[index] - target)
      }
    }
    for step in 1...2 {
      func masks(_ pass: AdversarialPass) -> MetricDiscriminator.Mode {
        .training(mask: mask(step, pass, 0) + mask(step, pass, 1))
      }
      let tape = Tape()
      let estimate = state.model(noisy, tape)
      let target = magnitude(clean, .inference)
      discriminator.parameters.zeroGradients()
      let own = Tape()
      let detached = Tensor(shape: estimate.shape, elements: estimate.elements)
      let real = discriminator(target, target, masks(.clean), own)
      let fake = discriminator(target, magnitude(detached, own), masks(.estimate), own)
      aim(real, at: [1, 1])
      if let labels { aim(fake, at: labels) }
      own.backward()
      adversarial.adam.step(learningRate: 5e-4)
      let judge = Tape()
      let score = discriminator(target, magnitude(estimate, judge), masks(.generator), judge)
      aim(score, at: [1, 1], weight: Float(recipe.weight))
      state.model.parameters.zeroGradients()
      judge.backward()
      _ = spectralLoss(estimate, clean, tape)
      tape.backward()
      let norm = GradientNorm(state.model.parameters)
      state.adam.step(learningRate: 1e-3, gradientScale: norm.clipFactor(limit: 5))
    }
    return (state.model.parameters, discriminator)
  }
}
