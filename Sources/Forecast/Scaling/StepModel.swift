import DistTrain
import Foundation

/// What a step takes on a core, from a calibration: seconds of an utterance and of the rest.
package struct StepModel: Equatable, Sendable {
  /// Seconds of an utterance, made ready and forward.
  package var forward: Double
  /// Seconds of an utterance backward, gradient sums included.
  package var backward: Double
  /// Seconds of norm, clipping and optimiser.
  package var optimizer: Double
  /// Numbers of the model.
  package var parameterCount: Int
  /// Threads of a rank.
  package var threads: Int
  /// Seconds of audio of an utterance.
  package var audioSeconds: Double
  /// When gradients are final in a backward pass.
  package var readiness: [Readiness]

  /// Puts the parts together.
  package init(
    forward: Double, backward: Double, optimizer: Double, parameterCount: Int, threads: Int = 1,
    audioSeconds: Double = 2, readiness: [Readiness] = []
  ) {
    self.forward = forward
    self.backward = backward
    self.optimizer = optimizer
    self.parameterCount = parameterCount
    self.threads = threads
    self.audioSeconds = audioSeconds
    self.readiness = readiness
  }

  /// Seconds of a core to enhance and score a second of audio, where only steps were measured:
  /// forward, and the scores at 2 ms.
  package var scoringSecondsPerAudioSecond: Double { forward / audioSeconds + 0.002 }

  /// Mean length in seconds of a validation utterance that nobody has looked at.
  package static let usualUtteranceSeconds = 2.5

  /// What `record` was measured to take. Ranks that shared cores took as much longer.
  package init(_ record: StepRecord) {
    let split = record.scaling
    let load = max(1, Double(split.ranksPerHost * record.threads) / Double(record.cores))
    let utterances = Double(record.batch) * load
    forward = (split.dataSeconds + split.forwardSeconds) / utterances
    backward = split.backwardSeconds / utterances
    optimizer = split.optimizerSeconds / load
    parameterCount = split.parameterCount
    threads = record.threads
    audioSeconds = record.seconds
    readiness = split.readiness
  }
}

/// The machine and the recipe that a forecast is for.
package struct SimulatedCluster: Equatable, Sendable {
  package var cost: AllReduceCost
  /// How gradients are added up; nil for the fastest way.
  package var algorithm: AllReduceAlgorithm?
  /// Ranks of a full host.
  package var ranksPerHost: Int
  package var coresPerHost: Int
  /// σ: relative deviation of the ranks' computing time within a step.
  package var jitter: Double
  /// Bytes of a number on the wire.
  package var elementBytes: Int
  package var bucketBytes: Int
  /// Whether buckets travel during backward.
  package var overlaps: Bool
  /// Utterances that go backward side by side at a step's end, over a network.
  package var sideBySide: Int
  /// Waiting for audio, as a share of computing.
  package var dataWait: Double

  /// Puts the parts together.
  package init(
    cost: AllReduceCost, algorithm: AllReduceAlgorithm? = .pairwise, ranksPerHost: Int,
    coresPerHost: Int, jitter: Double = 0, elementBytes: Int = 8,
    bucketBytes: Int = ExchangeSettings.defaultBucketBytes, overlaps: Bool = true,
    sideBySide: Int = defaultSideBySide, dataWait: Double = 0
  ) {
    self.cost = cost
    self.algorithm = algorithm
    self.ranksPerHost = ranksPerHost
    self.coresPerHost = coresPerHost
    self.jitter = jitter
    self.elementBytes = elementBytes
    self.bucketBytes = bucketBytes
    self.overlaps = overlaps
    self.sideBySide = sideBySide
    self.dataWait = dataWait
  }

  /// Where nothing is known of the memory that utterances take.
  package static let defaultSideBySide = 2
  /// σ where it was not measured.
  package static let defaultJitter = 0.02

  /// How `ranks` ranks lie on hosts.
  package func layout(_ ranks: Int) -> RankLayout {
    RankLayout(ranks: ranks, perHost: ranksPerHost)
  }

  /// How many ranks take turns on a core; 1 if every one has its own.
  package func load(_ layout: RankLayout, threads: Int) -> Double {
    max(1, Double(layout.perHost * threads) / Double(coresPerHost))
  }

  /// Seconds of an all-reduce of `bytes` bytes.
  package func transfer(_ bytes: Double, _ layout: RankLayout) -> Double {
    if let algorithm { return cost.seconds(algorithm, bytes: bytes, layout) }
    return cost.best(bytes: bytes, layout).seconds
  }
}

/// The forecast of a step, in seconds.
package struct StepForecast: Codable, Equatable, Sendable {
  /// Forward and backward of a rank's utterances on a core of its own.
  package let compute: Double
  /// What sharing cores adds to it.
  package let sharing: Double
  /// What waiting for the slowest rank adds.
  package let jitter: Double
  /// Waiting for audio.
  package let data: Double
  /// What moving messages takes from computing.
  package let progress: Double
  /// Transfers that backward does not hide.
  package let exposed: Double
  /// All transfers, hidden or not.
  package let transfer: Double
  package let optimizer: Double

  /// What taking turns on a core costs beyond the turns: caches that the other rank has filled, and
  /// turns that do not end together. As measured with two ranks on each of two cores.
  package static let sharingOverhead = 0.05

  /// The step.
  package var seconds: Double {
    compute + sharing + jitter + data + progress + exposed + optimizer
  }

  /// A step of `ranks` ranks with `batch` utterances each.
  package init(_ step: StepModel, _ cluster: SimulatedCluster, ranks: Int, batch: Int) {
    let layout = cluster.layout(ranks)
    let load = cluster.load(layout, threads: step.threads)
    let isInside = layout.hosts == 1
    compute = Double(batch) * (step.forward + step.backward)
    sharing = load > 1 ? compute * (load * (1 + Self.sharingOverhead) - 1) : 0
    jitter = compute * load * cluster.jitter * ExpectedMaximum.ofNormals(ranks)
    data = compute * cluster.dataWait
    optimizer = step.optimizer * load

    let buckets = GradientBuckets(
      count: step.parameterCount, bucketBytes: cluster.bucketBytes,
      elementBytes: cluster.elementBytes)
    // Copies inside a host take turns on its cores as computing does.
    let slowdown = isInside ? load : 1
    let seconds = buckets.ranges.map {
      cluster.transfer(Double($0.count * cluster.elementBytes), layout) * slowdown
    }
    // Sent and received, twice.
    let moved = 4 * Double(step.parameterCount * cluster.elementBytes) / Double(ranks)
    progress =
      load * moved
      * (Double(ranks - layout.perHost) * cluster.cost.network.processorSecondsPerByte
        + Double(layout.perHost - 1) * cluster.cost.shared.processorSecondsPerByte)
    transfer = seconds.reduce(0, +)

    let together = isInside ? 1 : min(batch, max(1, cluster.sideBySide))
    let backward = Double(together) * step.backward * load + progress
    let ready = buckets.ranges.map { range in
      cluster.overlaps
        ? backward * Readiness.fraction(of: range.lowerBound, in: step.readiness) : backward
    }
    exposed = BucketSchedule(ready: ready, seconds: seconds, backward: backward).exposed
  }
}
