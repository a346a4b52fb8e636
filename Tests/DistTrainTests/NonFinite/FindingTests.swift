import Checkpoints
import DistTrain
import Files
import Foundation
import Report
import RunTestSupport
import Testing

/// After a skipped step the log, the event and the dump name the rank, the utterance, the layer
/// and the tensor where it began.
@Suite(.serialized) struct FindingTests {
  /// Takes two steps, the second of them spoiled by `hooks` on rank 1, and checks what all
  /// findings have in common. Returns the event and the dump.
  private func secondStep(
    _ run: NonFiniteRun, _ hooks: @escaping @Sendable () -> StepHooks
  ) throws -> (event: JSONValue, dump: NonFiniteDump) {
    let outcomes = try run.train(stepLimit: 2) { rank in rank == 1 ? hooks() : StepHooks() }
    for outcome in outcomes {
      #expect(outcome.error == nil && outcome.adamSteps == 1)
      #expect(outcome.progress.step == 2 && outcome.progress.skippedSteps == 1)
      // Losses of the first step alone count.
      #expect(outcome.progress.lossCount == 4 && outcome.progress.lossSum.isFinite)
    }
    let events = try run.events("nonfinite")
    #expect(events.count == 1)
    let event = try #require(events.first)
    #expect(event["step"] == .integer(2) && event["rank"] == .integer(1))
    let name = "step-00000002-rank1.safetensors"
    #expect(try run.folder.names(in: "run/nonfinite") == [name])
    let path = run.folder.file("run/nonfinite/\(name)")
    #expect(event["dump"] == .string(path))
    let log = try run.log()
    let line = try #require(
      log.firstIndex { $0.hasPrefix("warning: step 2 skipped on all ranks: ") })
    #expect(
      log[line].hasPrefix(
        "warning: step 2 skipped on all ranks: loss or gradient is not finite (1 so far); its "
          + "utterances: "))
    #expect(log[line + 1].hasSuffix("; dump: \(path); see it again with: disttrain replay \(path)"))
    return (event, try NonFiniteDump(contentsOf: URL(fileURLWithPath: path)))
  }

  private func expect(
    _ event: JSONValue, stage: String, layer: String, tensor: String, weights: Bool = true,
    input: Bool = true, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let expected: [String: JSONValue] = [
      "stage": .string(stage), "layer": .string(layer), "tensor": .string(tensor),
      "transient": .bool(false), "weights_finite": .bool(weights), "input_finite": .bool(input),
    ]
    for (key, value) in expected {
      #expect(event[key] == value, "\(key) in \(event)", sourceLocation: sourceLocation)
    }
  }

  @Test(arguments: [
    ("band_split", "band_split.fcs.3.weight"), ("layers.1.cross", "layers.1.cross.bwd.A_log"),
    ("decoder", "decoder.fc2.0.bias"),
  ])
  func poisonedWeight(layer: String, parameter: String) throws {
    try NonFiniteRun.with { run in
      let (event, dump) = try secondStep(run) {
        NumericalFault.poisonWeight(step: 2, rank: 1, name: parameter).hooks(rank: 1)
      }
      expect(event, stage: "weights", layer: layer, tensor: parameter, weights: false)
      #expect(event["nan"] == .integer(1) && event["infinite"] == .integer(0))
      let mine = run.names(step: 2, rank: 1)
      #expect(event["utterances"] == .array(mine.map { .string($0) }))
      #expect(dump.utterances.map(\.name) == mine)
      try dump.expectSameAgain()
      let line = try #require(try run.log().first { $0.hasPrefix("first non-finite: ") })
      #expect(
        line.hasPrefix(
          "first non-finite: rank 1, utterance \(mine[0]), weights of \(layer) (\(parameter)), 1 "
            + "NaN of "))
      #expect(line.contains(", weights not finite, input finite, and 1 more of its utterances; "))
    }
  }

  @Test func overflowInForward() throws {
    try NonFiniteRun.with { run in
      let (event, dump) = try secondStep(run) {
        StepHooks(beforeStep: { step, arena in
          if step == 2 {
            change(arena, "layers.1.intra.fwd.in_proj.weight") { _ in 1e30 }
          }
        })
      }
      expect(event, stage: "forward", layer: "layers.1.intra", tensor: "output")
      try dump.expectSameAgain()
      // Its growth can be seen: all before it is moderate.
      let text = try DumpReplay(dump).text
      #expect(text.contains("layers.1.intra") && text.contains("1e+30"), "\(text)")
      let before = try DumpReplay(dump).inspections[0].observations.filter {
        $0.stage == .forward && ["band_split", "layers.0.cross"].contains($0.layer)
      }
      #expect(Set(before.map(\.layer)).count == 2)
      #expect(before.allSatisfy { $0.statistics.isFinite && $0.statistics.largest < 1e3 })
    }
  }

  @Test func overflowInTheDecoder() throws {
    try NonFiniteRun.with { run in
      let (event, dump) = try secondStep(run) {
        StepHooks(beforeStep: { step, arena in
          // The mask is near the largest float: a bin above 1 goes beyond.
          if step == 2 { change(arena, "decoder.fc2.1.bias") { _ in 3e38 } }
        })
      }
      expect(event, stage: "forward", layer: "decoder", tensor: "output")
      try dump.expectSameAgain()
    }
  }

  @Test func overflowInBackwardOnly() throws {
    try NonFiniteRun.with { run in
      // The large scale of the norm is taken back by the next layer's small weights, so forward is
      // moderate; but the gradient of these weights has the scale, and that of the last layer.
      let (event, dump) = try secondStep(run) {
        StepHooks(beforeStep: { step, arena in
          guard step == 2 else { return }
          change(arena, "decoder.norms.2.weight") { $0 * 1e30 }
          change(arena, "decoder.fc1.2.weight") { $0 * 1e-30 }
          change(arena, "decoder.fc2.2.weight") { $0 * 1e15 }
        })
      }
      expect(
        event, stage: "backward", layer: "decoder", tensor: "gradient of decoder.fc1.2.weight")
      try dump.expectSameAgain()
      let forward = try DumpReplay(dump).inspections[0].observations
        .filter { $0.stage != .backward }
      #expect(forward.allSatisfy { $0.statistics.isFinite })
    }
  }

  @Test(arguments: [("noisy", Float.nan), ("noisy", .infinity), ("clean", .nan)])
  func poisonedRecording(side: String, value: Float) throws {
    try NonFiniteRun.with { run in
      let victim = run.names(step: 2, rank: 1)[1]
      try spoil(run.folder.file("corpus/train/\(side)/\(victim).wav"), with: value)
      let (event, dump) = try secondStep(run) { StepHooks() }
      expect(
        event, stage: "input", layer: "input", tensor: "\(side) samples", input: false)
      #expect(event["utterance"] == .string(victim))
      #expect(event["utterances"] == .array([.string(victim)]))
      #expect(event[value.isNaN ? "nan" : "infinite"] == .integer(8))
      // The other utterance was sound.
      #expect(dump.utterances.map(\.name) == [victim])
      try dump.expectSameAgain()
    }
  }

  @Test func transientGradient() throws {
    try NonFiniteRun.with { run in
      let (event, dump) = try secondStep(run) {
        NumericalFault.poisonGradient(step: 2, rank: 1).hooks(rank: 1)
      }
      #expect(event["transient"] == .bool(true) && event["stage"] == .null, "\(event)")
      let last = "decoder.fc2.22.bias"
      #expect(event["own_gradient"] == .string(last) && event["mean_gradient"] == .string(last))
      #expect(event["own_loss_finite"] == .bool(true))
      let line = try #require(try run.log().first { $0.hasPrefix("transient: ") })
      #expect(
        line.hasPrefix(
          "transient: computed again, all is finite; at the time the mean gradient of \(last) and "
            + "rank 1's own gradient sum of \(last) was not finite; dump: "))
      #expect(dump.utterances.map(\.name) == run.names(step: 2, rank: 1))
      #expect(try DumpReplay(dump).verdict == .transient)
    }
  }

  @Test func everyRankHasItsOwnBadInput() throws {
    try NonFiniteRun.with { run in
      for rank in 0..<2 {
        let name = run.names(step: 1, rank: rank)[0]
        try spoil(run.folder.file("corpus/train/noisy/\(name).wav"), with: .nan)
      }
      let outcomes = try run.train(stepLimit: 1)
      #expect(outcomes.allSatisfy { $0.error == nil && $0.progress.skippedSteps == 1 })
      let events = try run.events("nonfinite")
      #expect(events.map { $0["rank"] } == [.integer(0), .integer(1)])
      #expect(try run.folder.names(in: "run/nonfinite").count == 2)
      #expect(try run.log().contains { $0.hasPrefix("also first non-finite: rank 1, utterance ") })
    }
  }

  @Test func whatAllRanksFindIsToldOnce() throws {
    try NonFiniteRun.with { run in
      let outcomes = try run.train(stepLimit: 1) { _ in
        StepHooks(beforeStep: { _, arena in
          change(arena, "layers.1.intra.fwd.in_proj.weight") { _ in 1e30 }
        })
      }
      #expect(outcomes.allSatisfy { $0.error == nil && $0.progress.skippedSteps == 1 })
      let path = run.folder.file("run/nonfinite/step-00000001-rank0.safetensors")
      #expect(try run.folder.names(in: "run/nonfinite").count == 1)
      #expect(try run.events("nonfinite").map { $0["dump"] } == [.string(path), .string(path)])
      let lines = try run.log().filter { $0.contains("first non-finite: ") }
      #expect(lines.count == 1)
      #expect(lines[0].contains(", the same on 1 more rank; dump: \(path); "), "\(lines)")
    }
  }

  @Test func unreadableFilesDoNotStopTheSearch() throws {
    try NonFiniteRun.with { run in
      // The file goes after it was read ahead: there is nothing to compute again.
      let victim = run.names(step: 2, rank: 1)[1]
      let path = run.folder.file("corpus/train/noisy/\(victim).wav")
      let outcomes = try run.train(stepLimit: 2) { rank in
        var hooks = NumericalFault.poisonGradient(step: 2, rank: 1).hooks(rank: rank)
        if rank == 1 {
          hooks.beforeStep = { step, _ in
            guard step == 2 else { return }
            Thread.sleep(forTimeInterval: 0.3)
            try? FileManager.default.removeItem(atPath: path)
          }
        }
        return hooks
      }
      #expect(outcomes.allSatisfy { $0.error == nil && $0.progress.skippedSteps == 1 })
      let log = try run.log()
      #expect(
        log.contains {
          $0.hasPrefix("warning: rank 1 could not compute its part again: ") && $0.contains(path)
        }, "\(log)")
    }
  }
}
