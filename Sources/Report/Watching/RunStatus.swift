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
  /// The best so far.
  var best: Best?
  /// Of all epochs, in order; nil where there was none.
  var scores: [Double?] = []
  /// Seconds of audio a second.
  var speed: Double?
  /// Seconds to the end of the run.
  var secondsLeft: Double?
  var skippedSteps = 0
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

  /// Takes up the scores of an epoch; one that is repeated after a resume takes the place of the
  /// first.
  mutating func ended(epoch number: Int, pesq score: Double?, noisy: Double?) {
    guard number > 0, number < 1_000_000 else { return }
    if scores.count >= number { scores.removeLast(scores.count - number + 1) }
    scores += [Double?](repeating: nil, count: number - 1 - scores.count) + [score]
    epoch = number
    pesq = score
    noisyPESQ = noisy
    best = nil
    for (index, score) in scores.enumerated() {
      if let score, score > best?.score ?? -.infinity {
        best = Best(score: score, epoch: index + 1)
      }
    }
    stepInEpoch = 0
    if let epochs, number >= epochs { state = .complete }
  }
}
