import Foundation
import Platform
import ProgramTestSupport
import Tensor
import Testing
import TestSupport

/// Properties of every command: help, wrong arguments, settings of the environment.
@Suite struct ProgramTests {
  @Test(arguments: [
    (
      [],
      [
        "check", "describe", "prepare", "train", "launch", "evaluate", "enhance", "score", "replay",
        "bench",
      ]
    ),
    (["check"], ["--preset", "Six tests", "exit status"]),
    (["describe"], ["--preset", "abl1, abl2, abl3, bsrnn"]),
    (["prepare"], ["voicebank", "pack", "verify", "minicorpus"]),
    (["prepare", "voicebank"], ["--input", "--output", "--format", "--threads", "--on-bad-file"]),
    (["prepare", "verify"], ["--data", "status 1"]),
    (["prepare", "pack"], ["--input", "--data", "--output", "--on-bad-file", "safetensors"]),
    (["bench"], ["loading"]),
    (["bench", "loading"], ["--data", "--seconds", "--count", "--step-seconds", "--json"]),
    (["prepare", "minicorpus"], ["--output", "--full", "--seed"]),
    (
      ["train"],
      ["--preset", "--data", "--stage", "--skip-limit", "--rollback-factor", "--rollbacks"]
    ),
    (
      ["launch"],
      ["--ranks", "--hostfile", "--max-restarts", "--restart-delay", "--mpirun-arg", "-- train"]
    ),
    (["replay"], ["--utterance", "nonfinite", "exit status is 0 if", "and 2 if"]),
    (
      ["evaluate"],
      ["--weights", "--preset", "--data", "--stage", "--split", "--csv", "exit status"]
    ),
    (["enhance"], ["--weights", "--preset", "--format", "pcm16, float"]),
    (["score"], ["--reference", "--degraded", "--csv", "exit status is 0 if"]),
  ])
  func helpNamesEverything(command: [String], words: [String]) throws {
    for arguments in [command + ["--help"], ["help"] + command] {
      let outcome = try disttrain(arguments)
      #expect(outcome.status == 0 && outcome.errors == "", "\(outcome)")
      let text = outcome.output.split(whereSeparator: \.isWhitespace).joined(separator: " ")
      for word in words { #expect(text.contains(word), "no \(word): \(outcome)") }
    }
  }

  @Test func versionIsPrinted() throws {
    let outcome = try disttrain(["--version"])
    #expect(outcome.status == 0 && outcome.output == "\(Program.nameAndVersion)\n", "\(outcome)")
  }

  @Test(arguments: [
    (["chek"], "chek"),
    (["describe"], "give a file of weights or --preset, one of both"),
    (["describe", "--preset", "abl1", "--seed", "1"], "Unknown option '--seed'"),
    (["train", "--preset", "abl1", "--data", "d", "--epochs", "0"], "--epochs must be at least 1"),
    // launch looks at the words of train when it runs.
    (
      ["launch", "--ranks", "2", "--", "train", "--preset", "abl1"],
      "Missing expected argument '--data <folder or file>'"
    ),
    (
      [
        "launch", "--ranks", "2", "--", "train", "--preset", "abl1", "--data", "d", "--epochs", "0",
      ],
      "--epochs must be at least 1, not 0"
    ),
  ])
  func wrongArgumentsAreTheParsersToTell(arguments: [String], text: String) throws {
    let outcome = try disttrain(arguments)
    #expect(outcome.status == 64, "\(outcome)")
    #expect(outcome.errors.contains(text), "\(outcome)")
    #expect(outcome.errors.contains("Usage: disttrain") && outcome.output == "", "\(outcome)")
  }

  @Test(arguments: [
    ("DISTTRAIN_KERNELS", "sse", "allowed are avx2 and avx512"),
    ("DISTTRAIN_GEMM", "mkl", "the only allowed value is openblas"),
  ])
  func impossibleSettingsAreOneSentence(variable: String, value: String, text: String) throws {
    for arguments in [["describe", "--preset", "abl1"], ["check"]] {
      let outcome = try disttrain(arguments, environment: [variable: value])
      expectError(outcome, "\(variable) is \"\(value)\"", text)
      #expect(outcome.output == "", "\(outcome)")
    }
  }

  @Test func heldBackOpenBLASIsToldOfOnlyWhereItComputes() throws {
    // Without AVX-512 there is nothing to hold back.
    let isHeldBack = availableKernels.count > 1
    let environment = ["OPENBLAS_CORETYPE": "Haswell", "DISTTRAIN_GEMM": "openblas"]
    try withTemporaryFolder { folder in
      let arguments = [
        "enhance", "--weights", EnhanceFixture.weights, "--preset", EnhanceFixture.preset,
        EnhanceFixture.input, folder.file("out.wav"),
      ]
      let asked = try disttrain(arguments, environment: environment)
      #expect(asked.status == 0, "\(asked)")
      #expect(
        asked.errors.split(separator: "\n").count == (isHeldBack ? 1 : 0), "\(asked)")
      #expect(
        asked.errors.hasPrefix("disttrain: warning: OPENBLAS_CORETYPE=Haswell") == isHeldBack,
        "\(asked)")
      let own = try disttrain(
        arguments, environment: ["OPENBLAS_CORETYPE": "Haswell", "DISTTRAIN_GEMM": ""])
      #expect(own.status == 0 && own.errors == "", "\(own)")
      let describe = try disttrain(["describe", "--preset", "abl1"], environment: environment)
      #expect(describe.status == 0 && describe.errors == "", "\(describe)")
    }
  }

  @Test func descriptionsCountParameters() throws {
    for (heading, total) in [
      ("abl1: Ablation ", "4,108,816"), ("abl2: Ablation ", "4,575,760"),
      ("abl3: Ablation ", "2,877,704"),
      ("bsrnn: BSRNN\n", "2,417,800"),
      ("unimamba: Unidirectional Mamba\n", "2,106,512"),
    ] {
      let preset = String(heading.prefix { $0 != ":" })
      let outcome = try disttrain(["describe", "--preset", preset])
      #expect(outcome.status == 0, "\(outcome)")
      #expect(outcome.output.hasPrefix(heading), "\(outcome)")
      let totals = outcome.output.split(separator: "\n").filter { $0.hasPrefix("total ") }
      #expect(totals.count == 1 && totals.first?.contains(total) == true, "\(outcome)")
      #expect(outcome.output.contains("(band_split): BandSplit("), "\(outcome)")
    }
    let own = try disttrain(["describe", "--preset", EnhanceFixture.preset])
    #expect(own.status == 0 && own.output.hasPrefix("tiny: Tiny\n"), "\(own)")
  }

  @Test func unknownPresetIsNamed() throws {
    expectError(
      try disttrain(["describe", "--preset", "abl9"]), "no preset \"abl9\"", "abl1, abl2, abl3")
    expectError(
      try disttrain(["describe", "--preset", "/nowhere/x.json"]), "/nowhere/x.json",
      "there is no such file")
  }

  @Test func foreignFolderIsNotPrepared() throws {
    try withTemporaryFolder { folder in
      try Data().write(to: folder.appending(path: "thesis.tex"))
      expectError(
        try disttrain(["prepare", "minicorpus", "--output", folder.path(percentEncoded: false)]),
        ": the folder is not empty and holds no mini corpus")
      #expect(try folder.names(in: "") == ["thesis.tex"])
    }
  }
}
