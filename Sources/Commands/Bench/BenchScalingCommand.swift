import ArgumentParser
import Benchmarks
import Communication
import Corpora
import Forecast
import Foundation
import Launching
import Platform

/// `disttrain bench scaling`: the same step on more and more ranks.
struct BenchScalingCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "scaling",
    abstract: "Measure training steps on several numbers of ranks: efficiency and where time goes.",
    discussion: """
      Starts mpirun for each number of ranks, with the trainer's own step as disttrain bench step \
      measures it. Weak scaling keeps the batch of a rank, strong scaling that of all ranks \
      together. Where mpirun cannot be used, measure each with bench step --json (under srun, say) \
      and give the files to --from.
      """)

  @Option(help: "Numbers of ranks: a list, or A..B for powers of two.")
  var ranks = RankCounts([1, 2])
  @Flag(
    exclusivity: .exclusive,
    help: "Keep the batch of each rank (weak) or the global batch (strong).") var mode = Mode.weak
  @Option(help: .preset) var preset: String?
  @Option(help: "Utterances per rank and step; with --strong of all ranks.") var batch = 6
  @OptionGroup var timed: TimedStepOptions
  @Option(help: ArgumentHelp("Hosts, for mpirun.", valueName: "file")) var hostfile: String?
  @Option(
    parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      "A further argument of mpirun, one word; may be given several times.", valueName: "argument"))
  var mpirunArg: [String] = []
  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "Results of bench step --json to take instead of measuring.", valueName: "file"))
  var from: [String] = []
  @OptionGroup var series: TrainingSeriesOptions
  @OptionGroup var output: ScalingOutput
  @OptionGroup var exchange: ExchangeOptions

  /// Which batch stays the same.
  enum Mode: String, EnumerableFlag {
    case weak, strong
  }

  func validate() throws {
    try Flags.require(
      !from.isEmpty || preset != nil,
      "--preset is missing: name a model to measure, or files with --from")
    try Flags.require("--batch", batch, atLeast: 1, atMost: Flags.largestBatch)
  }

  func run() throws {
    try output.makeFolder()
    let results = from.isEmpty ? try measure() : try read()
    let figures = try ScalingFigures(results, series: series.series)
    try output.end("scaling", figures, csv: figures.csv, figures.picture)
  }

  private func read() throws -> [(path: String, record: StepRecord)] {
    try from.map { (path: $0, record: try StepRecord.read($0)) }
  }

  private func measure() throws -> [(path: String, record: StepRecord)] {
    if try LaunchEnvironment(ProcessInfo.processInfo.environment) != nil {
      throw ScalingError.underLauncher
    }
    guard let preset else { return [] }
    _ = try BenchOutput.model(preset, cropSeconds: timed.seconds)
    if mode == .strong {
      for count in ranks.counts where batch % count != 0 {
        throw ScalingError.notDivisible(globalBatch: batch, ranks: count)
      }
    }
    if let hostfile { _ = try Hostfile(path: hostfile) }
    let isKept = output.output != nil
    let folder =
      output.output.map { URL(fileURLWithPath: $0) }
      ?? FileManager.default.temporaryDirectory.appending(path: "disttrain-\(UUID().uuidString)")
    try OutputFolder.make(folder.path(percentEncoded: false))
    defer { if !isKept { try? FileManager.default.removeItem(at: folder) } }
    let launcher = RankLauncher(
      hostfile: hostfile, arguments: mpirunArg, threads: timed.threads,
      cores: ProcessInfo.processInfo.processorCount)
    return try ranks.counts.map { count in
      let path = folder.appending(path: "step-\(count)-ranks.json").path(percentEncoded: false)
      Console.error("disttrain: measuring \(NumberText.count(count, "rank"))")
      try launcher.run(ranks: count, command(preset, ranks: count, json: path))
      return (path: path, record: try StepRecord.read(path))
    }
  }

  private func command(_ preset: String, ranks: Int, json: String) -> [String] {
    let own = mode == .strong ? batch / ranks : batch
    var words = ["bench", "step", "--preset", preset, "--batch", "\(own)", "--json", json]
    words += timed.words
    let settings = exchange.settings
    words += ["--wire", settings.wire.rawValue, "--bucket-mb", "\(exchange.bucketMb)"]
    if !settings.overlaps { words.append("--no-overlap") }
    if let memory = exchange.overlapMemory { words += ["--overlap-memory", "\(memory)"] }
    if let label = output.label { words += ["--label", label] }
    return words
  }
}
