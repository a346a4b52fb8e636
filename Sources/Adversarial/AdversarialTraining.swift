import Convolution
import Models
import Recipes
import Tensor

/// The passes of a discriminator in one training step: the generator's adversarial term, and the
/// discriminator's own losses.
///
/// A pass is over the whole global batch, but goes crop by crop. It moves the spectral norms once,
/// on every rank and whatever crops that has, and all crops see them as they then are: so a rank's
/// share of the batch changes nothing. Sources: the recipes of BSRNN (Yu et
/// al. 2023), CMGAN (Cao et al. 2022), SEMamba (Chao et al. 2024).
package final class AdversarialTraining {
  /// The losses and predictions of one crop.
  package struct Terms: Equatable, Sendable {
    /// (D(clean, clean) − 1)².
    package var clean: Float = 0
    /// (D(clean, estimate) − q)²; 0 without label.
    package var estimate: Float = 0
    /// (D(estimate, noisy) − q)²; 0 without label, or if that is not learned.
    package var noisy: Float = 0
    /// D by pass.
    package var predictions: [AdversarialPass: Float] = [:]
  }

  /// The compressed magnitudes of a crop, [1, F, T] each.
  struct Crop {
    let utterance: Int
    let clean: Tensor
    let estimate: Tensor
    let noisy: Tensor?
  }

  /// Weights, spectral norms and moments.
  package let state: AdversarialState
  /// The recipe.
  package let recipe: DiscriminatorRecipe
  private let mask: (_ step: Int, AdversarialPass, _ utterance: Int) -> [Float]
  private var step = 0
  private(set) var crops: [Crop] = []
  /// Number of passes in the step so far.
  package private(set) var passCount = 0

  /// Training of `state`. `mask` gives what a crop's pass keeps of the hidden features.
  package init(
    _ state: AdversarialState, _ recipe: DiscriminatorRecipe,
    mask: @escaping (_ step: Int, AdversarialPass, _ utterance: Int) -> [Float]
  ) {
    self.state = state
    self.recipe = recipe
    self.mask = mask
  }

  /// Training of `state` with masks of the run's `seed`.
  package convenience init(
    _ state: AdversarialState, _ recipe: DiscriminatorRecipe, seed: UInt64
  ) {
    let count = state.discriminator.hiddenFeatures
    let rate = recipe.dropout
    self.init(state, recipe) { step, pass, utterance in
      DropoutMask(
        seed: seed, step: step, pass: pass, utterance: utterance, count: count, rate: rate
      ).values
    }
  }

  /// Number of crops of the step so far.
  package var cropCount: Int { crops.count }

  /// The utterances of the crops so far.
  package var utterances: [Int] { crops.map(\.utterance) }

  /// Begins the step numbered `step`, from 1.
  package func begin(step: Int) {
    self.step = step
    crops = []
    passCount = 0
  }

  /// Frees the step's crops.
  package func end() { crops = [] }

  /// Takes up a crop of the step: spectrograms [1, T, F, 2], of which only values are kept.
  package func add(
    utterance: Int, clean: Tensor, estimate: Tensor, noisy: Tensor, _ execution: Execution
  ) {
    let tape = Tape.inference(execution)
    func magnitude(_ spectrogram: Tensor) -> Tensor {
      detached(compressed(spectrogram, tape))
    }
    crops.append(
      Crop(
        utterance: utterance, clean: magnitude(clean), estimate: magnitude(estimate),
        noisy: recipe.hasNoisyTerm ? magnitude(noisy) : nil))
  }

  /// Opens a pass over the batch: the spectral norms move. All ranks call it together.
  package func openPass() {
    state.discriminator.iterateSpectralNorms()
    passCount += 1
  }

  /// (D(M(S), M(Ŝ)) − 1)² of the crop `index`, whose gradient, times the weight of the recipe, is
  /// added to that of `estimate`, Ŝ [1, T, F, 2]. A pass is open. The discriminator's own gradients
  /// are dropped. An `inspector` sees the discriminator's layers.
  @discardableResult
  package func generatorTerm(
    _ index: Int, estimate: Tensor, _ execution: Execution, inspector: Inspector? = nil
  ) -> Float {
    let crop = crops[index]
    let tape = Tape(execution, inspector: inspector)
    let magnitude = compressed(estimate, tape)
    tape.inspect("magnitude", magnitude)
    let score = state.discriminator(
      crop.clean, magnitude, keeping(mask(step, .generator, crop.utterance)),
      differentiatesWeights: false, tape)
    let difference = Double(score.base[0]) - 1
    score.gradientStorage().base[0] = Float(2 * recipe.weight * difference)
    tape.backward()
    state.discriminator.parameters.zeroGradients()
    return Float(difference * difference)
  }

  /// The discriminator's own passes over this rank's crops, whose gradients `accumulate` takes crop
  /// by crop, sums over them. All ranks call it together.
  ///
  /// - Parameters:
  ///   - labels: labels of the crops; those without get no label terms.
  ///   - labelWeight: weight of the label terms; 0 leaves them out. The number of crops over that
  ///     of crops with labels makes the label terms means over the latter, once the sums are
  ///     divided by the former.
  package func learn(
    _ labels: [CropLabels], labelWeight: Float, _ execution: Execution,
    accumulate: (ParameterArena) -> Void
  ) -> [Terms] {
    precondition(
      labels.count == crops.count,
      "AdversarialTraining: \(labels.count) labels of \(crops.count) crops")
    let spectral = state.discriminator.spectralState.values.buffer
    // Every pass has spectral norms of its own.
    let norms = recipe.passes.map { pass in
      openPass()
      return (pass, Array(spectral))
    }
    let parameters = state.discriminator.parameters
    parameters.zeroGradients()
    return zip(crops, labels).map { crop, labels in
      let tape = Tape(execution)
      var terms = Terms()
      for (pass, norm) in norms {
        _ = spectral.update(fromContentsOf: norm)
        score(pass, of: crop, labels, labelWeight, &terms, tape)
      }
      tape.backward()
      accumulate(parameters)
      parameters.zeroGradients()
      return terms
    }
  }

  /// One crop's score in `pass`, with its term and gradient.
  func score(
    _ pass: AdversarialPass, of crop: Crop, _ labels: CropLabels, _ labelWeight: Float,
    _ terms: inout Terms, _ tape: Tape
  ) {
    let hasLabels = labels.fault == nil && labelWeight > 0
    let target: Float?
    let pair: (Tensor, Tensor)
    switch pass {
    case .clean: (target, pair) = (1, (crop.clean, crop.clean))
    case .estimate:
      (target, pair) = (hasLabels ? labels.estimate : nil, (crop.clean, crop.estimate))
    case .noisy:
      guard let noisy = crop.noisy else { return }
      (target, pair) = (hasLabels ? labels.noisy : nil, (crop.estimate, noisy))
    case .generator: preconditionFailure("AdversarialTraining: no pass of its own")
    }
    let score = state.discriminator(
      pair.0, pair.1, keeping(mask(step, pass, crop.utterance)),
      target == nil ? .inference(tape.execution) : tape)
    terms.predictions[pass] = score.base[0]
    guard let target else { return }
    let difference = Double(score.base[0]) - Double(target)
    let weight = pass == .clean ? 1 : Double(labelWeight)
    score.gradientStorage().base[0] = Float(2 * weight * difference)
    let term = Float(difference * difference)
    switch pass {
    case .clean: terms.clean = term
    case .estimate: terms.estimate = term
    case .noisy: terms.noisy = term
    case .generator: break
    }
  }

  private func compressed(_ spectrogram: Tensor, _ tape: Tape) -> Tensor {
    compressedMagnitude(
      spectrogram, exponent: Float(recipe.magnitudeExponent),
      epsilon: Float(recipe.magnitudeEpsilon), tape)
  }

  private func keeping(_ mask: [Float]) -> MetricDiscriminator.Mode {
    .training(mask: mask, iterates: false)
  }

  /// The values of `tensor`, through which no gradient goes.
  private func detached(_ tensor: Tensor) -> Tensor {
    if !tensor.requiresGradient { return tensor }
    let copy = Tensor(shape: tensor.shape)
    copy.base.update(from: tensor.base, count: tensor.count)
    return copy
  }
}
