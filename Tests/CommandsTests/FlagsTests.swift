import ArgumentParser
import Commands
import Testing

/// One text for one mistake, whichever command has the flag.
@Suite struct FlagsTests {
  private func message(_ arguments: [String]) -> String {
    do {
      _ = try DistTrainCommand.parseAsRoot(arguments)
      return "accepted"
    } catch {
      return DistTrainCommand.message(for: error)
    }
  }

  private static let bench: [[String]] = [
    ["bench", "step", "--preset", "abl1"], ["bench", "scaling", "--preset", "abl1"],
    ["plan", "--preset", "abl1", "--utterances", "9", "--ranks-per-node", "1"],
    ["train", "--preset", "abl1", "--data", "d"],
  ]

  @Test(arguments: [
    "--epochs", "--batch", "--accumulate", "--warmup", "--steps-per-epoch", "--stop-after",
    "--keep", "--validation-count", "--skip-limit", "--rollbacks", "--nonfinite-dumps",
    "--trace-after",
  ])
  func hugeCountsAreRefusedAndNotMultiplied(flag: String) {
    let train = ["train", "--preset", "abl1", "--data", "d"]
    let largest = ["--batch", "--accumulate"].contains(flag) ? "1,000,000" : "1,000,000,000"
    for value in ["9223372036854775807", "1000000001"] {
      #expect(
        message(train + ["\(flag)=\(value)"]) == "\(flag) must be at most \(largest), not \(value)")
    }
    #expect(message(train + ["\(flag)=1000000"]) == "accepted")
  }

  @Test(arguments: ["--timeout", "--long-timeout", "--wall-time", "--wall-margin"])
  func hugeTimesAreRefused(flag: String) {
    let text = message(
      ["train", "--preset", "abl1", "--data", "d", "\(flag)=99999999999999999999s"])
    #expect(text.hasPrefix("\(flag) takes a time"), "\(text)")
  }

  @Test(arguments: bench) func commandsAgree(command: [String]) {
    #expect(message(command) == "accepted")
    #expect(message(command + ["--threads", "0"]) == "--threads must be between 1 and 1024, not 0")
    #expect(
      message(command + ["--threads", "1025"]) == "--threads must be between 1 and 1024, not 1025")
    for value in ["0.09", "601.0", "nan", "-1.0"] {
      #expect(
        message(command + ["--seconds=\(value)"])
          == "--seconds must be between 0.1 and 600, not \(value)")
    }
    #expect(message(command + ["--seconds=0.1", "--threads=1024"]) == "accepted")
    #expect(
      message(command + ["--bucket-mb=0"]) == "--bucket-mb must be between 0.001 and 1000, not 0.0")
    #expect(
      message(command + ["--overlap-memory=1e10"])
        == "--overlap-memory must be between 0 and 1e9, not 10000000000.0")
  }

  @Test(arguments: [
    (
      ["bench", "enhance", "--preset", "abl1", "--repeats=0"], "--repeats must be at least 1, not 0"
    ),
    (["bench", "pesq", "--repeats=-1"], "--repeats must be at least 1, not -1"),
    (
      ["bench", "loading", "--data", "d", "--step-seconds=inf"],
      "--step-seconds must be positive, not inf"
    ),
    (["bench", "simulate", "--jitter=-0.5"], "--jitter must not be negative, not -0.5"),
    (["bench", "simulate", "--at-once=0"], "--at-once must be at least 1, not 0"),
    (
      ["launch", "--ranks=1", "--restart-delay=86401", "--", "train"],
      "--restart-delay must be between 0 and 86400 seconds, not 86401.0"
    ),
    (
      ["watch", "run", "--interval=0.05"],
      "--interval must be between 0.1 and 3600 seconds, not 0.05"
    ),
    (["report", "run", "--examples=6"], "--examples must be between 1 and 5, not 6"),
    (
      ["train", "--preset", "abl1", "--data", "d", "--wall-time=soon"],
      "--wall-time takes a time such as 90s, 10m, 1h30m or 1:30:00, not soon"
    ),
    (
      ["train", "--preset", "abl1", "--data", "d", "--stage", ""],
      "--stage is empty; is the variable that it names set?"
    ),
  ]) func mistakesAreNamed(arguments: [String], text: String) {
    #expect(message(arguments) == text)
  }
}
