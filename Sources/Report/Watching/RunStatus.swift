import Foundation

/// How far a run has come, as far as its files tell.
package struct RunStatus: Equatable, Sendable {
  /// What the run is doing.
  enum State: Equatable, Sendable {
    /// Nothing is known of its end.
    case running
    /// All epochs are done.
    case complete
    /// Stopped in the middle; why.
    case stopped(String)
    /// Ended by an error; its text.
    case failed(String)
  }

  /// A line worth showing.
  struct Message: Equatable, Sendable {
    /// When, if the file says.
    let time: Date?
    let text: String
  }

  /// The highest score of a run.
  struct Best: Equatable, Sendable {
    let score: Double
    let epoch: Int
  }

  var state = State.running
  /// Epochs that are validated, and how many there will be.
  var epoch = 0
  var epochs: Int?
  /// Steps that are done of the epoch under way, and how many it has.
  var stepInEpoch: Int?
  var stepsPerEpoch: Int?
  /// Of the last step.
  var loss: Double?
  /// Of the last epoch.
  var pesq: Double?
  var noisyPESQ: Double?
  /// The best so far, as the run has it: its weights are kept when the run goes back.
  private(set) var best: Best?
  /// Of all epochs that count, in order; nil where there was none.
  var scores: [Double?] { finished.map { $0?.pesq } }
  /// The epochs that count, in order; nil where nothing is known of one.
  private var finished: [Finished?] = []
  /// The best score from before the last rollback, and the step that the run went back to.
  private var bestBefore: BestBefore?
  /// Seconds of audio a second.
  var speed: Double?
  /// Seconds to the end of the run.
  var secondsLeft: Double?
  /// The number of steps that count and were skipped.
  var skippedSteps: Int { skipped.count }
  private var skipped: Set<Int> = []
  /// When something was last heard of it.
  var heard: Date?
  /// The last lines of its own, oldest first.
  var messages: [Message] = []

  /// More messages than a terminal has lines are of no use.
  private static let messageLimit = 100

  /// Adds a message and forgets the oldest.
  mutating func tell(_ text: String, at time: Date?) {
    messages.append(Message(time: time, text: text))
    if messages.count > Self.messageLimit { messages.removeFirst() }
  }

  /// Notes that a step was skipped.
  mutating func skipped(step: Int) { skipped.insert(step) }

  /// Takes up the scores of an epoch, whose last step is `step` if the file says; one that is
  /// repeated after a resume takes the place of the first.
  mutating func ended(epoch number: Int, step: Int? = nil, pesq score: Double?, noisy: Double?) {
    guard number > 0, number < 1_000_000 else { return }
    if finished.count >= number { finished.removeLast(finished.count - number + 1) }
    finished += [Finished?](repeating: nil, count: number - 1 - finished.count)
    finished.append(Finished(step: step, pesq: score, noisyPESQ: noisy))
    summarize()
    stepInEpoch = 0
    if let epochs, number >= epochs { state = .complete }
  }

  /// Drops what came after step `step` of the run: it is done again.
  ///
  /// A rollback (`keepsBest`) keeps the best score even if its epoch is dropped, as the run keeps
  /// its weights; what is resumed has the best score of its checkpoint.
  mutating func wentBack(toStep step: Int, keepsBest: Bool) {
    if keepsBest {
      bestBefore = best.map { BestBefore(best: $0, step: step) }
    } else if let before = bestBefore, step < before.step {
      // A checkpoint from before the rollback.
      bestBefore = nil
    }
    skipped = skipped.filter { $0 <= step }
    while let index = finished.indices.last, lastStep(ofEpoch: index + 1) > step {
      finished.removeLast()
    }
    summarize()
    secondsLeft = nil
  }

  /// The last step of an epoch that is finished; 0 if that is not known.
  private func lastStep(ofEpoch number: Int) -> Int {
    if let step = finished[number - 1]?.step { return step }
    let product = number.multipliedReportingOverflow(by: stepsPerEpoch ?? 0)
    return product.overflow ? .max : product.partialValue
  }

  private mutating func summarize() {
    epoch = finished.count
    pesq = finished.last??.pesq
    noisyPESQ = finished.last??.noisyPESQ
    best = bestBefore?.best
    for (index, score) in scores.enumerated() {
      if let score, score > best?.score ?? -.infinity {
        best = Best(score: score, epoch: index + 1)
      }
    }
  }

  private struct BestBefore: Equatable, Sendable {
    let best: Best
    let step: Int
  }

  /// What is known of an epoch that is validated.
  private struct Finished: Equatable, Sendable {
    let step: Int?
    let pesq: Double?
    let noisyPESQ: Double?
  }
}
