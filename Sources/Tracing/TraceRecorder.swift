import Communication
import Platform

/// Notes what one rank's main thread does and when, and hands out what notes the times of
/// reductions.
///
/// Used by the main thread alone. Code that can be traced takes a `TraceRecorder?`, and reads no
/// clock without one.
public final class TraceRecorder {
  /// The run's step under way, or the last one; from 1.
  package var step = 0
  private var mainEvents: [TraceEvent] = []
  private var reductions: [(event: TraceEvent, times: ReductionTimes)] = []

  /// Recorder without events, before the run's first step.
  package init() {}

  /// Recorder of the begin and end of a reduction that is about to be started: of bucket `bucket`,
  /// from 1, or of the count of utterances.
  package func reduction(bucket: Int?, bytes: Int) -> ReductionTimes {
    let times = ReductionTimes()
    let now = TraceClock.now
    var event = TraceEvent(
      bucket == nil ? .itemCount : .bucket, step: step, start: now, end: now,
      arguments: ["bytes": bytes])
    event.arguments["bucket"] = bucket
    reductions.append((event, times))
    return times
  }

  /// Everything that is complete.
  package var events: [TraceEvent] {
    mainEvents
      + reductions.compactMap { event, times in
        guard let span = times.span else { return nil }
        var event = event
        // How long it was ready before anybody moved it.
        event.arguments["queued_us"] = Int((span.start - event.start) / 1000)
        event.start = span.start
        event.end = span.end
        return event
      }
  }

  fileprivate func add(_ part: TracePart, since start: Int64, _ utterances: ClosedRange<Int>?) {
    var event = TraceEvent(part, step: step, start: start, end: TraceClock.now)
    event.arguments["utterance"] = utterances?.lowerBound
    if let utterances, utterances.count > 1 {
      event.arguments["last_utterance"] = utterances.upperBound
    }
    mainEvents.append(event)
  }
}

extension TraceRecorder? {
  /// Runs `body`, and notes when it began and ended if there is a recorder. `utterances`: those of
  /// the step that it is about, from 1.
  @inline(__always)
  package func measure<Result, Failure: Error>(
    _ part: TracePart, utterances: ClosedRange<Int>? = nil,
    _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    guard let recorder = self else { return try body() }
    let start = TraceClock.now
    defer { recorder.add(part, since: start, utterances) }
    return try body()
  }
}
