import ArgumentParser
import Checkpoints
import Communication
import Corpora
import DistTrain
import Forecast
import Foundation
import Models
import Platform
import Recipes
import RunFiles

/// `disttrain train`: trains one system, on one rank or under mpirun on many.
public struct TrainCommand: ParsableCommand {
  /// Text of the help.
  public static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Train a system, alone or data-parallel under mpirun or srun.",
    discussion: """
      Under mpirun -np N the same command trains on N ranks: each takes its share of every global \
      batch, and gradients are averaged after every backward pass. The defaults are the published \
      recipe. For short runs and many ranks see --schedule cosine, --warmup and --ema.

      The run folder holds best.safetensors (weights for enhance and evaluate), checkpoints with \
      everything to --resume (step-….safetensors; last.safetensors is a link to the newest), \
      configuration.json, history.csv, best-scores.csv and metrics.jsonl; after steps that were \
      not finite also nonfinite, with dumps for replay.
      """)

  // The help keeps this order: common options first, special groups last.
  @OptionGroup(title: "System and corpus") var input: TrainingInputOptions
  @OptionGroup(title: "System and corpus") var staging: StagingOptions
  @OptionGroup(title: "Recipe") var recipe: RecipeOptions
  @OptionGroup(title: "Run") var place: RunOptions
  @OptionGroup(title: "Validation") var validation: ValidationOptions
  @OptionGroup(title: "Cores and memory") var cores: CoreOptions
  @OptionGroup(title: "Saving and stopping") var saving: CheckpointOptions
  @OptionGroup(title: "Exchange of gradients") var exchange: ExchangeOptions
  @OptionGroup(title: "Ranks that hang") var deadlines: DeadlineOptions
  @OptionGroup(title: "Steps that are not finite") var nonFinite: NonFiniteOptions
  @OptionGroup(title: "Timeline") var tracing: TraceOptions

  /// Made by the parser.
  public init() {}

  /// Where a run of `model` keeps its files.
  func runFolder(of model: ModelConfiguration) -> RunFolder {
    RunFolder(place.runDir ?? "checkpoints_\(model.name)")
  }

  /// Runs the job on all ranks.
  ///
  /// - Throws: `OrderlyExit` with the status `saved` if it was asked to stop before its end.
  public func run() throws {
    let start = ProcessInfo.processInfo.systemUptime
    try ParallelCommand.run(deadlines.deadlines, files: files()) { communicator in
      let request = try request(startedAt: start, over: communicator)
      try RootDecision(communicator).run {
        try ModelMemory.require(
          request.configuration.model, available: MachineFacts.totalMemory())
      }
      let job = TrainingJob(request, over: communicator)
      if place.dryRun {
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
    let model = try root.value { try Preset.load(input.preset) }
    let resolved = try root.value {
      try recipe.resolve(
        model, ranks: communicator.worldSize, resumed: place.resume ? runFolder(of: model) : nil)
    }
    var request = TrainingRequest(
      configuration: resolved.configuration,
      corpus: CorpusRequest(
        data: input.data, stage: staging.stage, onBadFile: input.onBadFile),
      runFolder: runFolder(of: model))
    request.recipe = resolved
    request.resumes = place.resume
    request.stepLimit = place.stopAfter
    request.threads = cores.threads
    request.recomputes = cores.recompute
    request.exchange = exchange.settings
    request.validation = validation.request
    request.saving = saving.request(startedAt: start)
    request.nonFinite = nonFinite.policy
    request.trace = tracing.request
    request.writesTensorBoard = place.tensorBoard
    request.fault = try root.together {
      try FaultInjection(environment: ProcessInfo.processInfo.environment)
    }
    return request
  }
}
