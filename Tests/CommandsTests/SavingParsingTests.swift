import Checkpoints
import Commands
import DistTrain
import Foundation
import Models
import Platform
import Recipes
import TestSupport
import Testing

/// Options about saving and stopping, and when each is due.
@Suite struct SavingParsingTests {
  @Test(arguments: [
    ("90s", 90.0), ("10m", 600), ("10min", 600), ("2h", 7200), ("1.5h", 5400), ("1d", 86_400),
    ("23:30:00", 84_600), ("0:00:01", 1), ("1-00:00:30", 86_430), ("3600sec", 3600), ("90", 90),
    ("0.5", 0.5), ("0", 0),
    ("1h30m", 5400), ("1d2h3m4s", 93_784), ("1:30:00", 5400), ("0s", 0), ("1m0.5s", 60.5),
  ])
  func durationsAreSeconds(text: String, seconds: Double) {
    #expect(TimeSpan.seconds(text) == seconds)
  }

  @Test(arguments: [
    "", "m", "-5m", "-5", "1e3s", "5 m", "ten minutes", "1:2", "1:60:00", "1:00:60", "::",
    "1-2-3:00:00", "infs", "nanm", "inf", "nan", "٣m", "30m1h", "1m1m", "1h30", "1.5.5s", "1hm",
  ])
  func othersAreNone(text: String) { #expect(TimeSpan.seconds(text) == nil) }

  @Test func intervalsAreStepsOrTimes() {
    #expect(CheckpointInterval("500") == .steps(500))
    #expect(CheckpointInterval("500steps") == .steps(500))
    #expect(CheckpointInterval("10m") == .seconds(600))
    #expect(CheckpointInterval("10min") == .seconds(600))
    #expect(CheckpointInterval("1h30m") == .seconds(5400))
    #expect(CheckpointInterval("1:30:00") == .seconds(5400))
    for text in ["", "0", "0steps", "-3", "steps", "1.5", "0s", "0:00:00", "10 m", "x"] {
      #expect(CheckpointInterval(text) == nil, "\(text)")
    }
  }

  @Test func signalsGoByName() {
    #expect(StopSignals("TERM,USR1")?.names == ["TERM", "USR1"])
    #expect(StopSignals("SIGUSR2,sigterm,TERM")?.names == ["USR2", "TERM"])
    #expect(StopSignals("none") == StopSignals.none)
    for text in ["", "INT", "KILL", "TERM,", "TERM USR1", "15"] {
      #expect(StopSignals(text) == nil, "\(text)")
    }
  }

  @Test func faultsAreStrict() throws {
    let fault = try FaultInjection(parsing: "kill-in-checkpoint@step=20,rank=1")
    #expect(fault.kind == .killInCheckpoint && fault.step == 20 && fault.rank == 1)
    #expect(fault.strikes(.killInCheckpoint, step: 20, rank: 1))
    #expect(!fault.strikes(.killInCheckpoint, step: 21, rank: 1))
    #expect(!fault.strikes(.killInCheckpoint, step: 20, rank: 0))
    #expect(!fault.strikes(.damageCheckpoint, step: 20, rank: 1))
    #expect("\(fault)" == "kill-in-checkpoint@step=20,rank=1")
    #expect(try FaultInjection(parsing: "damage-checkpoint@step=3").rank == 0)
    #expect(try FaultInjection(environment: [:]) == nil)
    for kind in [FaultInjection.Kind.noLocks, .noSymbolicLinks, .noLinks] {
      let standing = try FaultInjection(parsing: kind.rawValue)
      #expect(standing.kind == kind && "\(standing)" == kind.rawValue)
    }
    for (text, error) in [
      ("kill", FaultInjectionError.malformed(text: "kill")),
      ("kill@step=1", .unknownName(name: "kill")),
      ("kill-in-checkpoint@stop=1", .unknownKey(key: "stop")),
      ("kill-in-checkpoint@step=x", .badValue(key: "step", value: "x")),
      ("kill-in-checkpoint@step=-1", .badValue(key: "step", value: "-1")),
      ("kill-in-checkpoint@rank=1", .missingKey(key: "step")),
      ("kill-in-checkpoint@step", .malformed(text: "kill-in-checkpoint@step")),
      ("kill-in-checkpoint", .malformed(text: "kill-in-checkpoint")),
      ("no-locks@step=1", .malformed(text: "no-locks@step=1")),
    ] {
      #expect(throws: error) { try FaultInjection(environment: ["DISTTRAIN_FAULT": text]) }
      #expect(error.description.contains("DISTTRAIN_FAULT"))
    }
  }

  /// A fault of a discriminator that is not there would strike nothing.
  @Test func faultsOfADiscriminatorNeedOne() throws {
    let model = try ModelConfiguration(parsing: Array(tinyModel.utf8), file: "tiny")
    let without = TrainingConfiguration(model: model)
    var with = without
    with.recipe.discriminator = DiscriminatorRecipe(weight: 1)
    for kind in FaultInjection.Kind.allCases {
      let name = kind.rawValue
      guard let fault = try? FaultInjection(parsing: "\(name)@step=3,rank=1") else { continue }
      try fault.check(with)
      if name.contains("discriminator") || name.contains("label") {
        #expect(throws: FaultInjectionError.noDiscriminator(fault: fault)) {
          try fault.check(without)
        }
      } else {
        try fault.check(without)
      }
    }
  }

  /// A clock to be set by hand.
  private final class Hand: @unchecked Sendable {
    // Sendable because a test uses it on one thread.
    var time = 1000.0
  }

  @Test func savesAreDueByStepsOrByTime() {
    let hand = Hand()
    var byTime = RunClock(interval: .seconds(60), end: nil, margin: nil, now: { hand.time })
    #expect(!byTime.isSaveDue && !byTime.isTimeUp)
    hand.time += 60
    #expect(byTime.isSaveDue)
    byTime.saved(seconds: 1)
    #expect(!byTime.isSaveDue)
    let bySteps = RunClock(interval: .steps(5), end: nil, margin: nil, now: { hand.time })
    hand.time += 1e6
    #expect(!bySteps.isSaveDue)
    #expect((1...11).filter { CheckpointInterval.steps(5).isDue(afterStep: $0) } == [5, 10])
  }

  @Test func theMarginGrowsWithStepsAndCheckpoints() {
    let hand = Hand()
    var clock = RunClock(interval: .standard, end: 2000, margin: nil, now: { hand.time })
    #expect(clock.margin == 60 && !clock.isTimeUp)
    clock.stepBegins()
    hand.time += 30
    // The step under way counts as it is.
    #expect(clock.margin == 90)
    clock.stepEnded()
    clock.saved(seconds: 10)
    #expect(clock.margin == 120)
    clock.validated(seconds: 300)
    hand.time = 1579
    #expect(clock.hasTimeForValidation)
    hand.time = 1580
    #expect(!clock.hasTimeForValidation && !clock.isTimeUp)
    hand.time = 1880
    #expect(clock.isTimeUp)
    let given = RunClock(interval: .standard, end: 2000, margin: 5, now: { hand.time })
    #expect(given.margin == 5 && !given.isTimeUp)
  }

  @Test func theJobEndsAtTheEarliest() throws {
    let now = ProcessInfo.processInfo.systemUptime
    #expect(JobEnd.find(wallTime: nil, startedAt: now, environment: [:]) == nil)
    let wall = JobEnd.find(wallTime: 90, startedAt: now, environment: [:])
    #expect(wall == JobEnd(uptime: now + 90, origin: "--wall-time 0:01:30"))
    let date = Int(Date().timeIntervalSince1970) + 50
    let slurm = try #require(
      JobEnd.find(
        wallTime: 90, startedAt: now, environment: ["SLURM_JOB_END_TIME": "\(date)"]))
    #expect(slurm.origin == "SLURM's end of the job")
    #expect(abs(slurm.uptime - now - 50) < 5)
    let squeue = JobEnd.date(squeue: "2026-11-25T05:06:07\n")
    let parts = try Calendar.current.dateComponents(
      [.year, .hour, .second], from: #require(squeue))
    #expect(parts.year == 2026 && parts.hour == 5 && parts.second == 7)
    #expect(JobEnd.date(squeue: "N/A\n") == nil && JobEnd.date(squeue: "") == nil)
  }
}
