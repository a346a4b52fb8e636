import Communication
import Corpora
import Metrics
import Models
import Platform
import Recipes
import Synchronization

/// Why an evaluation cannot be completed.
public enum EvaluationError: Error, Equatable, Sendable, CustomStringConvertible {
  /// A file of the utterance cannot be read, or is not what it was when the corpus was inspected.
  case unusable(utterance: String, reason: String)

  /// One sentence naming the utterance.
  public var description: String {
    switch self {
    case .unusable(let utterance, let reason):
      "utterance \(utterance): \(reason); or leave such files out with --on-bad-file skip"
    }
  }

  /// The fault, without the utterance.
  var reason: String {
    switch self {
    case .unusable(_, let reason): reason
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

  private let workers: WorkerPool<ScoringWorker>
  private let pairs: [UtterancePair]
  private let communicator: any Communicator
  private let share: [Int]
  private let threads: Int
  private let onBadFile: OnBadFile
  private let frontEnd: FrontEnd
  private var noisyScores: [Int: UtteranceScore] = [:]

  /// An evaluator of `model`, whose weights may change between evaluations, on `pairs`, the same
  /// on all ranks, at the sample rate of the model's front end. Throws if the model's bands are not
  /// the bins of that front end.
  ///
  /// - Parameters:
  ///   - metrics: what to compute, and what that is computed from.
  ///   - threads: of this rank, each with an utterance of its own. The result is the same for any
  ///     number.
  ///   - crop: takes a piece of each utterance; nil for all of it.
  ///   - losses: the loss whose mean the evaluation has.
  ///   - onBadFile: with `.skip` an utterance that cannot be read has no score, and is named like
  ///     others without.
  public init(
    model: SpeechEnhancer, pairs: [UtterancePair], over communicator: any Communicator,
    metrics: Set<ScoreColumn> = .validation, threads: Int = 1, crop: RandomCrop? = nil,
    losses: LossSettings = .published, onBadFile: OnBadFile = .stop
  ) throws(EnhancementError) {
    precondition(threads > 0, "Evaluator: \(threads) threads")
    var workers: [ScoringWorker] = []
    for _ in 0..<threads {
      workers.append(try ScoringWorker(model, metrics: metrics, losses: losses, crop: crop))
    }
    self.workers = WorkerPool(workers)
    self.pairs = pairs
    self.communicator = communicator
    self.threads = threads
    self.onBadFile = onBadFile
    frontEnd = model.configuration.frontEnd
    share =
      WorkShares.deal(
        lengths: pairs.map(\.sampleCount), ranks: communicator.worldSize)[communicator.rank]
  }

  /// Evaluates the model as it stands. All ranks call it together and get the same result, which
  /// does not depend on their number. `progress` is called at the start and after each utterance
  /// of this rank.
  ///
  /// - Throws: `RootFailure` with the text of an `EvaluationError` on all ranks if a file cannot be
  ///   read. Utterances that cannot be scored, such as silence, are no error: the result counts and
  ///   names them.
  public func evaluate(progress: (Progress) -> Void = { _ in }) throws -> Evaluation {
    let evaluation = try evaluate(until: { false }, progress: progress)
    guard let evaluation else { preconditionFailure("Evaluator: stopped, and nobody asked") }
    return evaluation
  }

  /// Evaluates the model like `evaluate(progress:)`, but returns nil on all ranks if any rank's
  /// `isStopAsked`, which is called before each of its utterances, returned true. A rank that was
  /// not asked finishes its share first.
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
    var completed = 0
    var sampleCount = 0
    func report() {
      progress(
        Progress(
          completed: completed, total: share.count,
          audioSeconds: frontEnd.seconds(sampleCount: sampleCount)))
    }
    if share.isEmpty { return part }
    report()
    part.isInterrupted = isStopAsked()
    if part.isInterrupted { return part }
    score { [self] outcome in
      switch outcome {
      case .success(let item):
        part.items.append(item)
        noisyScores[item.index] = item.noisy
        completed += 1
        sampleCount += pairs[item.index].sampleCount
        report()
      case .failure(let failure):
        // Utterances are begun in order, so the first that fails is the first of all.
        if failure.index < part.failure?.index ?? .max { part.failure = failure }
      }
      if part.failure == nil && !part.isInterrupted && completed < share.count {
        part.isInterrupted = isStopAsked()
      }
      return part.failure == nil && !part.isInterrupted
    }
    if part.failure != nil { part.isInterrupted = false }
    return part
  }

  private typealias Outcome = Result<EvaluationPart.Item, EvaluationPart.Failure>

  /// Scores this rank's share, and calls `completed` on this thread with each outcome as it comes.
  /// Where that returns false nothing further is begun.
  private func score(_ completed: (Outcome) -> Bool) {
    let (workers, pairs, known, onBadFile) = (workers, pairs, noisyScores, onBadFile)
    @Sendable func outcome(_ index: Int) -> Outcome {
      do throws(EvaluationError) {
        let utterance = try workers.withWorker { worker throws(EvaluationError) in
          try worker.evaluate(pairs[index], known: known[index])
        }
        return .success(EvaluationPart.Item(index: index, utterance))
      } catch {
        if onBadFile == .skip {
          let utterance = Evaluation.Utterance(unusable: pairs[index].name, reason: error.reason)
          return .success(EvaluationPart.Item(index: index, utterance))
        }
        return .failure(EvaluationPart.Failure(index: index, text: error.description))
      }
    }
    if threads == 1 {
      for index in share where !completed(outcome(index)) { return }
      return
    }
    // Utterances before this one are still wanted: all up to the first that failed.
    let end = Mutex(Int.max)
    parallelForEach(share, threads: threads) { index -> Outcome? in
      guard end.withLock({ index < $0 }) else { return nil }
      let outcome = outcome(index)
      if case .failure = outcome { end.withLock { $0 = min($0, index) } }
      return outcome
    } completed: { outcome in
      guard let outcome else { return }
      // After a failure what comes before it goes on.
      if !completed(outcome) { end.withLock { if $0 == .max { $0 = -1 } } }
    }
  }
}
