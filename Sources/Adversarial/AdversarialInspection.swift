import Models
import Recipes
import Tensor

/// A crop that a discriminator judged, and its labels.
package struct JudgedCrop: Equatable, Sendable {
  /// Index of the utterance in the training split.
  package let utterance: Int
  /// Its labels, or why it has none.
  package let labels: CropLabels

  /// Crop of the utterance numbered `utterance`, from 0.
  package init(utterance: Int, labels: CropLabels) {
    self.utterance = utterance
    self.labels = labels
  }
}

/// The discriminator's part of a step that was skipped, computed once more crop by crop and seen
/// tensor by tensor.
///
/// Passes move the spectral norms in the step's order, from the state before it; afterwards that is
/// as it was. Where the discriminator takes its step first, the generator's term is computed with
/// the discriminator of before that step.
package final class AdversarialInspection {
  /// Decisions of the step, which depend on all ranks.
  package struct Settings: Codable, Equatable, Sendable {
    /// Whether the generator's loss had its adversarial term.
    package var isUsed: Bool
    /// Whether the labels of the global batch allowed passes of the discriminator's own.
    package var hasPasses: Bool
    /// Weight of its terms with labels.
    package var labelWeight: Float

    /// Decisions of these values.
    package init(isUsed: Bool, hasPasses: Bool, labelWeight: Float) {
      self.isUsed = isUsed
      self.hasPasses = hasPasses
      self.labelWeight = labelWeight
    }
  }

  /// Beginning of the names of layers and parameters in observations.
  package static let prefix = "discriminator."

  /// Parameters and spectral norms before the step.
  package let weights: [Inspector.Observation]
  /// Whether its own passes come before the generator's term.
  package var isFirst: Bool { training.recipe.order == .discriminatorFirst }
  private let training: AdversarialTraining
  private let settings: Settings
  private let step: Int
  private var norms: [AdversarialPass: AdversarialState.Snapshot] = [:]

  /// Inspection of the step numbered `step` of a run of `seed`, before which the discriminator was
  /// as `state` is.
  package init(
    _ state: AdversarialState, _ recipe: DiscriminatorRecipe, seed: UInt64, step: Int,
    _ settings: Settings
  ) {
    training = AdversarialTraining(state, recipe, seed: seed)
    self.settings = settings
    self.step = step
    let network = state.discriminator
    weights = (network.parameters.parameters + network.spectralState.parameters).map { parameter in
      Inspector.Observation(
        stage: .weights,
        layer: Self.prefix + MetricDiscriminator.layer(ofParameter: parameter.name),
        tensor: Self.prefix + parameter.name,
        statistics: TensorStatistics(
          UnsafeBufferPointer(start: parameter.value, count: parameter.count)))
    }
    let before = state.snapshotOfNorms()
    defer { state.restore(before) }
    let generator: [AdversarialPass] = settings.isUsed ? [.generator] : []
    let own = settings.hasPasses ? recipe.passes : []
    for pass in isFirst ? own + generator : generator + own {
      training.openPass()
      norms[pass] = state.snapshotOfNorms()
    }
  }

  /// Takes up the crop of an utterance, numbered as in the training split, of spectrograms
  /// [1, T, F, 2].
  package func take(
    utterance: Int, clean: Tensor, estimate: Tensor, noisy: Tensor, _ execution: Execution
  ) {
    training.begin(step: step)
    training.add(
      utterance: utterance, clean: clean, estimate: estimate, noisy: noisy, execution)
  }

  /// The adversarial term of the generator's loss, whose gradient is added to that of `estimate`;
  /// nothing if the step did without.
  package func generatorTerm(
    estimate: Tensor, _ execution: Execution
  ) -> [Inspector.Observation] {
    observing(.generator) { inspector in
      training.generatorTerm(0, estimate: estimate, execution, inspector: inspector)
    }
  }

  /// The passes of the discriminator's own, with `labels`; nothing if the step did without.
  package func ownPasses(
    _ labels: CropLabels, _ execution: Execution
  ) -> [Inspector.Observation] {
    guard settings.hasPasses, let crop = training.crops.first else { return [] }
    var observations = inputs(crop) + self.labels(labels)
    for pass in training.recipe.passes {
      observations += observing(pass) { inspector in
        let tape = Tape(execution, inspector: inspector)
        var terms = AdversarialTraining.Terms()
        training.score(pass, of: crop, labels, settings.labelWeight, &terms, tape)
        tape.backward()
      }
    }
    return observations
  }

  private func inputs(_ crop: AdversarialTraining.Crop) -> [Inspector.Observation] {
    [("clean", crop.clean), ("estimate", crop.estimate), ("noisy", crop.noisy)].compactMap {
      name, magnitude in
      magnitude.map {
        Inspector.Observation(
          stage: .forward, layer: Self.prefix + "magnitude.\(name)", tensor: "output",
          statistics: TensorStatistics(UnsafeBufferPointer($0.storage.buffer)))
      }
    }
  }

  private func labels(_ labels: CropLabels) -> [Inspector.Observation] {
    guard labels.fault == nil, settings.labelWeight > 0 else { return [] }
    return [("estimate", labels.estimate), ("noisy", labels.noisy)].compactMap { name, label in
      label.map {
        Inspector.Observation(
          stage: .input, layer: Self.prefix + "label", tensor: "label of the pass \(name)",
          statistics: TensorStatistics([$0]))
      }
    }
  }

  /// Observations of `body`, which computes `pass`; none if the step did without that pass.
  private func observing(
    _ pass: AdversarialPass, _ body: (Inspector) -> Void
  ) -> [Inspector.Observation] {
    guard let norm = norms[pass] else { return [] }
    let state = training.state
    let before = state.snapshotOfNorms()
    state.restore(norm)
    let parameters = state.discriminator.parameters
    parameters.zeroGradients()
    defer {
      parameters.zeroGradients()
      state.restore(before)
    }
    let inspector = Inspector(
      parameters, layerPrefix: "discriminator[\(pass.rawValue)].", parameterPrefix: Self.prefix,
      layer: MetricDiscriminator.layer(ofParameter:))
    body(inspector)
    return inspector.observations
  }
}
