import ArgumentParser
import Benchmarks
import Checkpoints
import Corpora
import DistTrain
import Files
import Forecast
import Foundation
import Models
import Platform
import Recipes

/// `disttrain plan`: what a run will need, before a job is sent.
struct PlanCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plan",
    abstract: "Estimate what a run will need (memory, time, jobs) before it is submitted.",
    discussion: """
      Start this command on one machine, without mpirun: it measures a few steps there (or reads a \
      file of bench step), counts the corpus, and forecasts the run on the nodes that you name, as \
      bench simulate does. Nodes are assumed to have cores like those that were measured, one for \
      each thread. Problems of the plan are printed as warnings.
      """)

  @OptionGroup(title: "The run") var recipe: PlanRecipeOptions
  @OptionGroup(title: "The machines") var machines: PlanMachineOptions
  @OptionGroup(title: "Exchange of gradients") var exchange: ExchangeOptions
  @Option(
    help: ArgumentHelp(
      "A file of bench step or --save-calibration. Default: a few steps are measured here.",
      valueName: "file"))
  var calibration: String?
  @Option(
    help: ArgumentHelp("Write the measurement to this file, for --calibration.", valueName: "file"))
  var saveCalibration: String?
  @OptionGroup var output: BenchOutput

  func validate() throws {
    try Flags.require(
      calibration == nil || saveCalibration == nil,
      "--save-calibration keeps what is measured, and with --calibration nothing is; leave one out")
  }

  func run() throws {
    try output.validateFolder()
    if let saveCalibration { try BenchOutput.validateFolder(of: saveCalibration) }
    let configuration = try recipe.configuration(
      BenchOutput.model(recipe.preset), ranks: machines.nodes * machines.ranksPerNode)
    let model = try BenchOutput.model(
      recipe.preset, cropSeconds: configuration.cropSeconds)
    let cost = try machines.cost()
    let found = try calibration.map(PlanCalibration.load)
    // Before anything is measured: a corpus that is not there, a file of another model.
    let request = PlanRequest(
      configuration: configuration,
      parameterCount: SpeechEnhancer.parameterCount(of: model),
      nodes: machines.nodes, ranksPerNode: machines.ranksPerNode, threads: machines.threads,
      recomputes: recipe.recompute,
      corpus: try recipe.corpus(sampleRate: model.frontEnd.sampleRate), cost: cost,
      exchange: exchange.settings, coresPerNode: machines.coresPerNode,
      memoryPerNode: machines.memoryPerNode.map { Int($0 * 1e9) } ?? MachineFacts.totalMemory(),
      isMemoryOfThisMachine: machines.memoryPerNode == nil,
      wallTime: recipe.wallTime.flatMap(TimeSpan.seconds),
      maximumGlobalBatch: recipe.maxGlobalBatch, jitter: machines.jitter)
    try found?.verify(request)
    let plan = try RunPlan(request, try found ?? measure(request))
    try output.end("plan", BenchmarkMachine.current(), plan)
  }

  private func measure(_ request: PlanRequest) throws -> PlanCalibration {
    EnvironmentCheck.warn()
    Console.error(
      "disttrain: measuring a few steps of \(request.configuration.model.name) here, for want of "
        + "--calibration")
    let file = try CalibrationMeasurement(
      model: request.configuration.model, cropSeconds: request.configuration.cropSeconds,
      threads: request.threads, recomputes: request.recomputes, exchange: exchange.settings
    ).run()
    if let saveCalibration {
      try AtomicFile.write(try file.json(), to: URL(fileURLWithPath: saveCalibration))
    }
    return try PlanCalibration(try file.stepRecord(), origin: "steps here")
  }
}

/// Where the run is to be, for `plan`.
struct PlanMachineOptions: ParsableArguments {
  @Option(help: "Nodes of the job.") var nodes = 1
  @Option(help: "Ranks of each node.") var ranksPerNode: Int
  @Option(help: "Threads of each rank.") var threads = 1
  @Option(
    help: "Network between nodes: 1gbe, 10gbe, 25gbe, edr, hdr, or a file of bench allreduce.")
  var network = "10gbe"
  @Option(help: ArgumentHelp("A file of bench allreduce inside a host.", valueName: "file"))
  var sharedMemory: String?
  @Option(help: "Cores of a node. Default: one for each thread.") var coresPerNode: Int?
  @Option(
    help: ArgumentHelp("Memory of a node. Default: that of this machine.", valueName: "GB"))
  var memoryPerNode: Double?
  @Option(help: "Relative deviation of computing time between ranks. Default: the calibration's.")
  var jitter: Double?

  func validate() throws {
    for (flag, value) in [
      ("--nodes", nodes), ("--ranks-per-node", ranksPerNode), ("--cores-per-node", coresPerNode),
    ] { try Flags.require(flag, value, within: 1...65_536) }
    try Flags.require("--threads", threads, within: Flags.threads)
    if let memoryPerNode {
      try Flags.require(
        memoryPerNode > 0 && memoryPerNode <= 1e6,
        "--memory-per-node must be above 0 and at most 1e6 (it is in GB), not \(memoryPerNode)")
    }
    try Flags.requireNotNegative("--jitter", jitter)
  }

  /// Cost of messages between nodes and inside them.
  func cost() throws -> AllReduceCost {
    let (link, isShared) = try NetworkModel.load(network)
    if isShared && nodes > 1 {
      throw PlanError.networkInsideHost(network: network, nodes: nodes)
    }
    let inside = try sharedMemory.map { try NetworkModel.load($0).network }
    return AllReduceCost(network: link, shared: inside ?? (isShared ? link : .shared))
  }
}

/// The planned run: those options of `train` that affect its cost.
struct PlanRecipeOptions: ParsableArguments {
  @Option(help: .preset) var preset: String
  @Option(help: ArgumentHelp("The corpus, to count its utterances.", valueName: "folder or file"))
  var data: String?
  @Option(help: "Training utterances, for a corpus that is elsewhere.") var utterances: Int?
  @Option(help: "Validation utterances. Default: those of --data, or 824.")
  var validationCount: Int?
  @Option(help: "Unusable files: stop, or skip.") var onBadFile = OnBadFile.stop
  @Option(
    help: ArgumentHelp(
      "Recipe of the run, as for train. Default: published.", valueName: "name or file"))
  var recipe: String?
  @Option(help: "Epochs of training. Default: 100.") var epochs: Int?
  @Option(help: "Utterances per rank and step. Default: 6.") var batch: Int?
  @Option(help: "Batches of each rank and step.") var accumulate = 1
  @Option(
    help: ArgumentHelp("Length of a training crop in seconds. Default: 2."),
    transform: Flags.seconds)
  var seconds: Double?
  @Option(help: "Steps over which the learning rate rises at the start. Default: 0.")
  var warmup: Int?
  @Option(help: "Decay of averaged weights. 0: off. Default: 0.") var ema: Double?
  @Flag(help: "Compute activations again in backward.") var recompute = false
  @Option(help: "End an epoch after this many steps, and validate.") var stepsPerEpoch: Int?
  @Option(help: ArgumentHelp("Time limit of a job: 24:00:00, 90m.", valueName: "time"))
  var wallTime: String?
  @Option(help: "Largest global batch, in utterances, without a warning.")
  var maxGlobalBatch = SimulatedEpoch.defaultMaximumGlobalBatch

  func validate() throws {
    for (flag, value) in [
      ("--utterances", utterances), ("--validation-count", validationCount), ("--epochs", epochs),
      ("--batch", batch), ("--accumulate", accumulate), ("--steps-per-epoch", stepsPerEpoch),
      ("--max-global-batch", maxGlobalBatch),
    ] {
      let value = value ?? 1
      try Flags.require(
        value > 0 && value <= 1_000_000_000, "\(flag) must be between 1 and 1e9, not \(value)")
    }
    try Flags.require("--seconds", seconds, within: Flags.cropSeconds)
    try Flags.require("--warmup", warmup, atLeast: 0)
    if let ema { try Flags.requireDecay("--ema", ema) }
    try Flags.requireTime("--wall-time", wallTime)
    try Flags.require(
      (data == nil) != (utterances == nil),
      "name the training data: give --data CORPUS, or --utterances if the corpus is elsewhere")
  }

  /// The recipe on this number of ranks. A forecast counts the ranks itself, so the configuration
  /// is that of one with the same batch.
  func configuration(
    _ model: ModelConfiguration, ranks: Int
  ) throws(ConfigurationError) -> TrainingConfiguration {
    var settings = RecipeSettings()
    settings.add("epochs", epochs.map { .integer($0) }, "--epochs")
    settings.add("batch", batch.map { .integer($0) }, "--batch")
    settings.add("crop", seconds.map { .object(["seconds": .number($0)]) }, "--seconds")
    settings.add("warmup", warmup.map { .object(["steps": .integer($0)]) }, "--warmup")
    settings.add("average", ema.map { $0 > 0 ? .number($0) : .string("none") }, "--ema")
    var configuration = try ResolvedTraining(
      model: model, recipe: recipe, settings: settings.all
    ) {
      $0.accumulate = accumulate
      $0.ranks = ranks
      $0.stepsPerEpoch = stepsPerEpoch
    }.configuration
    configuration.ranks = 1
    return configuration
  }

  /// The corpus, counted if it is here; then it has to be at `sampleRate`, in hertz.
  func corpus(sampleRate: Int) throws -> CorpusSize {
    guard let data else {
      return CorpusSize(
        trainingUtterances: utterances ?? 0,
        validationUtterances: validationCount ?? SimulatedEpoch().validationUtterances)
    }
    let train = try SharedDataset(
      data: data, split: .train, sampleRate: sampleRate, onBadFile: onBadFile
    ).pairs
    let valid = try SharedDataset(
      data: data, split: .valid, sampleRate: sampleRate, onBadFile: onBadFile
    ).pairs
    let samples = valid.sampleCount
    return CorpusSize(
      trainingUtterances: train.count,
      validationUtterances: min(valid.count, validationCount ?? valid.count),
      validationUtteranceSeconds: Double(samples) / Double(valid.count) / Double(sampleRate))
  }
}
