import Foundation
import Platform
import Testing

struct StopwatchTests {
  @Test func secondsGrowWithTheWallClock() {
    let stopwatch = Stopwatch()
    let first = stopwatch.seconds
    usleep(20_000)
    let second = stopwatch.seconds
    #expect(first >= 0)
    #expect(second - first >= 0.02)
    // In seconds, not in milliseconds or nanoseconds, even on a machine that is busy.
    #expect(second - first < 10)
  }

  @Test func lapsLeaveNothingOut() {
    let longer = Stopwatch()
    var stopwatch = Stopwatch()
    let shorter = Stopwatch()
    var sum = 0.0
    for _ in 0..<5 {
      usleep(2_000)
      let lap = stopwatch.lap()
      #expect(lap >= 0.002)
      sum += lap
    }
    let least = shorter.seconds
    sum += stopwatch.seconds
    // Started after, and read before: what a lap left out would be missing here.
    #expect(sum >= least - 1e-9)
    #expect(sum <= longer.seconds + 1e-9)
  }

  @Test func secondsTakenAreThoseOfTheBody() throws {
    #expect(secondsTaken { usleep(5_000) } >= 0.005)
    #expect(throws: CancellationError.self) { try secondsTaken { throw CancellationError() } }
  }
}
