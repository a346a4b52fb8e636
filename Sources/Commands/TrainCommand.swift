import ArgumentParser
import Communication
import Corpora
import DistTrain
import Foundation
import Models
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
      configuration.json, history.csv, best-scores.csv and metrics.jsonl; after steps that were not \
      finite also nonfinite, with dumps for replay.
      """)

  // What everybody needs first, special groups last: the help keeps this order.
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
    try ParallelCommand.run(deadlines.deadlines) { communicator in
      let model = try RootDecision(communicator).value { try Preset.load(input.preset) }
      let configuration = TrainingConfiguration(
        model: model, seed: recipe.seed, epochs: recipe.epochs, batch: recipe.batch,
        accumulate: recipe.accumulate, ranks: communicator.worldSize, cropSeconds: recipe.seconds,
        learningRate: recipe.learningRate, schedule: recipe.schedule, warmupSteps: recipe.warmup,
        clip: recipe.clip, averageDecay: recipe.ema > 0 ? recipe.ema : nil,
        stepsPerEpoch: recipe.stepsPerEpoch)
      var request = TrainingRequest(
        configuration: configuration, data: input.data,
        runFolder: runFolder(of: model))
      request.stage = staging.stage
      request.resumes = place.resume
      request.threads = cores.threads
      request.recomputes = cores.recompute
      request.exchange = exchange.settings
      request.onBadFile = input.onBadFile
      request.validationSpeakers = validation.validationSpeakers
      request.validationCount = validation.validationCount
      request.validatesAsynchronously = validation.validateAsync
      request.stepLimit = place.stopAfter
      request.nonFinite = nonFinite.policy
      request.trace = tracing.request
      request.writesTensorBoard = place.tensorBoard
      request.saving = saving.request(startedAt: start)
      request.saving.fault = try RootDecision(communicator).together {
        try FaultInjection(environment: ProcessInfo.processInfo.environment)
      }
      if let fault = request.saving.fault.flatMap(NumericalFault.init) {
        request.hooks = fault.hooks(rank: communicator.rank)
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
}
