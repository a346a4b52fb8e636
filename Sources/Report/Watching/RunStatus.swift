import Foundation
import RunFiles

/// How far a run has come, as far as its files tell.
package struct RunStatus: Equatable, Sendable {
  /// State of the run.
  enum State: Equatable, Sendable {
    /// The file is there, and nothing is in it yet.
    case waiting
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

  var state = State.waiting
  /// The steps and epochs that count.
  private(set) var timeline = RunTimeline(keepsSteps: false)
  /// Epochs that the run will have.
  var epochs: Int?
  /// Steps that are done of the epoch under way.
  var stepInEpoch: Int?
  /// Loss of the last step.
  var loss: Double?
  /// Seconds of audio a second.
  var speed: Double?
  /// Seconds to the end of the run.
  var secondsLeft: Double?
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

  /// Takes up an event.
  mutating func apply(_ event: RunEvent) {
    if state == .waiting { state = .running }
    timeline.apply(event)
    if case .epoch(let fields) = event, fields.report.epoch == epoch {
      stepInEpoch = 0
      if let epochs, epoch >= epochs { state = .complete }
    } else if let step = event.resumedStep {
      secondsLeft = nil
      if let all = stepsPerEpoch, all > 0 { stepInEpoch = step % all }
    }
  }

  /// Epochs that are validated.
  var epoch: Int { timeline.finishedEpochs }
  /// Steps of an epoch.
  var stepsPerEpoch: Int? {
    get { timeline.stepsPerEpoch }
    set { timeline.stepsPerEpoch = newValue }
  }
  /// Scores of the last epoch; nil if nothing is known of it.
  private var last: EpochReport? {
    timeline.epochs.last.flatMap { $0.report.epoch == epoch ? $0.report : nil }
  }
  var pesq: Double? { last?.pesq }
  var noisyPESQ: Double? { last?.noisyPESQ }
  var best: RunTimeline.Best? { timeline.best }
  /// Scores of all epochs that count, in order; nil where there was none.
  var scores: [Double?] {
    var scores = [Double?](repeating: nil, count: epoch)
    for epoch in timeline.epochs { scores[epoch.report.epoch - 1] = epoch.selectionScore }
    return scores
  }
  /// The number of skipped steps that count. A report counts those that were undone, too: it tells
  /// the history of a run, and this tells where the run is.
  var skippedSteps: Int { timeline.skippedSteps.count }
}
