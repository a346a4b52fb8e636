import Checkpoints
import DistTrain
import Foundation
import Models
import ProgramTestSupport
import Tensor
import TestSupport
import Testing

/// `disttrain bench step`: that its figures are about what they say, not how large they are.
@Suite(.serialized) struct BenchStepTests {
  private func expectConsistent(_ part: StepResult.Part, peakGflops: Double) {
    #expect(part.seconds > 0 && part.calls > 0, "\(part)")
    guard let boundSeconds = part.boundSeconds, let fraction = part.fractionOfBound else {
      #expect(part.boundBy == nil && part.gflops == nil, "\(part)")
      return
    }
    #expect(boundSeconds > 0 && fraction > 0, "\(part)")
    switch part.boundBy {
    case "products": #expect(isClose(fraction, (part.gflops ?? 0) / peakGflops), "\(part)")
    case "arithmetic":
      #expect(
        isClose(fraction, (part.gigaoperationsPerSecond ?? 0) / (peakGflops / 2)), "\(part)")
    case "memory": #expect((part.gigabytesPerSecond ?? 0) > 0, "\(part)")
    case let other: Issue.record("bound by \(other ?? "nothing"): \(part)")
    }
  }

  @Test func memoryForTheExchangeHoldsUtterancesSideBySide() throws {
    try withTemporaryFolder { folder in
      for (flags, text) in [
        ([], "1 utterance)"), (["--overlap-memory", "1000"], "2 utterances)"),
        (["--overlap-memory", "1000", "--no-overlap"], "after backward)"),
      ] {
        let (_, outcome) = try bench(tinyStep + flags, as: StepResult.self, in: folder)
        #expect(outcome.output.contains(text), "\(flags): \(outcome)")
      }
    }
  }

  @Test func figuresAgreeWithEachOther() throws {
    try withTemporaryFolder { folder in
      let (step, outcome) = try bench(
        tinyStep + ["--label", "some commit"], as: StepResult.self, in: folder)
      #expect(step.kind == "step" && step.label == "some commit" && step.preset == "tiny")
      #expect(step.batch == 2 && step.seconds == 0.25 && step.steps == 3)
      #expect(step.threads == 1 && step.ranks == 1 && !step.recompute)
      #expect(step.machine.cores > 0 && !step.machine.processor.isEmpty)
      #expect(["AVX2", "AVX-512"].contains(step.machine.instructionSet))
      try step.expectConsistent()
      for part in step.parts { expectConsistent(part, peakGflops: step.fmaPeakGflops) }

      let names = Set(step.parts.map { "\($0.part) \($0.pass)" })
      for name in [
        "band split forward", "scan + gate backward", "in_proj backward", "decoder fc2 forward",
        "conv1d + SiLU recompute", "Adam backward", "all-reduce backward", "loss forward",
      ] {
        #expect(names.contains(name), "\(names)")
      }
      for text in [
        "some commit", "tiny: batch 2 x 0.25 s a rank, 1 rank, 1 thread\n", "median of 3\n",
        "FMA peak", "By part, mean of 3 further steps:\n", "The parts add up to ",
      ] {
        #expect(outcome.output.contains(text), "\(outcome)")
      }
    }
  }

  // The second figure is what the design counted for a second of audio, 125 frames.
  @Test(arguments: [
    ("abl1", 12.7), ("abl2", 22.6), ("abl3", 21.3),
    ("bsrnn", 35.8), ("unimamba", 6.6),
  ])
  func usefulProductsAreThoseOfTheModel(preset: String, gflopPerSecond: Double) throws {
    try withTemporaryFolder { folder in
      let (step, _) = try bench(
        [
          "step", "--preset", preset, "--batch", "1", "--seconds", "0.2", "--steps", "1",
          "--warmup-steps", "0",
        ], as: StepResult.self, in: folder)
      let frames = 3200 / 128 + 1
      let expected = try StepResult.gflop(of: try Preset.load(preset), frames: frames)
      #expect(isClose(step.usefulGemmGflop, expected), "\(step.usefulGemmGflop), \(expected)")
      let perSecond = step.usefulGemmGflop / Double(frames) * 125
      #expect(abs(perSecond - gflopPerSecond) <= 0.051, "\(perSecond)")
    }
  }

  @Test func productsDoneAgainAreNotUseful() throws {
    try withTemporaryFolder { folder in
      let (step, _) = try bench(tinyStep, as: StepResult.self, in: folder)
      let (again, outcome) = try bench(tinyStep + ["--recompute"], as: StepResult.self, in: folder)
      #expect(again.recompute && outcome.output.contains("activations recomputed"), "\(outcome)")
      #expect(isClose(again.usefulGemmGflop, step.usefulGemmGflop))
      func doneAgain(_ result: StepResult) -> Bool {
        result.parts.contains { $0.pass == "recompute" && ($0.gflops ?? 0) > 0 }
      }
      #expect(doneAgain(again) && !doneAgain(step))
      try again.expectConsistent()
    }
  }

  @Test func aDiscriminatorIsMeasuredInTurnsWithStepsWithout() throws {
    try withTemporaryFolder { folder in
      let (_, outcome) = try bench(
        tinyStep + ["--adversarial", "--seconds", "2"], as: StepResult.self, in: folder)
      for text in ["× the step without, 4 passes a step\n", "waiting for labels "] {
        #expect(outcome.output.contains(text), "\(outcome)")
      }
      let (_, short) = try bench(tinyStep, as: StepResult.self, in: folder)
      #expect(!short.output.contains("discriminator"), "\(short)")
    }
  }

  @Test func partsAreToldApartOnOneThread() throws {
    try withTemporaryFolder { folder in
      let (step, outcome) = try bench(
        tinyStep + ["--threads", "2"], as: StepResult.self, in: folder)
      #expect(step.threads == 2)
      try step.expectConsistent(threads: 2)
      #expect(
        outcome.output.contains("By part, on one thread (parts cannot be told apart on 2)"),
        "\(outcome)")
      #expect(outcome.output.contains("of 2 cores' FMA peak"), "\(outcome)")
    }
  }
}
