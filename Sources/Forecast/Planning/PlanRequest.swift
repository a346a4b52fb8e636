import DistTrain

/// A run that somebody thinks of, and the machines for it.
package struct PlanRequest: Equatable, Sendable {
  /// The recipe, for all ranks of all nodes.
  package var configuration: TrainingConfiguration
  /// Numbers of the model.
  package var parameterCount: Int
  package var nodes: Int
  package var ranksPerNode: Int
  /// Threads of a rank.
  package var threads: Int
  /// Whether activations are computed again in backward.
  package var recomputes: Bool
  package var corpus: PlannedCorpus
  /// What messages cost.
  package var cost: AllReduceCost
  package var exchange: ExchangeSettings
  package var coresPerNode: Int
  /// Bytes of memory of a node.
  package var memoryPerNode: Int
  /// Whether that is the memory of the machine where the plan is made, for want of a better one.
  package var isMemoryOfThisMachine: Bool
  /// Seconds of a job; nil for one without an end.
  package var wallTime: Double?
  /// Utterances of a step beyond which training suffers.
  package var maximumGlobalBatch: Int
  /// Relative deviation of computing time between ranks; nil for the calibration's.
  package var jitter: Double?

  /// Puts the parts together. `configuration` gets the ranks of all nodes.
  package init(
    configuration: TrainingConfiguration, parameterCount: Int, nodes: Int, ranksPerNode: Int,
    threads: Int = 1, recomputes: Bool = false, corpus: PlannedCorpus, cost: AllReduceCost,
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

  /// Ranks of all nodes.
  package var ranks: Int { configuration.ranks }
}

/// What there is to train and validate on.
package struct PlannedCorpus: Codable, Equatable, Sendable {
  /// Utterances to train on.
  package var trainingUtterances: Int
  /// Utterances that an epoch is validated on.
  package var validationUtterances: Int
  /// Mean length of those, in seconds.
  package var validationUtteranceSeconds: Double

  /// Puts the parts together.
  package init(
    trainingUtterances: Int, validationUtterances: Int,
    validationUtteranceSeconds: Double = StepModel.usualUtteranceSeconds
  ) {
    self.trainingUtterances = trainingUtterances
    self.validationUtterances = validationUtterances
    self.validationUtteranceSeconds = validationUtteranceSeconds
  }
}
