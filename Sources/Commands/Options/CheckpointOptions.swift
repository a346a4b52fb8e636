import ArgumentParser
import DistTrain
import Foundation
import Platform

/// The options of `train` about saving and stopping.
struct CheckpointOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Save within passes too, every so many steps (500) or minutes (10m, 2h).",
      valueName: "steps or time"))
  var checkpointEvery = "10m"

  @Option(help: "Checkpoints that stay, the newest ones.")
  var keep = 2

  @Option(
    help: ArgumentHelp(
      "Signals at which the run saves and ends with status 75, or none.", valueName: "names"))
  var stopSignals = "TERM,USR1"

  @Option(
    help: ArgumentHelp(
      "Save and end with status 75 before this time is over: 23:30:00, 90m. SLURM's own end counts "
        + "without it.", valueName: "time"))
  var wallTime: String?

  @Option(
    help: ArgumentHelp(
      "How long before the end. Default: 3 steps and 3 checkpoints, at least 60s.",
      valueName: "time"))
  var wallMargin: String?

  func validate() throws {
    func require(_ condition: Bool, _ text: String) throws {
      if !condition { throw ValidationError(text) }
    }
    try require(
      CheckpointInterval(checkpointEvery) != nil,
      "--checkpoint-every takes steps (500) or a time (10m, 2h), not \(checkpointEvery)")
    try require(keep > 0, "--keep must be at least 1, not \(keep)")
    try require(
      StopSignals(stopSignals) != nil,
      "--stop-signals takes names of \(StopSignals.allNames.joined(separator: ", ")) with commas "
        + "between them, or none, not \(stopSignals)")
    for (flag, text) in [("--wall-time", wallTime), ("--wall-margin", wallMargin)] {
      try require(
        text == nil || text.flatMap(TimeSpan.seconds) != nil,
        "\(flag) takes a time such as 23:30:00, 90m or 3600s, not \(text ?? "")")
    }
  }

  /// What they ask for. `start` is the uptime when the program began.
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
