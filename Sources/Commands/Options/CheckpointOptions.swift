import ArgumentParser
import DistTrain
import Foundation
import Platform

/// The options of `train` about saving and stopping.
struct CheckpointOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Save within epochs too, every so many steps (500) or minutes (10m, 2h).",
      valueName: "steps or time"))
  var checkpointEvery = "10m"

  @Option(help: "Number of checkpoints to keep; older ones are removed.")
  var keep = 2

  @Option(
    help: ArgumentHelp(
      "Signals at which the run saves and ends with status 75, or none.", valueName: "names"))
  var stopSignals = "TERM,USR1"

  @Option(
    help: ArgumentHelp(
      "Save and end with status 75 before this time is over: 23:30:00, 90m. The end of a SLURM job "
        + "is respected without this option.", valueName: "time"))
  var wallTime: String?

  @Option(
    help: ArgumentHelp(
      "Time kept for that save. Default: 3 steps and 3 checkpoints, at least 60s.",
      valueName: "time"))
  var wallMargin: String?

  func validate() throws {
    try Flags.require(
      CheckpointInterval(checkpointEvery) != nil,
      "--checkpoint-every takes steps (500) or a time (90s, 10m, 1h30m), not \(checkpointEvery)")
    try Flags.require("--keep", keep, atLeast: 1)
    try Flags.require(
      StopSignals(stopSignals) != nil,
      "--stop-signals takes names of \(StopSignals.allNames.joined(separator: ", ")) with commas "
        + "between them, or none, not \(stopSignals)")
    try Flags.requireTime("--wall-time", wallTime)
    try Flags.requireTime("--wall-margin", wallMargin)
  }

  /// The request that the options make. `start` is the uptime when the program began.
  func request(startedAt start: Double) -> SavingRequest {
    var request = SavingRequest()
    request.interval = CheckpointInterval(checkpointEvery) ?? request.interval
    request.keep = keep
    request.stopSignals = StopSignals(stopSignals) ?? request.stopSignals
    request.wallTime = wallTime.flatMap(TimeSpan.seconds)
    request.wallMargin = wallMargin.flatMap(TimeSpan.seconds)
    request.startedAt = start
    return request
  }
}
