import Files
import RunFiles
import Testing

/// Resumptions and rollbacks undo what comes after the step that they name.
@Suite struct RunTimelineTests {
  private func start(_ step: Int, stepsPerEpoch: Int? = 4) -> RunEvent {
    .start(.init { ($0.step, $0.stepsPerEpoch) = (step, stepsPerEpoch) })
  }

  private func step(_ number: Int, loss: Double = 0.5, isSkipped: Bool = false) -> RunEvent {
    .step(.init { ($0.step, $0.loss, $0.isSkipped) = (number, loss, isSkipped) })
  }

  private func steps(_ numbers: ClosedRange<Int>) -> [RunEvent] { numbers.map { step($0) } }

  private func epoch(_ number: Int, step: Int?, _ pesq: Double? = nil) -> RunEvent {
    .epoch(.init { ($0.report.epoch, $0.step, $0.report.pesq) = (number, step, pesq) })
  }

  private func checkpoint(_ step: Int) -> RunEvent {
    .checkpoint(.init(step: step, file: "", bytes: 0, seconds: 1))
  }

  private func rollback(from: Int, to step: Int) -> RunEvent {
    .rollback(.init { ($0.fromStep, $0.step) = (from, step) })
  }

  /// Two epochs of four steps and three steps of the next, with a checkpoint after each epoch.
  private var run: [RunEvent] {
    [start(0)] + steps(1...4) + [epoch(1, step: 4, 2.5), checkpoint(4)] + steps(5...8)
      + [epoch(2, step: 8, 2.75), checkpoint(8)] + steps(9...11)
  }

  private func expect(
    _ events: [RunEvent], steps: ClosedRange<Int>, epochs: [Int], checkpoints: [Int],
    best: (Double, Int)?, location: SourceLocation = #_sourceLocation
  ) {
    let timeline = RunTimeline(events)
    #expect(timeline.steps.map(\.step) == Array(steps), sourceLocation: location)
    #expect(timeline.epochs.map(\.report.epoch) == epochs, sourceLocation: location)
    #expect(timeline.finishedEpochs == epochs.last ?? 0, sourceLocation: location)
    #expect(timeline.checkpoints.map(\.step) == checkpoints, sourceLocation: location)
    #expect(timeline.best?.score == best?.0, sourceLocation: location)
    #expect(timeline.best?.epoch == best?.1, sourceLocation: location)
  }

  @Test func aRunWithoutTroubleCountsWhole() {
    expect(run, steps: 1...11, epochs: [1, 2], checkpoints: [4, 8], best: (2.75, 2))
    expect(
      run + [start(11)] + steps(12...12), steps: 1...12, epochs: [1, 2], checkpoints: [4, 8],
      best: (2.75, 2))
  }

  @Test func aResumptionUndoesLaterStepsOfTheDiscriminator() {
    func discriminator(_ step: Int) -> RunEvent {
      .discriminator(.init { ($0.step, $0.loss) = (step, Double(step)) })
    }
    let events = [start(0)] + (1...6).map(discriminator)
    #expect(RunTimeline(events).discriminator.map(\.step) == Array(1...6))
    #expect(RunTimeline(events + [start(4)]).discriminator.map(\.step) == Array(1...4))
    let again = events + [rollback(from: 6, to: 2), discriminator(3)]
    #expect(RunTimeline(again).discriminator.map(\.loss) == [1, 2, 3])
    // A killed run whose file does not say that it was started again.
    #expect(RunTimeline(events + [discriminator(3)]).discriminator.map(\.step) == [1, 2, 3])
  }

  @Test func aResumptionUndoesLaterSteps() {
    // Within the third epoch, at the end of the second, and within the second.
    expect(run + [start(9)], steps: 1...9, epochs: [1, 2], checkpoints: [4, 8], best: (2.75, 2))
    expect(run + [start(8)], steps: 1...8, epochs: [1, 2], checkpoints: [4, 8], best: (2.75, 2))
    // The best score is that of the checkpoint.
    expect(run + [start(6)], steps: 1...6, epochs: [1], checkpoints: [4], best: (2.5, 1))
    expect(
      run + [start(6)] + steps(7...8) + [epoch(2, step: 8, 2.25)], steps: 1...8, epochs: [1, 2],
      checkpoints: [4], best: (2.5, 1))
  }

  /// Scores of one rule compare, and an epoch without a rule was chosen by the standard one.
  @Test func scoresOfAnotherRuleDoNotCompare() {
    func epoch(_ number: Int, _ score: Double, _ rule: String) -> RunEvent {
      .epoch(
        .init {
          ($0.report.epoch, $0.step, $0.selectedBy) = (number, 4 * number, rule)
          ($0.report.pesq, $0.report.selection) = (9, score)
        })
    }
    let standard = RunTimeline(run + [epoch(3, 2, "pesq_wb")])
    #expect(standard.best?.epoch == 2 && standard.best?.score == 2.75)
    let other = RunTimeline(run + [epoch(3, -0.5, "loss"), epoch(4, -0.25, "loss")])
    #expect(other.best?.epoch == 4 && other.best?.score == -0.25)
    let back = RunTimeline(run + [epoch(3, -0.5, "loss"), epoch(4, 1, "pesq_wb")])
    #expect(back.best?.epoch == 2)
    // No score by the rule is none at all.
    var nothing = RunEvent.Epoch.init { ($0.report.epoch, $0.report.pesq) = (1, 3) }
    nothing.selectedBy = "loss"
    #expect(RunTimeline([.epoch(nothing)]).best == nil)
  }

  @Test func aRollbackKeepsTheBestScore() {
    let back = run + [rollback(from: 11, to: 6)]
    expect(back, steps: 1...6, epochs: [1], checkpoints: [4], best: (2.75, 2))
    expect(
      back + steps(7...8) + [epoch(2, step: 8, 2.6)], steps: 1...8, epochs: [1, 2],
      checkpoints: [4], best: (2.75, 2))
    expect(
      back + steps(7...8) + [epoch(2, step: 8, 3)], steps: 1...8, epochs: [1, 2],
      checkpoints: [4], best: (3, 2))
    #expect(RunTimeline(back).rollbacks.map(\.fromStep) == [11])
  }

  @Test func rollbacksAndResumptionsRepeat() {
    let back = run + [rollback(from: 11, to: 6)]
    // A checkpoint from after the rollback has its best score, one from before it has not.
    expect(back + [start(6)], steps: 1...6, epochs: [1], checkpoints: [4], best: (2.75, 2))
    expect(back + [start(4)], steps: 1...4, epochs: [1], checkpoints: [4], best: (2.5, 1))
    let again = back + steps(7...8) + [epoch(2, step: 8, 2.6), rollback(from: 9, to: 2)]
    expect(again, steps: 1...2, epochs: [], checkpoints: [], best: (2.75, 2))
    expect(
      again + [start(2), start(2)] + steps(3...4) + [epoch(1, step: 4, 1)], steps: 1...4,
      epochs: [1], checkpoints: [], best: (2.75, 2))
    expect(again + [start(1)], steps: 1...1, epochs: [], checkpoints: [], best: nil)
    let counts = RunTimeline(again + [start(2), start(2)])
    #expect(counts.startCount == 3 && counts.rollbacks.count == 2 && counts.checkpointCount == 2)
  }

  @Test func skippedStepsCountTwice() {
    let events =
      [start(0), step(1), step(2, loss: .nan, isSkipped: true), step(3, isSkipped: true)]
      + [rollback(from: 3, to: 2), step(3), step(4, isSkipped: true)]
    let timeline = RunTimeline(events)
    // Where the run is, and what it went through.
    #expect(timeline.skippedSteps == [2, 4] && timeline.skippedCount == 3)
  }

  /// Without an event that says so, as if the disk had been full at the start.
  @Test func aRepeatedStepCountsOnce() {
    let timeline = RunTimeline(
      [start(0)] + steps(1...3) + [step(4, isSkipped: true), step(3, loss: 0.25), step(4)])
    #expect(timeline.steps.map(\.step) == [1, 2, 3, 4] && timeline.steps[2].loss == 0.25)
    #expect(timeline.skippedSteps.isEmpty && timeline.skippedCount == 1)
  }

  /// With `--validate-async` the epoch's event follows steps of the next epoch.
  @Test func anEpochEndsAtItsOwnStep() {
    let events = [start(0)] + steps(1...6) + [epoch(1, step: 4, 2)]
    expect(events, steps: 1...6, epochs: [1], checkpoints: [], best: (2, 1))
    expect(events + [start(5)], steps: 1...5, epochs: [1], checkpoints: [], best: (2, 1))
    expect(events + [start(3)], steps: 1...3, epochs: [], checkpoints: [], best: nil)
  }

  /// Version 0.1.0 tells neither where an epoch ends nor how many steps it has.
  @Test func theEndOfAnEpochMayBeUnknown() {
    let old =
      [start(0, stepsPerEpoch: nil)] + steps(1...4) + [epoch(1, step: nil, 2)] + steps(5...8)
      + [epoch(2, step: nil, 3)]
    #expect(RunTimeline(old).lastStep(ofEpoch: 2) == nil)
    expect(
      old + [start(6, stepsPerEpoch: nil)], steps: 1...6, epochs: [1, 2], checkpoints: [],
      best: (3, 2))
    // An epoch that comes again takes the place of the first.
    expect(
      old + [start(2, stepsPerEpoch: nil)] + steps(3...4) + [epoch(1, step: nil, 1)],
      steps: 1...4, epochs: [1], checkpoints: [], best: (1, 1))
    // A later version goes on, and says it.
    expect(old + [start(6)], steps: 1...6, epochs: [1], checkpoints: [], best: (2, 1))
  }

  /// A log may begin in the middle of a run.
  @Test func earlierEpochsMayBeUnknown() {
    let late = [start(40), epoch(11, step: 44, 2), epoch(12, step: nil, 3)]
    #expect(RunTimeline(late).finishedEpochs == 12)
    let back = RunTimeline(late + [start(42)])
    #expect(back.finishedEpochs == 10 && back.epochs.isEmpty)
    // Numbers that make no sense do no harm.
    let odd = RunTimeline([
      start(0, stepsPerEpoch: .max), epoch(3, step: nil), start(5), epoch(.max, step: 1),
      epoch(-1, step: 1), start(0, stepsPerEpoch: .max),
    ])
    #expect(odd.finishedEpochs == 0)
  }

  /// The rule of docs/files.md, line by line, on runs that go back again and again.
  @Test(arguments: 0..<50) func theRuleIsThatOfThePage(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    var events = [start(0)]
    var position = 0
    for _ in 0..<100 {
      if random.below(12) == 0 {
        let target = random.below(position + 1)
        events.append(random.below(2) == 0 ? start(target) : rollback(from: position, to: target))
        position = target
        continue
      }
      position += 1
      events.append(step(position, isSkipped: random.below(5) == 0))
      if random.below(3) == 0 { events.append(checkpoint(position)) }
      if position % 4 == 0 {
        events.append(epoch(position / 4, step: position, Double(random.below(9))))
      }
    }
    var counting: [RunEvent] = []
    for event in events {
      if let step = event.resumedStep {
        counting.removeAll { $0.resumedStep == nil && $0.place > step }
      }
      counting.append(event)
    }
    let timeline = RunTimeline(events)
    #expect(
      timeline.steps
        == counting.compactMap { if case .step(let step) = $0 { .init(step) } else { nil } })
    #expect(
      timeline.epochs
        == counting.compactMap { if case .epoch(let epoch) = $0 { epoch } else { nil } })
    #expect(
      timeline.checkpoints
        == counting.compactMap { if case .checkpoint(let saved) = $0 { saved } else { nil } })
    let skipped = counting.compactMap { event -> Int? in
      if case .step(let step) = event, step.isSkipped { step.step } else { nil }
    }
    #expect(timeline.skippedSteps == skipped)
    var small = RunTimeline(keepsSteps: false)
    for event in events { small.apply(event) }
    #expect(small.steps.isEmpty && small.skippedSteps == timeline.skippedSteps)
    #expect(small.epochs == timeline.epochs && small.best == timeline.best)
  }
}

extension RunEvent {
  /// The step that it belongs to.
  fileprivate var place: Int {
    switch self {
    case .step(let fields): fields.step
    case .epoch(let fields): fields.step ?? 0
    case .checkpoint(let fields): fields.step
    default: 0
    }
  }
}
