import Checkpoints
import Corpora
import DistTrain
import Files
import Foundation
import Models
import Platform
import ProgramTestSupport
import Recipes
import RunTestSupport
import Tensor
import TestSupport
import Testing

/// The files of skipped steps.
@Suite(.serialized) struct NonFiniteDumpTests {
  private let noisy = (0..<8000).map { 0.1 * Float(sin(Double($0) * 0.05)) }
  private let clean = (0..<8000).map { 0.1 * Float(sin(Double($0) * 0.03)) }

  private func configuration() throws -> TrainingConfiguration {
    TrainingConfiguration(
      model: try ModelConfiguration(
        parsing: Array(tinyModel.utf8), file: "tiny"))
  }

  /// The bytes of a dump of a model with a NaN that has a payload, and of three utterances.
  private func dump() throws -> (bytes: [UInt8], model: SpeechEnhancer) {
    let configuration = try configuration()
    let model = SpeechEnhancer(configuration: configuration.model, seed: 4)
    model.parameters.parameters[3].value[1] = Float(bitPattern: 0x7fc1_2345)
    var bad = noisy
    bad[17] = -.infinity
    let utterances = [
      NonFiniteDump.Utterance(name: "a, \"b\"/c ä", noisy: noisy, clean: clean),
      .init(name: "second", noisy: bad, clean: noisy),
      .init(name: "third", noisy: clean, clean: bad),
    ]
    let inspector = UtteranceInspector(model)
    var report = NonFiniteReport(
      rank: 3,
      evidence: NonFiniteEvidence(
        isOwnLossFinite: false, ownGradient: "decoder.fc2.13.bias", meanGradient: nil),
      utterances: utterances.map(\.name))
    report.findings = try utterances.compactMap {
      try inspector.inspect($0.name, noisy: $0.noisy, clean: $0.clean).finding
    }
    #expect(report.findings.map(\.observation.stage) == [.weights, .input, .input])
    let header = NonFiniteDump.Header(
      kernels: kernels.instructionSet, step: 12, epoch: 2, learningRate: 0.25, worldSize: 4,
      report: report, configuration: configuration)
    return (try NonFiniteDump.serialized(header, model, utterances), model)
  }

  @Test func everyBitComesBack() throws {
    try withTemporaryFolder { folder in
      let (bytes, model) = try dump()
      let url = folder.appending(path: "d.safetensors")
      try AtomicFile.write(bytes, to: url)
      let read = try NonFiniteDump(contentsOf: url)
      #expect(read.header.step == 12 && read.header.epoch == 2 && read.header.learningRate == 0.25)
      #expect(read.header.report.rank == 3 && read.header.worldSize == 4)
      let configuration = try configuration()
      #expect(read.header.configuration == configuration)
      #expect(read.utterances.map(\.name) == ["a, \"b\"/c ä", "second", "third"])
      #expect(read.utterances[1].noisy[17] == -.infinity && read.utterances[0].noisy == noisy)
      let again = try read.model()
      func bits(_ model: SpeechEnhancer) -> [UInt32] {
        model.parameters.values.buffer.map(\.bitPattern)
      }
      #expect(bits(again) == bits(model))
      let replay = try DumpReplay(read)
      #expect(replay.verdict == .same)
      #expect(replay.inspections.compactMap(\.finding) == read.header.report.findings)
      #expect(try DumpReplay(read, utterance: "third").inspections.map(\.name) == ["third"])
      #expect(
        throws: NonFiniteDumpError.noUtterance(
          path: read.path, name: "fourth", names: ["a, \"b\"/c ä", "second", "third"])
      ) { try DumpReplay(read, utterance: "fourth") }
    }
  }

  @Test func changedWeightsAreAnotherFinding() throws {
    try withTemporaryFolder { folder in
      let configuration = try configuration()
      let model = SpeechEnhancer(configuration: configuration.model, seed: 4)
      var report = NonFiniteReport(
        rank: 0,
        evidence: NonFiniteEvidence(isOwnLossFinite: true, ownGradient: nil, meanGradient: nil),
        utterances: ["a"])
      report.findings = [
        NonFiniteFinding(
          utterance: "a",
          observation: .init(
            stage: .forward, layer: "decoder", tensor: "output",
            statistics: TensorStatistics([.nan])), isInputFinite: true, areWeightsFinite: true)
      ]
      let header = NonFiniteDump.Header(
        kernels: "AVX2", step: 1, epoch: 1, learningRate: 1, worldSize: 1, report: report,
        configuration: configuration)
      let path = folder.file("d.safetensors")
      try AtomicFile.write(
        NonFiniteDump.serialized(header, model, [.init(name: "a", noisy: noisy, clean: clean)]),
        to: URL(fileURLWithPath: path))
      let replay = try DumpReplay(NonFiniteDump(contentsOf: URL(fileURLWithPath: path)))
      #expect(replay.verdict == .other)
      let outcome = try disttrain(["replay", path])
      #expect(outcome.status == ExitStatus.notReproduced.rawValue && outcome.errors == "")
      #expect(outcome.output.contains("recorded was: forward of decoder (output), 1 NaN of 1"))
      #expect(outcome.output.contains("first non-finite: nothing, all is finite"))
      #expect(outcome.output.contains("what was recorded did not come again"))
    }
  }

  @Test func truncatedFilesAreNamed() throws {
    try withTemporaryFolder { folder in
      let (bytes, _) = try dump()
      let path = folder.file("d.safetensors")
      for part in 0..<8 {
        try Data(bytes.prefix(bytes.count * part / 8)).write(to: URL(fileURLWithPath: path))
        let error = #expect(throws: NonFiniteDumpError.self) {
          try NonFiniteDump(contentsOf: URL(fileURLWithPath: path))
        }
        #expect(error?.description.contains(path) == true)
      }
      expectError(try disttrain(["replay", path]), path, "truncated", "nonfinite")
    }
  }

  @Test func flippedBitsAreFound() throws {
    try withTemporaryFolder { folder in
      let (bytes, _) = try dump()
      let url = folder.appending(path: "d.safetensors")
      // In the header, in the weights, in the samples.
      let header = try #require(
        String(decoding: bytes.prefix(20_000), as: UTF8.self).range(of: "learningRate"))
      let text = String(decoding: bytes.prefix(20_000), as: UTF8.self)
      let inHeader = text.utf8.distance(from: text.startIndex, to: header.upperBound) + 4
      for place in [inHeader, bytes.count / 2, bytes.count - 5000] {
        var spoiled = bytes
        spoiled[place] ^= 1
        try Data(spoiled).write(to: url)
        let error = #expect(throws: NonFiniteDumpError.self) {
          try NonFiniteDump(contentsOf: url)
        }
        #expect(error?.description.contains("checksum") == true, "\(String(describing: error))")
      }
    }
  }

  @Test func foreignFilesAreRefused() throws {
    try withTemporaryFolder { folder in
      expectError(
        try disttrain(["replay", EnhanceFixture.weights]), "no dump of a skipped step",
        "weights.safetensors")
      expectError(try disttrain(["replay", folder.file("none")]), "there is no such file", "none")
      expectError(try disttrain(["replay", EnhanceFixture.input]), "input.wav")
    }
  }

  @Test func aRunKeepsTheOldestUpToTheLimit() throws {
    try NonFiniteRun.with(train: 24, epochs: 1) { run in
      // Steps 1, 3 and 5: each the first of its streak.
      let outcomes = try run.train(NonFinitePolicy(dumpLimit: 2)) { rank in
        StepHooks(sums: { step, sums in
          if rank == 0 && step % 2 == 1 { sums.buffer[0] = .infinity }
        })
      }
      #expect(outcomes.allSatisfy { $0.error == nil && $0.progress.skippedSteps == 3 })
      #expect(
        try run.folder.names(in: "run/nonfinite")
          == ["step-00000001-rank0.safetensors", "step-00000003-rank0.safetensors"])
      let lines = try run.log().filter { $0.hasPrefix("transient: ") }
      #expect(lines.count == 3)
      #expect(lines.last?.hasSuffix("; no dump: the run folder has 2 already") == true)
    }
  }

  @Test func aStreakOfOneFindingIsDumpedOnce() throws {
    try NonFiniteRun.with(train: 16, epochs: 1) { run in
      let policy = NonFinitePolicy(skipLimit: 3, rollbackLimit: 0)
      _ = try run.train(policy) { NumericalFault.poisonWeight(step: 2, rank: 0).hooks(rank: $0) }
      #expect(
        try run.folder.names(in: "run/nonfinite") == ["step-00000002-rank0.safetensors"])
      let first = run.folder.file("run/nonfinite/step-00000002-rank0.safetensors")
      let lines = try run.log().filter { $0.hasPrefix("first non-finite: ") }
      #expect(lines.count == 3)
      #expect(lines.dropFirst().allSatisfy { $0.hasSuffix("; the same is in the dump \(first)") })
    }
  }

  @Test func aFolderThatCannotBeMadeIsAWarning() throws {
    try NonFiniteRun.with(train: 16, epochs: 1) { run in
      try run.runFolder.prepare()
      try Data("in the way".utf8).write(to: run.dumpFolder)
      let outcomes = try run.train {
        NumericalFault.poisonGradient(step: 2, rank: 1).hooks(rank: $0)
      }
      #expect(outcomes.allSatisfy { $0.error == nil && $0.isDone })
      let log = try run.log()
      #expect(log.contains { $0.hasPrefix("warning: no dump of step 2: ") }, "\(log)")
    }
  }

  @Test func aFullDiskIsAWarning() throws {
    try NonFiniteRun.with(train: 16, epochs: 1) { run in
      // Every write to this file fails as on a full disk. The name is that of the writer's
      // temporary file.
      try run.dumpFolder.deletingLastPathComponent().makeFolder("nonfinite")
      let temporary = TemporaryName.path(
        for: run.dumpFolder.file("step-00000002-rank1.safetensors"))
      try FileManager.default.createSymbolicLink(
        atPath: temporary, withDestinationPath: "/dev/full")
      let outcomes = try run.train {
        NumericalFault.poisonGradient(step: 2, rank: 1).hooks(rank: $0)
      }
      #expect(outcomes.allSatisfy { $0.error == nil && $0.isDone })
      let log = try run.log()
      #expect(
        log.contains {
          $0.hasPrefix("warning: no dump of step 2: ") && $0.contains("no space left")
        },
        "\(log)")
      #expect(try run.folder.names(in: "run/nonfinite").isEmpty)
    }
  }
}
