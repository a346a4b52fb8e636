import Audio
import Checkpoints
import DistTrain
import Files
import Foundation
import Models
import Recipes
import Tensor
import TestSupport
import Testing

/// Runs and files of earlier versions, which the present program resumes and reads.
/// `Tests/Fixtures/history/README.md` says how they were made.
@Suite(.serialized) struct HistoryTests {
  /// Limits of the deviation from a version's numbers.
  func limits(_ version: PastVersion) -> PastComparison.Limits {
    version.hasSameBits ? .equal : .rounding
  }

  @Test func thePastIsComplete() throws {
    let shared = ["README.md", "corpus", "presets"]
    #expect(
      try PastRun.history.names(in: "").filter { !shared.contains($0) }.sorted()
        == PastVersion.all.map(\.name).sorted())
    // Without a fixture of a kind of model, no test would read its older files.
    var kinds: Set<String> = []
    for run in PastVersion.newest.resumableRuns {
      let json = try Data(
        contentsOf: run.version.folder.appending(path: "runs/\(run.name)/configuration.json"))
      let configuration = try JSONDecoder().decode(TrainingConfiguration.self, from: json)
      kinds.insert(type(of: configuration.model.trunk).kind)
    }
    #expect(kinds == Set(TrunkKinds.all.map { $0.kind }))
    let names = Set(PastVersion.newest.resumableRuns.map(\.name))
    #expect(names.isSuperset(of: ["abl1", "abl2", "abl3", "bsrnn", "unimamba", "beside", "back"]))
    #expect(
      Set(PastVersion.all[0].resumableRuns.map(\.name)) == ["abl1", "abl2", "abl3"])
    #expect(Set(PastVersion.newest.enhancedRuns.map(\.name)).count == 5)
  }

  @Test(arguments: PastRun.resumable)
  func aRunGoesOnToTheSameBits(run: PastRun) throws {
    // All kernels have the same bits (InstructionSetAgreementTests), so that one run of each trunk
    // with all of them is enough.
    let takesAll =
      run.version == .newest && ["abl3", "bsrnn", "unimamba"].contains(run.name)
    for kernel in takesAll ? availableKernels : [kernels] {
      let name = kernel.instructionSet.lowercased().filter { $0 != "-" }
      try PastBench.use([run]) { bench in
        let outcome = try bench.run(run.command(), environment: ["DISTTRAIN_KERNELS": name])
        #expect(outcome.status == 0, "\(outcome)")
        try expectLater(run, in: bench)
      }
    }
  }

  /// A run that is resumed on another number of ranks, or validated otherwise, is the same run.
  @Test(arguments: PastVersion.all)
  func aRunGoesOnOnOtherRanks(version: PastVersion) throws {
    let two = PastRun(version: version, name: "abl3")
    try PastBench.use([two]) { bench in
      var command = try two.command()
      #expect(command.ranks == 2)
      command.ranks = 1
      try command.set("--batch", "2")
      let outcome = try bench.run(command)
      #expect(outcome.status == 0, "\(outcome)")
      try expectLater(two, in: bench, besides: ["training_configuration"])
    }
    guard version == .newest else { return }
    let beside = PastRun(version: version, name: "beside")
    try PastBench.use([beside]) { bench in
      var command = try beside.command()
      command.arguments.removeAll { $0 == "--validate-async" }
      let outcome = try bench.run(command)
      #expect(outcome.status == 0, "\(outcome)")
      try expectLater(beside, in: bench, inOrder: false)
    }
  }

  /// Expects that a run on the bench is now as its version continued it.
  private func expectLater(
    _ run: PastRun, in bench: PastBench, besides keys: Set<String> = [], inOrder: Bool = true
  ) throws {
    let limits = limits(run.version)
    let made = bench.folder.appending(path: "runs/\(run.name)", directoryHint: .isDirectory)
    let checkpoint = made.appending(path: "last.safetensors")
    let differences = try PastComparison.checkpoints(
      run.later.appending(path: "last.safetensors"), checkpoint, limits
    ).filter { difference in !keys.contains { difference.hasPrefix("metadata: \($0)") } }
    #expect(differences == [], "\(run.testDescription): last.safetensors")
    #expect(
      try PastComparison.tables(
        run.later.appending(path: "history.csv"), made.appending(path: "history.csv"),
        limits.figures) == [], "\(run.testDescription): history.csv")
    if inOrder {
      #expect(
        try PastComparison.progress(
          run.later.appending(path: "metrics.jsonl"), made.appending(path: "metrics.jsonl"),
          limits.figures) == [], "\(run.testDescription): metrics.jsonl")
    }
    // Runs of versions with other bits: the newest version's bits are known.
    let continued = PastVersion.newest.folder
      .appending(path: "continued/\(run.version.name)/\(run.name).json")
    if let data = try? Data(contentsOf: continued) {
      let metadata = try SafetensorsFile(contentsOf: checkpoint).metadata
      let sums = try JSONDecoder().decode([String: String].self, from: data)
      #expect(sums.count >= 3)
      #expect(metadata.filter { sums.keys.contains($0.key) } == sums, "\(run.testDescription)")
    } else {
      #expect(run.version == .newest, "\(continued.path) is missing")
    }
  }

  @Test(arguments: PastRun.enhanced)
  func weightsEnhanceToTheSameSamples(run: PastRun) throws {
    try PastBench.use([run]) { bench in
      let weights = "runs/\(run.name)/best.safetensors"
      let enhanced = try bench.run([
        "enhance", "--weights", weights, "--format", "float", "corpus/train/noisy/u5.wav",
        "out.wav",
      ])
      #expect(enhanced.status == 0, "\(enhanced)")
      let samples = try WaveFile.read(path: bench.folder.file("out.wav"), sampleRate: 16_000)
      let known = try WaveFile.read(
        path: run.version.folder.file("enhanced/\(run.name).wav"), sampleRate: 16_000)
      #expect(known.samples.count == 4000)
      if run.version.hasSameBits {
        #expect(samples.samples == known.samples)
      } else {
        expectClose(samples.samples, known.samples, 5e-6, run.testDescription)
      }
      let evaluated = try bench.run([
        "evaluate", "--weights", weights, "--data", "corpus", "--split", "test", "--csv", "out.csv",
      ])
      #expect(evaluated.status == 0, "\(evaluated)")
      let folder = run.version.folder.appending(path: "evaluated", directoryHint: .isDirectory)
      let enhancedScores = try PastComparison.tables(
        folder.appending(path: "\(run.name).csv"), bench.folder.appending(path: "out.csv"),
        limits(run.version).figures)
      if run.version.name == "0.1.0" {
        // Its columns of both sides in one table are no more, as CHANGELOG says.
        #expect(
          enhancedScores == [
            "loss: missing", "noisy_pesq_wb: missing", "noisy_si_sdr: missing",
          ])
      } else {
        #expect(enhancedScores == [])
        #expect(
          try PastComparison.tables(
            folder.appending(path: "\(run.name)-noisy.csv"),
            bench.folder.appending(path: "out-noisy.csv"), limits(run.version).figures) == [])
      }
    }
  }
}
