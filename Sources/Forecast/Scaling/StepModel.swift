import Checkpoints
import DistTrain
import Exchange
import Foundation

/// The durations of the parts of a step on a core, from a calibration.
package struct StepModel: Equatable, Sendable {
  /// Time of loading an utterance and of its forward pass, in seconds.
  package var forward: Double
  /// Time of an utterance's backward pass with gradient sums, in seconds.
  package var backward: Double
  /// Time of norm, clipping and optimiser, in seconds.
  package var optimizer: Double
  /// Number of the model's parameters.
  package var parameterCount: Int
  /// Number of threads of a rank.
  package var threads: Int
  /// Length of an utterance, in seconds of audio.
  package var audioSeconds: Double
  /// Times at which gradients become final in a backward pass.
  package var readiness: [Readiness]

  /// Model of a rank's step with times in seconds, by utterance but for the optimiser's.
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

  /// Estimated time of a core to enhance and score a second of audio, in seconds, if only steps
  /// were measured: the forward pass, and 2 ms for the scores.
  package var scoringSecondsPerAudioSecond: Double { forward / audioSeconds + 0.002 }

  /// Mean length of a validation utterance if the corpus is not known, in seconds.
  package static let usualUtteranceSeconds = 2.5

  /// The durations in `record`, corrected for ranks that shared cores.
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

/// The machines and the settings of a forecast.
package struct SimulatedCluster: Equatable, Sendable {
  package var cost: AllReduceCost
  /// Algorithm for adding gradients; nil for the fastest one.
  package var algorithm: AllReduceAlgorithm?
  /// Number of ranks of a full host.
  package var ranksPerHost: Int
  package var coresPerHost: Int
  /// Relative deviation σ of the ranks' computing time within a step.
  package var jitter: Double
  /// Number of bytes of a gradient on the wire.
  package var elementBytes: Int
  package var bucketBytes: Int
  /// Whether buckets are sent during backward.
  package var overlaps: Bool
  /// Number of utterances that run backward at once at the end of a step, over a network.
  package var sideBySide: Int
  /// Time of waiting for audio, as a share of computing.
  package var dataWait: Double

  /// Cluster of equal hosts; `jitter` and `dataWait` are shares of the computing time.
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

  /// Value of `sideBySide` if the memory of utterances is not known.
  package static let defaultSideBySide = 2
  /// Value of `jitter` if it was not measured.
  package static let defaultJitter = 0.02

  /// Layout of `ranks` ranks on hosts.
  package func layout(_ ranks: Int) -> RankLayout {
    RankLayout(ranks: ranks, perHost: ranksPerHost)
  }

  /// Number of ranks that share a core; 1 if every rank has its own.
  package func load(_ layout: RankLayout, threads: Int) -> Double {
    max(1, Double(layout.perHost * threads) / Double(coresPerHost))
  }

  /// Duration of an all-reduce of `bytes` bytes, in seconds.
  package func transfer(_ bytes: Double, _ layout: RankLayout) -> Double {
    if let algorithm { return cost.seconds(algorithm, bytes: bytes, layout) }
    return cost.best(bytes: bytes, layout).seconds
  }
}

/// The forecast of a step, in seconds.
package struct StepForecast: Codable, Equatable, Sendable {
  /// Forward and backward passes of a rank's utterances on a core of its own.
  package let compute: Double
  /// Time added by sharing cores.
  package let sharing: Double
  /// Time added by waiting for the slowest rank.
  package let jitter: Double
  /// Time of waiting for audio.
  package let data: Double
  /// Time that computing loses to moving messages.
  package let progress: Double
  /// Time of transfers that backward does not hide.
  package let exposed: Double
  /// Time of all transfers, hidden or not.
  package let transfer: Double
  package let optimizer: Double

  /// Relative overhead of sharing a core, from caches that the other rank has filled and turns that
  /// do not end together, as measured with two ranks on each of two cores.
  package static let sharingOverhead = 0.05

  /// Duration of the step.
  package var seconds: Double {
    compute + sharing + jitter + data + progress + exposed + optimizer
  }

  /// Forecasts a step of `ranks` ranks with `batch` utterances each.
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
    // Copies inside a host share its cores with computing.
    let slowdown = isInside ? load : 1
    let seconds = buckets.ranges.map {
      cluster.transfer(Double($0.count * cluster.elementBytes), layout) * slowdown
    }
    // Every gradient is sent and received, twice.
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
