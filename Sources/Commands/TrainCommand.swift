import ArgumentParser
import Communication
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

  @OptionGroup var recipe: RecipeOptions

  @Option(help: "Threads of each rank, for more cores than the batch allows ranks.")
  var threads = 1

  @Flag(help: "Compute activations again in backward: a fraction of the memory, a fifth slower.")
  var recompute = false

  @OptionGroup var exchange: ExchangeOptions

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

  @OptionGroup var corpus: CorpusOptions
  @OptionGroup var validation: ValidationOptions

  /// Made by the parser.
  public init() {}

  /// Rejects numbers that make no sense before anything starts.
  public func validate() throws {
    guard (1...1024).contains(threads) else {
      throw ValidationError("--threads must be between 1 and 1024, not \(threads)")
    }
    if let stopAfter, stopAfter < 1 {
      throw ValidationError("--stop-after must be at least 1, not \(stopAfter)")
    }
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
      let job = TrainingJob(try request(startedAt: start, over: communicator), over: communicator)
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

  /// The job that the options ask for, on the ranks of `communicator`.
  private func request(
    startedAt start: Double, over communicator: any Communicator
  ) throws -> TrainingRequest {
    let root = RootDecision(communicator)
    let model = try root.value { try Preset.load(preset) }
    var request = TrainingRequest(
      configuration: recipe.configuration(model, ranks: communicator.worldSize),
      corpus: corpus.request(data, staging), runFolder: runFolder(of: model))
    request.resumes = resume
    request.stepLimit = stopAfter
    request.threads = threads
    request.recomputes = recompute
    request.exchange = exchange.settings
    request.validation = validation.request
    request.saving = saving.request(startedAt: start)
    request.nonFinite = nonFinite.policy
    request.trace = tracing.request
    request.writesTensorBoard = tensorBoard
    request.fault = try root.together {
      try FaultInjection(environment: ProcessInfo.processInfo.environment)
    }
    return request
  }
}
