import Checkpoints
import Corpora
import Exchange
import Foundation
import Platform
import Recipes
import RunFiles
import Tracing

/// Everything that a training job is asked to do: the recipe, and the values of the groups of
/// options as they are.
public struct TrainingRequest: Sendable {
  /// The recipe.
  public var configuration: TrainingConfiguration
  /// The layers of the recipe; nil if the configuration is all that is known of it.
  public var recipe: ResolvedTraining?
  /// The corpus.
  public var corpus: CorpusRequest
  /// Folder of the outputs.
  public var runFolder: RunFolder
  /// Whether to continue the run in that folder.
  public var resumes = false
  /// Steps of the run after which to save and stop; nil for none.
  public var stepLimit: Int?
  /// Threads of each rank.
  public var threads = 1
  /// Whether blocks keep only their inputs and compute the rest again in backward.
  public var recomputes = false
  /// How gradients travel between the ranks.
  public var exchange = ExchangeSettings()
  /// How epochs are validated.
  public var validation = ValidationRequest()
  /// When else to save and to stop.
  public var saving = SavingRequest()
  /// How the run treats steps that are not finite.
  public var nonFinite = NonFinitePolicy()
  /// The steps to trace; nil for none.
  public var trace: TraceRequest?
  /// Whether to write event files for TensorBoard too.
  public var writesTensorBoard = false
  /// A fault that is made on purpose.
  public var fault: FaultInjection?

  /// A request with everything else at its default.
  public init(configuration: TrainingConfiguration, corpus: CorpusRequest, runFolder: RunFolder) {
    self.configuration = configuration
    self.corpus = corpus
    self.runFolder = runFolder
  }
}

/// The corpus of a job, and how it is read.
public struct CorpusRequest: Sendable {
  /// A folder or a packed file.
  public var data: String
  /// Folder of each host to copy a packed file to; nil to read it where it is.
  public var stage: String?
  /// How unusable files are treated.
  public var onBadFile: OnBadFile

  /// The corpus `data`, which is read where it is and must not have unusable files, unless given.
  public init(data: String, stage: String? = nil, onBadFile: OnBadFile = .stop) {
    self.data = data
    self.stage = stage
    self.onBadFile = onBadFile
  }
}

/// How the epochs of a run are validated.
public struct ValidationRequest: Equatable, Sendable {
  /// Number of utterances, spread over the split; nil for all.
  public var count: Int?
  /// Whether an epoch is validated beside the training of the next.
  public var isBesideTraining: Bool
  /// VoiceBank-DEMAND's speakers kept for validation.
  public var speakers: ValidationSpeakers

  /// All utterances of the usual speakers, while training waits, unless given.
  public init(
    count: Int? = nil, isBesideTraining: Bool = false,
    speakers: ValidationSpeakers = .usual
  ) {
    self.count = count
    self.isBesideTraining = isBesideTraining
    self.speakers = speakers
  }
}

/// When a job saves and stops, besides the ends of epochs.
public struct SavingRequest: Sendable {
  /// How often to save within an epoch.
  public var interval = CheckpointInterval.standard
  /// Checkpoints that stay.
  public var keep = 2
  /// Signals at which to save and stop.
  public var stopSignals = StopSignals.none
  /// Seconds after `startedAt` at which the job ends, if the user knows.
  public var wallTime: Double?
  /// Seconds before the end at which to save and stop; nil to measure them.
  public var wallMargin: Double?
  /// Uptime of the system when the program began.
  public var startedAt = ProcessInfo.processInfo.systemUptime

  /// A request with everything at its default.
  public init() {}
}
