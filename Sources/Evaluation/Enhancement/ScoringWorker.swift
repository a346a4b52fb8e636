import Audio
import Corpora
import Foundation
import Losses
import Metrics
import Models
import Platform
import Recipes
import Tensor

/// Enhances and scores one utterance after the other. Serves one thread at a time.
final class ScoringWorker {
  private let enhancer: Enhancer
  private let scorer: UtteranceScorer
  private let loss: TrainingLoss
  private let crop: RandomCrop?
  // A recording with a sample that is not finite has no score, and is named: the others have one.
  private let reader = RecordingReader(acceptsNonFinite: true)

  /// Scores whole utterances, or the crops of `crop`.
  init(
    _ model: SpeechEnhancer, metrics: Set<ScoreColumn>, losses: LossSettings, crop: RandomCrop?
  ) throws(EnhancementError) {
    enhancer = try Enhancer(model)
    scorer = UtteranceScorer(metrics)
    loss = TrainingLoss(losses, model.configuration.frontEnd)
    self.crop = crop
  }

  /// The scores of both sides, unless those of the noisy one are `known`.
  func evaluate(
    _ pair: UtterancePair, known: UtteranceScore?
  ) throws(EvaluationError) -> Evaluation.Utterance {
    let (clean, noisy) = try samples(pair)
    for (recording, samples) in [(pair.clean, clean), (pair.noisy, noisy)] {
      guard let index = samples.firstIndex(where: { !$0.isFinite }) else { continue }
      let fault = WaveFileError.nonFinite(path: recording.description, index: index)
      return Evaluation.Utterance(unusable: pair.name, reason: fault.description)
    }
    let level = enhancer.level(of: noisy)
    let enhancedSpectrogram = enhancer.model(try spectrogram(noisy, level, pair), .inference)
    let loss = loss(enhancedSpectrogram, try spectrogram(clean, level, pair), .inference)
    let enhanced = enhancer.signal(
      of: enhancedSpectrogram, sampleCount: noisy.count, level: level)
    return Evaluation.Utterance(
      noisy: known ?? score(pair, clean, noisy), enhanced: score(pair, clean, enhanced),
      loss: loss,
      oddLevel: OddLevel(pair.noisy.description, noisy, isWhole: crop == nil)
        ?? OddLevel(pair.clean.description, clean, isWhole: crop == nil))
  }

  private func score(
    _ pair: UtterancePair, _ clean: [Float], _ degraded: [Float]
  ) -> UtteranceScore {
    scorer.score(
      file: pair.name, reference: clean, degraded: degraded,
      sampleRate: enhancer.frontEnd.sampleRate)
  }

  private func samples(
    _ pair: UtterancePair
  ) throws(EvaluationError) -> (clean: [Float], noisy: [Float]) {
    guard let crop else { return (try read(pair.clean, pair), try read(pair.noisy, pair)) }
    do {
      let loaded = try crop.load(
        pair, epoch: 0, sampleRate: enhancer.frontEnd.sampleRate, with: reader)
      return (loaded.clean, loaded.noisy)
    } catch {
      throw .unusable(utterance: pair.name, reason: error.description)
    }
  }

  private func read(
    _ recording: Recording, _ pair: UtterancePair
  ) throws(EvaluationError) -> [Float] {
    let samples: [Float]
    do {
      samples = try reader.read(recording, sampleRate: enhancer.frontEnd.sampleRate)
    } catch {
      throw .unusable(utterance: pair.name, reason: error.description)
    }
    guard samples.count == pair.sampleCount else {
      throw .unusable(
        utterance: pair.name,
        reason: "\(recording) has \(NumberText.count(samples.count, "sample")) now, and had "
          + "\(pair.sampleCount) when the corpus was inspected")
    }
    return samples
  }

  private func spectrogram(
    _ samples: [Float], _ level: Float, _ pair: UtterancePair
  ) throws(EvaluationError) -> Tensor {
    do {
      return try enhancer.spectrogram(of: samples, level: level)
    } catch {
      throw .unusable(utterance: pair.name, reason: error.description)
    }
  }
}
