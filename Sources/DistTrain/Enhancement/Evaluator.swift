import Audio
import Foundation
import Metrics
import Models
import Tensor

/// Why an evaluation cannot be completed.
public enum EvaluationError: Error, Equatable, Sendable, CustomStringConvertible {
  /// A file of the utterance cannot be read, or is not what it was when the corpus was inspected.
  case unusable(utterance: String, reason: String)

  /// One sentence naming the utterance.
  public var description: String {
    switch self {
    case .unusable(let utterance, let reason): "utterance \(utterance): \(reason)"
    }
  }
}

/// Scores a model on whole utterances, shared between all ranks.
///
/// Each utterance is enhanced as a whole and compared with its clean side, and so is its noisy
/// side. The scores of the noisy side do not depend on the model; they are kept from the first
/// evaluation on.
public final class Evaluator {
  /// How far this rank has come.
  public struct Progress: Equatable, Sendable {
    /// Utterances done.
    public let completed: Int
    /// Utterances of this rank.
    public let total: Int
    /// Audio done, in seconds.
    public let audioSeconds: Double
  }

  private let enhancer: Enhancer
  private let pairs: [UtterancePair]
  private let communicator: any Communicator
  private let share: [Int]
  private let scorer = PESQ.Scorer()
  // A recording with a sample that is not finite has no score, and is named: the others have one.
  private let reader = RecordingReader(acceptsNonFinite: true)
  private var noisyScores: [Int: UtteranceScore] = [:]

  /// An evaluator of `model`, whose weights may change between evaluations, on `pairs`, the same
  /// on all ranks. Throws if the model takes other spectra than those of 16 kHz speech here.
  public init(
    model: SpeechEnhancer, pairs: [UtterancePair], over communicator: any Communicator
  ) throws(EnhancementError) {
    enhancer = try Enhancer(model)
    self.pairs = pairs
    self.communicator = communicator
    share =
      WorkShares.deal(
        lengths: pairs.map(\.sampleCount), ranks: communicator.worldSize)[communicator.rank]
  }

  /// Evaluates the model as it stands. All ranks call it together and get the same result, which
  /// does not depend on their number. `progress` is called at the start and after each utterance
  /// of this rank.
  ///
  /// - Throws: `RootFailure` with the text of an `EvaluationError` on all ranks if a file cannot be
  ///   read. What cannot be scored, such as silence, is no error: the result counts and names it.
  public func evaluate(progress: (Progress) -> Void = { _ in }) throws -> Evaluation {
    let evaluation = try evaluate(until: { false }, progress: progress)
    guard let evaluation else { preconditionFailure("Evaluator: stopped, and nobody asked") }
    return evaluation
  }

  /// The same, but nil on all ranks if any rank's `isStopAsked`, which is called before each of its
  /// utterances, said yes. A rank that was not asked finishes its share first.
  public func evaluate(
    until isStopAsked: () -> Bool, progress: (Progress) -> Void = { _ in }
  ) throws -> Evaluation? {
    try merged(ownPart(isStopAsked, progress))
  }

  /// The evaluation that the ranks' shares make, which all ranks bring together; nil if a rank left
  /// before the end of its share.
  func merged(_ part: EvaluationPart) throws -> Evaluation? {
    let all = try communicator.gather(EvaluationPart.serialized(part), root: 0)
    let bytes = try RootDecision(communicator).bytes {
      let parts = try (all ?? []).map { try EvaluationPart(serialized: $0) }
      return try EvaluationPart.serialized(EvaluationPart(merging: parts))
    }
    let merged = try EvaluationPart(serialized: bytes)
    return merged.isInterrupted ? nil : Evaluation(merged.items.map(\.utterance))
  }

  /// This rank's utterances in ascending order, up to the first that cannot be read, or until it is
  /// asked to stop. Talks to no other rank.
  func ownPart(
    _ isStopAsked: () -> Bool, _ progress: (Progress) -> Void
  ) -> EvaluationPart {
    var part = EvaluationPart()
    var sampleCount = 0
    func report(_ completed: Int) {
      progress(
        Progress(
          completed: completed, total: share.count,
          audioSeconds: Double(sampleCount) / Double(Enhancer.sampleRate)))
    }
    if !share.isEmpty { report(0) }
    for (done, index) in share.enumerated() {
      part.isInterrupted = isStopAsked()
      if part.isInterrupted { return part }
      do throws(EvaluationError) {
        part.items.append(.init(index: index, try evaluate(index)))
      } catch {
        part.failure = .init(index: index, text: error.description)
        return part
      }
      sampleCount += pairs[index].sampleCount
      report(done + 1)
    }
    return part
  }

  private func evaluate(_ index: Int) throws(EvaluationError) -> Evaluation.Utterance {
    let pair = pairs[index]
    let clean = try read(pair.clean, pair)
    let noisy = try read(pair.noisy, pair)
    let enhancedSpectrogram = enhancer.model(try spectrogram(noisy, pair), .inference)
    let loss = spectralLoss(enhancedSpectrogram, try spectrogram(clean, pair), .inference)
    let enhanced = enhancer.signal(of: enhancedSpectrogram, sampleCount: noisy.count)
    let noisyScore = noisyScores[index] ?? score(pair, clean, noisy)
    noisyScores[index] = noisyScore
    return Evaluation.Utterance(
      noisy: noisyScore, enhanced: score(pair, clean, enhanced), loss: Double(loss.total))
  }

  private func score(
    _ pair: UtterancePair, _ clean: [Float], _ degraded: [Float]
  ) -> UtteranceScore {
    UtteranceScore(
      file: pair.name, reference: clean, degraded: degraded, sampleRate: Enhancer.sampleRate,
      scorer: scorer)
  }

  private func read(
    _ recording: Recording, _ pair: UtterancePair
  ) throws(EvaluationError) -> [Float] {
    let samples: [Float]
    do {
      samples = try reader.read(recording, sampleRate: Enhancer.sampleRate)
    } catch {
      throw .unusable(utterance: pair.name, reason: error.description)
    }
    guard samples.count == pair.sampleCount else {
      throw .unusable(
        utterance: pair.name,
        reason: "\(recording) has \(samples.count) samples now, and had \(pair.sampleCount) when "
          + "the corpus was inspected")
    }
    return samples
  }

  private func spectrogram(
    _ samples: [Float], _ pair: UtterancePair
  ) throws(EvaluationError) -> Tensor {
    do {
      return try enhancer.spectrogram(of: samples)
    } catch {
      throw .unusable(utterance: pair.name, reason: error.description)
    }
  }
}
