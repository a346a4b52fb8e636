import ArgumentParser
import Communication
import Corpora
import DistTrain
import Foundation
import Models
import RunFiles

/// `disttrain train`: trains one system, on one rank or under mpirun on many.
public struct TrainCommand: ParsableCommand {
  /// What the help says.
  public static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Train a system, alone or data-parallel under mpirun or srun.",
    discussion: """
      Under mpirun -np N the same command trains on N ranks: each takes its share of every global \
      batch, and gradients are averaged after every backward pass. The defaults are the published \
      recipe. For short runs and many ranks see --schedule cosine, --warmup and --ema.

      The run folder holds best.safetensors (weights for enhance and evaluate), checkpoints with \
      everything to --resume (step-….safetensors; last.safetensors is a link to the newest), \
      configuration.json, history.csv, best-scores.csv and metrics.jsonl.
      """)

  @Option(
    help: "A preset (\(Preset.names.joined(separator: ", "))) or a path to a JSON file of your own."
  )
  var preset: String

  @Option(
    help: ArgumentHelp(
      "Corpus: {train,valid}/{clean,noisy}, VoiceBank-DEMAND's folders, or a file of prepare pack.",
      valueName: "folder or file"))
  var data: String

  @OptionGroup var staging: StagingOptions

  @Option(help: "Passes over the training split.")
  var epochs = 100

  @Option(help: "Utterances per rank and step; the global batch is this times the ranks.")
  var batch = 6

  @Option(
    help: ArgumentHelp(
      "Batches of each rank and step, with one exchange of gradients: for large global batches and "
        + "slow networks. The global batch is ranks × --batch × this; memory depends on neither.",
      valueName: "batches"))
  var accumulate = 1

  @Option(help: "Seed of initial weights, order and crops.")
  var seed: UInt64 = 0

  @Option(name: .customLong("lr"), help: "Learning rate.")
  var learningRate = 1e-3

  @Option(help: "How the rate falls: step (×0.98 every 10 epochs), cosine (to 0) or constant.")
  var schedule = LearningRateSchedule.Decay.step

  @Option(help: "Steps over which the rate rises linearly at the start.")
  var warmup = 0

  @Option(help: "Decay of averaged weights, such as 0.999; validated and kept instead. 0: off.")
  var ema = 0.0

  @Option(help: "Limit of the global gradient norm.")
  var clip = 5.0

  @Option(help: "Length of a training crop in seconds.")
  var seconds = 2.0

  @Option(help: "Threads of each rank, for more cores than the batch allows ranks.")
  var threads = 1

  @Flag(help: "Compute activations again in backward: a fraction of the memory, a fifth slower.")
  var recompute = false

  @OptionGroup var exchange: ExchangeOptions

  @Option(help: "End an epoch after this many steps of its order, and validate.")
  var stepsPerEpoch: Int?

  @Option(help: "Folder of the run. Default: checkpoints_<preset>.")
  var runDir: String?

  @Flag(help: "Continue the run in the run folder.")
  var resume = false

  @Option(help: "Stop after this many steps of the run and save, to continue with --resume.")
  var stopAfter: Int?

  @Flag(
    help: "Look at options, corpus and run folder, say what would be trained, and train nothing.")
  var dryRun = false

  @OptionGroup(title: "Steps that are not finite") var nonFinite: NonFiniteOptions
  @OptionGroup var saving: CheckpointOptions
  @OptionGroup var deadlines: DeadlineOptions
  @OptionGroup(title: "Timeline") var tracing: TraceOptions

  @Flag(
    name: .customLong("tensorboard"),
    help: "Also write the run's numbers for TensorBoard, to the folder tensorboard of the run.")
  var tensorBoard = false

  @Option(help: "Unusable files: stop, or skip (left out and listed).")
  var onBadFile = OnBadFile.stop

  @Option(help: "Validate on this many utterances only, spread over the split.")
  var validationCount: Int?

  @Flag(help: "Validate beside the training of the next pass, with the same scores.")
  var validateAsync = false

  @Option(parsing: .upToNextOption, help: "VoiceBank-DEMAND speakers kept for validation.")
  var validationSpeakers = PairedDataset.voiceBankValidationSpeakers

  /// Made by the parser.
  public init() {}

  /// Rejects numbers that make no sense before anything starts.
  public func validate() throws {
    func require(_ condition: Bool, _ text: String) throws {
      if !condition { throw ValidationError(text) }
    }
    try require(epochs > 0, "--epochs must be at least 1, not \(epochs)")
    try require(batch > 0, "--batch must be at least 1, not \(batch)")
    try require(accumulate > 0, "--accumulate must be at least 1, not \(accumulate)")
    try require(
      threads > 0 && threads <= 1024, "--threads must be between 1 and 1024, not \(threads)")
    try require(
      learningRate > 0 && learningRate.isFinite, "--lr must be positive, not \(learningRate)")
    try require(warmup >= 0, "--warmup must be at least 0, not \(warmup)")
    try require(ema >= 0 && ema < 1, "--ema must be at least 0 and below 1, not \(ema)")
    try require(clip > 0, "--clip must be positive, not \(clip)")
    try require(
      seconds >= 0.1 && seconds <= 600, "--seconds must be between 0.1 and 600, not \(seconds)")
    try require(
      (stepsPerEpoch ?? 1) > 0, "--steps-per-epoch must be at least 1, not \(stepsPerEpoch ?? 0)")
    try require((stopAfter ?? 1) > 0, "--stop-after must be at least 1, not \(stopAfter ?? 0)")
    try require(
      (validationCount ?? 1) > 0,
      "--validation-count must be at least 1, not \(validationCount ?? 0)")
  }

  /// Where a run of `model` keeps its files.
  func runFolder(of model: ModelConfiguration) -> RunFolder {
    RunFolder(runDir ?? "checkpoints_\(model.name)")
  }

  /// Runs the job on all ranks.
  ///
  /// - Throws: `OrderlyExit` with the status `saved` if it was asked to stop before its end.
  public func run() throws {
    let start = ProcessInfo.processInfo.systemUptime
    try ParallelCommand.run(deadlines.deadlines) { communicator in
      let model = try RootDecision(communicator).value { try Preset.load(preset) }
      let configuration = TrainingConfiguration(
        model: model, seed: seed, epochs: epochs, batch: batch, accumulate: accumulate,
        ranks: communicator.worldSize, cropSeconds: seconds, learningRate: learningRate,
        schedule: schedule, warmupSteps: warmup, clip: clip, averageDecay: ema > 0 ? ema : nil,
        stepsPerEpoch: stepsPerEpoch)
      var request = TrainingRequest(
        configuration: configuration, data: data,
        runFolder: runFolder(of: model))
      request.stage = staging.stage
      request.resumes = resume
      request.threads = threads
      request.recomputes = recompute
      request.exchange = exchange.settings
      request.onBadFile = onBadFile
      request.validationSpeakers = validationSpeakers
      request.validationCount = validationCount
      request.validatesAsynchronously = validateAsync
      request.stepLimit = stopAfter
      request.nonFinite = nonFinite.policy
      request.trace = tracing.request
      request.writesTensorBoard = tensorBoard
      request.saving = saving.request(startedAt: start)
      request.saving.fault = try RootDecision(communicator).together {
        try FaultInjection(environment: ProcessInfo.processInfo.environment)
      }
      if let fault = request.saving.fault.flatMap(NumericalFault.init) {
        request.hooks = fault.hooks(rank: communicator.rank)
      }
      let job = TrainingJob(request, over: communicator)
      if dryRun {
        let lines = try job.dryRun()
        if communicator.isRoot { lines.forEach(Console.line) }
        return
      }
      switch try job.run() {
      case .complete, .stopped(.stepLimit): break
      case .stopped: throw OrderlyExit(.saved)
      }
    }
  }
}

extension LearningRateSchedule.Decay: ExpressibleByArgument {}
extension OnBadFile: ExpressibleByArgument {}
