import ArgumentParser
import Benchmarks
import Checkpoints
import Communication
import Corpora
import DistTrain
import Forecast
import Foundation
import Recipes

/// `disttrain bench simulate`: what more ranks than anybody has would do.
struct BenchSimulateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "simulate",
    abstract: "Forecast steps and epochs on up to thousands of ranks from a step measured on one.",
    discussion: """
      From a calibration (bench step --json; without one a few steps are measured here) and a \
      network (a name, or a file of bench allreduce --json) it computes when each bucket of \
      gradients is ready in backward, when it has travelled, what of that backward does not hide, \
      and how far the slowest of n ranks is behind the mean; then epochs with validation and \
      checkpoints. With --measured it says how far it is off steps that were measured. A forecast, \
      not a measurement: check it at the sizes you have before you believe it at others.
      """)

  @Option(help: "Numbers of ranks: a list, or A..B for powers of two.")
  var ranks = RankCounts([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024])
  @Option(help: "1gbe, 10gbe, 25gbe, edr, hdr, shared (all ranks on one host), or a file.")
  var network = "10gbe"
  @Option(help: ArgumentHelp("A file of bench allreduce inside a host.", valueName: "file"))
  var sharedMemory: String?
  @Option(help: ArgumentHelp("A file of bench step.", valueName: "file")) var calibration: String?
  @Option(help: "Model that is measured if there is no --calibration.") var preset = "abl3"
  @Option(help: "Utterances per rank and step. Default: those of the calibration.") var batch: Int?
  @Option(help: "Ranks of a host. Default: a core for each thread.") var ranksPerNode: Int?
  @Option(help: "Cores of a host. Default: those of the calibration's machine.")
  var coresPerNode: Int?
  @Option(
    help: "pairwise (as this program does), ring, rabenseifner, doubling, hierarchical, fastest.")
  var algorithm = "pairwise"
  @Option(help: "Relative deviation of computing time between ranks. Default: the calibration's.")
  var jitter: Double?
  @Option(
    help: "Utterances that go backward side by side over a network. Default: as memory allows.")
  var sideBySide: Int?
  @Option(help: "Waiting for audio, as a share of computing.") var dataWait = 0.0
  @Option(help: "Utterances of all ranks for strong scaling. Default: --max-global-batch.")
  var globalBatch: Int?
  @Option(help: "Largest global batch, in utterances, without a warning.") var maxGlobalBatch =
    SimulatedEpoch.defaultMaximumGlobalBatch
  @Option(help: "Validation utterances.") var validationUtterances = 824
  @Option(
    help: "Seconds of a core for each of them. Default: forward on 2.5 s as calibrated, and PESQ.",
    transform: Flags.seconds)
  var validationSeconds: Double?
  @Option(
    help: "Seconds of a checkpoint. Default: weights and moments at 200 MB/s.",
    transform: Flags.seconds)
  var checkpointSeconds: Double?
  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp("Files of bench step to compare with.", valueName: "file"))
  var measured: [String] = []
  @OptionGroup var series: TrainingSeriesOptions
  @OptionGroup var output: ScalingOutput
  @OptionGroup var exchange: ExchangeOptions

  func validate() throws {
    for (flag, value) in [
      ("--batch", batch), ("--ranks-per-node", ranksPerNode), ("--cores-per-node", coresPerNode),
      ("--side-by-side", sideBySide), ("--global-batch", globalBatch),
      ("--max-global-batch", maxGlobalBatch), ("--validation-utterances", validationUtterances),
    ] { try Flags.require(flag, value, atLeast: 1) }
    for (flag, value) in [
      ("--jitter", jitter), ("--data-wait", dataWait), ("--validation-seconds", validationSeconds),
      ("--checkpoint-seconds", checkpointSeconds),
    ] { try Flags.requireNotNegative(flag, value) }
    try Flags.require(
      algorithm == "fastest" || AllReduceAlgorithm(rawValue: algorithm) != nil,
      "--algorithm \(algorithm) is not known: take pairwise, ring, rabenseifner, doubling, "
        + "hierarchical or fastest")
  }

  func run() throws {
    try output.makeFolder()
    let links = try links()
    let record = try calibration.map(StepRecord.read) ?? measureHere()
    let measured = try measured.map { (path: $0, record: try StepRecord.read($0)) }
    let figures = SimulationFigures(
      simulator(record, links), ranks: ranks.counts, preset: record.preset,
      calibration: calibration ?? "steps measured here", measured: measured)
    try output.end("simulation", figures, csv: figures.csv, figures.picture)
  }

  private func links() throws -> (cost: AllReduceCost, isShared: Bool) {
    let (link, isShared) = try NetworkModel.load(network)
    let inside = try sharedMemory.map { try NetworkModel.load($0).network }
    return (
      AllReduceCost(network: link, shared: inside ?? (isShared ? link : .shared)), isShared
    )
  }

  private func simulator(
    _ record: StepRecord, _ links: (cost: AllReduceCost, isShared: Bool)
  ) -> ScalingSimulator {
    let step = StepModel(record)
    let cores = coresPerNode ?? record.cores
    let settings = exchange.settings
    let cluster = SimulatedCluster(
      cost: links.cost, algorithm: AllReduceAlgorithm(rawValue: algorithm),
      ranksPerHost: ranksPerNode
        ?? (links.isShared ? ranks.counts.last ?? 1 : max(1, cores / record.threads)),
      coresPerHost: cores,
      jitter: jitter ?? record.scaling.jitter ?? SimulatedCluster.defaultJitter,
      elementBytes: settings.wire.byteCount, bucketBytes: settings.bucketBytes,
      overlaps: settings.overlaps,
      sideBySide: sideBySide ?? record.sideBySide(within: settings.overlapBytes),
      dataWait: dataWait)
    let epoch = SimulatedEpoch(
      series: series.series, validationUtterances: validationUtterances,
      validationSeconds: validationSeconds
        ?? step.scoringSecondsPerAudioSecond * StepModel.usualUtteranceSeconds,
      checkpointSeconds: checkpointSeconds
        ?? SimulatedEpoch.checkpointSeconds(parameterCount: step.parameterCount),
      maximumGlobalBatch: maxGlobalBatch)
    return ScalingSimulator(
      step: step, cluster: cluster, epoch: epoch, batch: batch ?? record.batch,
      globalBatch: globalBatch ?? maxGlobalBatch)
  }

  /// A calibration on this machine, on one rank.
  private func measureHere() throws -> StepRecord {
    let benchmark = StepBenchmark(
      configuration: TrainingConfiguration(model: try BenchOutput.model(preset)) {
        $0.batch = batch ?? $0.batch
      },
      threads: 1, recomputes: false, exchange: exchange.settings, steps: 3, warmupSteps: 1)
    Console.error("disttrain: measuring a few steps of \(preset) here, for want of --calibration")
    let figures = try benchmark.run(over: LocalCommunicator())
    let file = BenchmarkFile(
      kind: "step", label: nil, machine: BenchmarkMachine.current(), figures: figures)
    return try file.stepRecord()
  }
}
