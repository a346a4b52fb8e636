import ArgumentParser
import Commands
import Testing

/// Expects that the program's parser refuses these words with status 64, and says exactly `text`.
private func expectRefused(
  _ arguments: [String], _ text: String, sourceLocation: SourceLocation = #_sourceLocation
) {
  do {
    _ = try DistTrainCommand.parseAsRoot(arguments)
    Issue.record("\(arguments) was accepted", sourceLocation: sourceLocation)
  } catch {
    let code = DistTrainCommand.exitCode(for: error)
    #expect(code.rawValue == 64, "\(arguments)", sourceLocation: sourceLocation)
    #expect(
      DistTrainCommand.message(for: error) == text, "\(arguments)", sourceLocation: sourceLocation)
  }
}

/// Messages of the parser for words that make no sense, to the letter. `ProgramTests` of
/// `SystemTests` starts the program for some of them, since all take the same way to stderr.
@Suite struct ArgumentTests {
  @Test(arguments: [
    ("--batch=0", "--batch must be at least 1, not 0"),
    ("--accumulate=0", "--accumulate must be at least 1, not 0"),
    ("--epochs=0", "--epochs must be at least 1, not 0"),
    ("--epochs=-1", "--epochs must be at least 1, not -1"),
    ("--lr=0", "--lr must be positive, not 0.0"),
    ("--lr=nan", "--lr must be positive, not nan"),
    ("--lr=inf", "--lr must be positive, not inf"),
    ("--ema=1.5", "--ema must be at least 0 and below 1, not 1.5"),
    ("--ema=-0.1", "--ema must be at least 0 and below 1, not -0.1"),
    ("--skip-limit=0", "--skip-limit must be at least 1, not 0"),
    ("--rollback-factor=1.5", "--rollback-factor must be above 0 and at most 1, not 1.5"),
    ("--rollback-factor=0", "--rollback-factor must be above 0 and at most 1, not 0.0"),
    ("--rollbacks=-1", "--rollbacks must be at least 0, not -1"),
    ("--nonfinite-dumps=-1", "--nonfinite-dumps must be at least 0, not -1"),
    ("--seconds=0.001", "--seconds must be between 0.1 and 600, not 0.001"),
    ("--seconds=601", "--seconds must be between 0.1 and 600, not 601.0"),
    ("--threads=0", "--threads must be between 1 and 1024, not 0"),
    ("--threads=1025", "--threads must be between 1 and 1024, not 1025"),
    ("--warmup=-1", "--warmup must be at least 0, not -1"),
    ("--clip=0", "--clip must be positive, not 0.0"),
    ("--steps-per-epoch=0", "--steps-per-epoch must be at least 1, not 0"),
    ("--stop-after=0", "--stop-after must be at least 1, not 0"),
    ("--validation-count=0", "--validation-count must be at least 1, not 0"),
    (
      "--checkpoint-every=0",
      "--checkpoint-every takes steps (500) or a time (90s, 10m, 1h30m), not 0"
    ),
    ("--keep=0", "--keep must be at least 1, not 0"),
    (
      "--stop-signals=INT",
      "--stop-signals takes names of TERM, USR1, USR2, HUP, XCPU with commas between them, or "
        + "none, not INT"
    ),
    ("--wall-time=0", "--wall-time takes a time such as 90s, 10m, 1h30m or 1:30:00, not 0"),
    (
      "--wall-margin=soon",
      "--wall-margin takes a time such as 90s, 10m, 1h30m or 1:30:00, not soon"
    ),
    (
      "--timeout=0.5s",
      "--timeout takes a time of at least 1s, such as 90s, 10m, 1h30m or 1:30:00, not 0.5s"
    ),
    (
      "--long-timeout=ever",
      "--long-timeout takes a time of at least 1s, such as 90s, 10m, 1h30m or 1:30:00, not ever"
    ),
    ("--bucket-mb=0", "--bucket-mb must be between 0.001 and 1000, not 0.0"),
    ("--overlap-memory=-1", "--overlap-memory must be between 0 and 1e9, not -1.0"),
    ("--trace-steps=0", "--trace-steps must be between 1 and 1000, not 0"),
    ("--trace-after=-1", "--trace-after must be at least 0, not -1"),
    (
      "--schedule=linear",
      "The value 'linear' is invalid for '--schedule <schedule>'. Please provide one of 'step', "
        + "'exponential', 'cosine', 'constant' or 'plateau'."
    ),
    (
      "--wire=fp8",
      "The value 'fp8' is invalid for '--wire <wire>'. Please provide one of 'float64', 'float32' "
        + "or 'bf16'."
    ),
    (
      "--on-bad-file=keep",
      "The value 'keep' is invalid for '--on-bad-file <on-bad-file>'. Please provide one of 'stop' "
        + "and 'skip'."
    ),
    ("--batch=six", "The value 'six' is invalid for '--batch <batch>'"),
    ("--seed=-1", "The value '-1' is invalid for '--seed <seed>'"),
    ("--trace=", "Missing value for '--trace <file>'"),
    ("--stage=", "Missing value for '--stage <folder>'"),
  ])
  func ofTrain(word: String, text: String) {
    expectRefused(["train", "--preset", "abl1", "--data", "d", word], text)
  }

  @Test(arguments: [
    (["train", "--preset", "abl1"], "Missing expected argument '--data <folder or file>'"),
    (
      ["train", "--preset", "abl1", "--data", "d", "--stage", ""],
      "--stage is empty; is the variable that it names set?"
    ),
    (["launch", "--ranks", "0", "--", "train"], "--ranks must be at least 1, not 0"),
    (
      ["launch", "--ranks", "2", "--", "evaluate"],
      "launch starts train and nothing else: put train after --, not evaluate"
    ),
    (
      ["launch", "--ranks", "2", "train", "--preset", "abl1", "--data", "d"],
      "Missing expected argument '-- <train> ...'"
    ),
  ])
  func ofTrainingAndItsLaunch(arguments: [String], text: String) {
    expectRefused(arguments, text)
  }

  @Test(arguments: [
    (["--segment", "9.9"], "--segment must be between 10 and 3600 seconds, not 9.9"),
    (["--segment", "0"], "--segment must be between 10 and 3600 seconds, not 0.0"),
    (["--segment=-60"], "--segment must be between 10 and 3600 seconds, not -60.0"),
    (["--segment", "-60"], "Missing value for '--segment <seconds>'"),
    (["--segment", "nan"], "--segment must be between 10 and 3600 seconds, not nan"),
    (["--segment", "1e300"], "--segment must be between 10 and 3600 seconds, not 1e+300"),
    (
      ["--segment", "long"],
      "The value 'long' is invalid for '--segment <seconds>': it takes a time such as 90s, 10m, "
        + "1h30m or 1:30:00"
    ),
    (["--whole", "--segment", "60"], "--whole has no segments; omit --segment"),
    (
      ["--format", "mp3"],
      "The value 'mp3' is invalid for '--format <format>'. Please provide one of 'pcm16' and "
        + "'float'."
    ),
  ])
  func ofEnhance(options: [String], text: String) {
    expectRefused(["enhance", "--weights", "w"] + options + ["in.wav", "out.wav"], text)
  }

  @Test(arguments: [
    (["enhance", "--weights", "w", "a"], "Missing expected argument '<out>'"),
    (
      ["evaluate", "--weights", "w", "--data", "d", "--split", "dev"],
      "The value 'dev' is invalid for '--split <split>'. Please provide one of 'train', 'valid' or "
        + "'test'."
    ),
    (["score"], "Missing expected argument '--reference <path>'"),
    (
      ["prepare", "voicebank", "--input", "i", "--output", "o", "--threads", "0"],
      "--threads must be between 1 and 1024, not 0"
    ),
    (
      ["prepare", "voicebank", "--input", "i", "--output", "o", "--format", "mp3"],
      "The value 'mp3' is invalid for '--format <format>'. Please provide one of 'wav' and 'flac'."
    ),
    (["watch"], "Missing expected argument '<run> ...'"),
    (
      ["watch", "a", "--interval", "0"],
      "--interval must be between 0.1 and 3600 seconds, not 0.0"
    ),
    (["report", "a", "--examples", "9"], "--examples must be between 1 and 5, not 9"),
    (
      ["report", "a", "--clip-seconds", "0"], "--clip-seconds must be between 0.5 and 60, not 0.0"
    ),
  ])
  func ofOtherCommands(arguments: [String], text: String) { expectRefused(arguments, text) }

  @Test(arguments: [
    (["step", "--preset", "abl1", "--batch", "0"], "--batch must be at least 1, not 0"),
    (["step", "--preset", "abl1", "--steps", "0"], "--steps must be at least 1, not 0"),
    (
      ["step", "--preset", "abl1", "--threads", "0"], "--threads must be between 1 and 1024, not 0"
    ),
    (
      ["step", "--preset", "abl1", "--seconds", "0.01"],
      "--seconds must be between 0.1 and 600, not 0.01"
    ),
    (
      ["step", "--preset", "abl1", "--warmup-steps=-1"],
      "--warmup-steps must be at least 0, not -1"
    ),
    (["step"], "Missing expected argument '--preset <name or file>'"),
    (["kernels", "--seconds", "0"], "--seconds must be between 0.1 and 60, not 0.0"),
    (["enhance", "--preset", "abl1", "--repeats", "0"], "--repeats must be at least 1, not 0"),
    (["pesq", "--seconds", "0.5"], "--seconds must be between 1 and 600, not 0.5"),
    (
      ["scaling", "--ranks", "1,2"],
      "--preset is missing: name a model to measure, or files with --from"
    ),
    (
      ["scaling", "--preset", "abl3", "--ranks", "0"],
      "The value '0' is invalid for '--ranks <ranks>'"
    ),
    (["loading", "--data", "corpus", "--count", "0"], "--count must be at least 1, not 0"),
  ])
  func ofBenchmarks(arguments: [String], text: String) {
    expectRefused(["bench"] + arguments, text)
  }

  @Test(arguments: [
    (
      [],
      "name the training data: give --data CORPUS, or --utterances if the corpus is elsewhere"
    ),
    (
      ["--data", "a", "--utterances", "3"],
      "name the training data: give --data CORPUS, or --utterances if the corpus is elsewhere"
    ),
    (["--utterances", "0"], "--utterances must be between 1 and 1e9, not 0"),
    (
      ["--utterances", "3", "--wall-time", "soon"],
      "--wall-time takes a time such as 90s, 10m, 1h30m or 1:30:00, not soon"
    ),
    (
      ["--utterances", "3", "--memory-per-node=-1"],
      "--memory-per-node must be above 0 and at most 1e6 (it is in GB), not -1.0"
    ),
    (["--utterances", "3", "--nodes", "0"], "--nodes must be between 1 and 65536, not 0"),
    (
      ["--utterances", "3", "--calibration", "a.json", "--save-calibration", "b.json"],
      "--save-calibration keeps what is measured, and with --calibration nothing is; leave one out"
    ),
  ])
  func ofPlan(arguments: [String], text: String) {
    expectRefused(["plan", "--preset", "abl3", "--ranks-per-node", "2"] + arguments, text)
  }
}
