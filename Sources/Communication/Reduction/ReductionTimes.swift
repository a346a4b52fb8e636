import Platform
import Synchronization

/// When a reduction began to move and was complete, as noted by whoever moves it.
///
/// Read it after `finishReductions`.
public final class ReductionTimes: Sendable {
  /// 0 until it is known; the clock is never 0 on a host that runs.
  private let began = Atomic<Int64>(0)
  private let ended = Atomic<Int64>(0)

  /// Times of a reduction that has not begun.
  package init() {}

  /// It begins.
  package func begin() { began.store(TraceClock.now, ordering: .releasing) }

  /// It is complete.
  package func complete() { ended.store(TraceClock.now, ordering: .releasing) }

  /// Begin and end in nanoseconds of `TraceClock`; nil unless it is complete.
  package var span: (start: Int64, end: Int64)? {
    let end = ended.load(ordering: .acquiring)
    let start = began.load(ordering: .acquiring)
    return start > 0 && end > 0 ? (start, end) : nil
  }
}
