import DistTrain
import Exchange
import Recipes

/// The description of a planned run and its machines.
package struct PlanRequest: Equatable, Sendable {
  /// The training configuration, for all ranks of all nodes.
  package var configuration: TrainingConfiguration
  /// Number of the model's parameters.
  package var parameterCount: Int
  package var nodes: Int
  package var ranksPerNode: Int
  /// Number of threads of a rank.
  package var threads: Int
  /// Whether activations are recomputed in backward.
  package var recomputes: Bool
  package var corpus: CorpusSize
  /// Cost of all-reduces on the network.
  package var cost: AllReduceCost
  package var exchange: ExchangeSettings
  package var coresPerNode: Int
  /// Memory of a node, in bytes.
  package var memoryPerNode: Int
  /// Whether `memoryPerNode` is that of the machine where the plan is made, because the nodes'
  /// memory is not known.
  package var isMemoryOfThisMachine: Bool
  /// Time limit of a job in seconds; nil without a limit.
  package var wallTime: Double?
  /// Number of utterances per step above which training suffers.
  package var maximumGlobalBatch: Int
  /// Relative deviation of the computing time between ranks; nil for that of the calibration.
  package var jitter: Double?

  /// A request with the given parts, whose `configuration` gets the ranks of all nodes.
  package init(
    configuration: TrainingConfiguration, parameterCount: Int, nodes: Int, ranksPerNode: Int,
    threads: Int = 1, recomputes: Bool = false, corpus: CorpusSize, cost: AllReduceCost,
    exchange: ExchangeSettings = ExchangeSettings(), coresPerNode: Int? = nil, memoryPerNode: Int,
    isMemoryOfThisMachine: Bool = false, wallTime: Double? = nil,
    maximumGlobalBatch: Int = SimulatedEpoch.defaultMaximumGlobalBatch, jitter: Double? = nil
  ) {
    precondition(
      nodes > 0 && ranksPerNode > 0 && threads > 0,
      "PlanRequest: \(nodes) nodes, \(ranksPerNode) ranks a node, \(threads) threads")
    self.configuration = configuration
    self.configuration.ranks = nodes * ranksPerNode
    self.parameterCount = parameterCount
    self.nodes = nodes
    self.ranksPerNode = ranksPerNode
    self.threads = threads
    self.recomputes = recomputes
    self.corpus = corpus
    self.cost = cost
    self.exchange = exchange
    self.coresPerNode = coresPerNode ?? ranksPerNode * threads
    self.memoryPerNode = memoryPerNode
    self.isMemoryOfThisMachine = isMemoryOfThisMachine
    self.wallTime = wallTime
    self.maximumGlobalBatch = maximumGlobalBatch
    self.jitter = jitter
  }

  /// Number of ranks on all nodes.
  package var ranks: Int { configuration.ranks }
}

/// The size of the corpus that a planned run trains and validates on.
package struct CorpusSize: Codable, Equatable, Sendable {
  /// Number of training utterances.
  package var trainingUtterances: Int
  /// Number of validation utterances.
  package var validationUtterances: Int
  /// Mean length of the validation utterances, in seconds.
  package var validationUtteranceSeconds: Double

  /// Corpus of which both splits are counted in utterances.
  package init(
    trainingUtterances: Int, validationUtterances: Int,
    validationUtteranceSeconds: Double = StepModel.usualUtteranceSeconds
  ) {
    self.trainingUtterances = trainingUtterances
    self.validationUtterances = validationUtterances
    self.validationUtteranceSeconds = validationUtteranceSeconds
  }
}
