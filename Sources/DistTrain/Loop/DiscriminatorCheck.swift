import Adversarial
import Foundation
import Metrics
import Models
import Platform
import Recipes

/// Why the discriminator of a recipe cannot be trained.
package enum DiscriminatorError: Error, Equatable, CustomStringConvertible {
  /// The labels are not defined at the model's sample rate.
  case otherRate(model: String, rate: Int)
  /// The crops' spectra are smaller than the discriminator's four strides.
  case tooSmall(model: String, bins: Int, frames: Int)
  /// The crops have no PESQ, and so never a label.
  case tooShort(samples: Int)

  /// One sentence that says what to do.
  package var description: String {
    switch self {
    case .otherRate(let model, let rate):
      "the recipe has a discriminator, whose labels are defined at \(PESQ.sampleRate) Hz only, and "
        + "the model \"\(model)\" takes \(rate) Hz; take a recipe without one"
    case .tooSmall(let model, let bins, let frames):
      "the recipe has a discriminator, which needs spectra of at least "
        + "\(MetricDiscriminator.smallestExtent) bins and frames, and crops of the model "
        + "\"\(model)\" have \(bins) and \(frames); give longer --seconds or take a recipe without "
        + "one"
    case .tooShort(let samples):
      "the recipe has a discriminator, whose labels need crops of at least "
        + "\(PESQ.minimumSampleCount) samples, and those of the run have \(samples); give longer "
        + "--seconds or take a recipe without one"
    }
  }
}

extension TrainingConfiguration {
  /// Checks that the recipe's discriminator, if there is one, can judge the crops.
  package func requireJudgeable() throws(DiscriminatorError) {
    guard adversary != nil else { return }
    let frontEnd = model.frontEnd
    guard frontEnd.sampleRate == PESQ.sampleRate else {
      throw .otherRate(model: model.name, rate: frontEnd.sampleRate)
    }
    let frames = frontEnd.frameCount(sampleCount: frontEnd.sampleCount(seconds: cropSeconds))
    let least = MetricDiscriminator.smallestExtent
    guard frontEnd.binCount >= least, frames >= least else {
      throw .tooSmall(model: model.name, bins: frontEnd.binCount, frames: frames)
    }
    guard cropSamples >= PESQ.minimumSampleCount else { throw .tooShort(samples: cropSamples) }
  }

  /// A line about the recipe's discriminator, and a warning if the generator never uses it.
  func discriminatorText(
    _ state: AdversarialState
  ) -> (line: String, warning: String?)? {
    guard let adversary, let first = firstAdversarialEpoch else { return nil }
    let count = state.discriminator.parameters.parameterCount
    let line =
      "discriminator: \(NumberText.count(count, "parameter")), learns pesq from the first step on; "
      + "the generator's loss has its term, × \(adversary.weight), from epoch \(first) on"
    if let patience = recipe.patience, first <= epochs, patience + 1 < first {
      return (
        line,
        "--patience \(patience) counts from epoch 1, and the generator uses the discriminator from "
          + "epoch \(first) on: without a better epoch the run ends before; give a longer "
          + "--patience or an earlier start"
      )
    }
    guard first > epochs else { return (line, nil) }
    return (
      line,
      "the generator never uses the discriminator: it would from epoch \(first) on, and the run "
        + "ends after \(NumberText.count(epochs, "epoch")); give more --epochs or an earlier start"
    )
  }
}
