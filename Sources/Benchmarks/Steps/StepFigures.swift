import DistTrain
import Exchange
import Forecast
import Platform
import Recipes
import Tensor

/// The figures of a step benchmark on one rank, on one level as in its JSON. Times are in seconds.
package struct StepFigures: Encodable {
  /// The figures of one part of a step in one pass.
  struct Part: Encodable {
    let part: String
    /// Pass of the part: "forward", "backward", or "recompute" for recomputed forward work.
    let pass: String
    /// Mean time per instrumented step.
    let seconds: Double
    /// Number of measurements per step.
    let calls: Int
    let rate: AchievedRate

    private enum Key: String, CodingKey { case part, pass, seconds, calls }

    /// Encodes the keys of the rate and the other keys on one level.
    func encode(to encoder: any Encoder) throws {
      try rate.encode(to: encoder)
      var container = encoder.container(keyedBy: Key.self)
      try container.encode(part, forKey: .part)
      try container.encode(pass, forKey: .pass)
      try container.encode(seconds, forKey: .seconds)
      try container.encode(calls, forKey: .calls)
    }
  }

  /// Resident memory of a rank, in bytes.
  struct Memory {
    let before: Int
    let peak: Int
    let isExact: Bool
  }

  /// The exchange of gradients, on the rank that waited longest.
  struct Exchange {
    let settings: ExchangeSettings
    let buckets: Int
    /// Number of utterances that run backward at once.
    let together: Int
    /// Waiting times of a step in seconds, medians of the timed steps.
    let exposed: Double
    let exposedToLast: Double
    let transfer: Double
  }

  let preset: String
  let batch: Int
  /// Length of an utterance, in seconds.
  let seconds: Double
  /// Frames of an utterance's spectrum.
  let frames: Int
  let threads: Int
  let ranks: Int
  let recompute: Bool
  /// Number of timed steps.
  let steps: Int

  /// Median duration of the timed steps.
  let stepSeconds: Double
  let stepSecondsMinimum: Double
  let stepSecondsMaximum: Double
  /// Seconds of audio that all ranks together train on per second.
  let audioSecondsPerSecond: Double
  /// Work of the matrix products that the mathematics of one rank's step needs: forward, and
  /// gradients of inputs and weights, without recomputed forward work.
  let usefulGemmGflop: Double
  /// Median of the peak of one core.
  let fmaPeakGflops: Double
  let fmaPeakGflopsMinimum: Double
  let fmaPeakGflopsMaximum: Double
  /// Ratio of `usefulGemmGflop` to the work of a rank's threads at the peak in `stepSeconds`.
  let fractionOfPeak: Double
  let copy: CopyBandwidth
  let largeProduct: LargeProduct

  /// Settings of the exchange: format on the wire, bytes of a bucket, buckets of a step, and
  /// whether they are sent during backward.
  let wire: String
  let bucketBytes: Int
  let buckets: Int
  let overlap: Bool
  /// Number of utterances of a rank that run backward at once, so that gradients become final
  /// early.
  let utterancesSideBySide: Int
  /// Median time per step for which the rank that waited longest waited for gradients: the part of
  /// the exchange that is not hidden, and waiting for slower ranks.
  let exposedCommunicationSeconds: Double
  /// Median time per step for which the rank that waited least waited for gradients: the part of
  /// the exchange that is not hidden, without waiting for slower ranks.
  let unhiddenCommunicationSeconds: Double
  /// Median time of the all-reduces themselves per step.
  let allReduceSeconds: Double

  /// Durations of the parts of a step, jitter, and the times at which gradients become final.
  let scaling: StepScaling

  /// Peak of the resident memory in the timed steps, on the rank with the highest peak.
  let peakResidentBytes: Int
  /// Resident memory before the first step, with weights, moments and audio.
  let residentBytesBeforeSteps: Int
  /// Whether the peak is of the timed steps; false if the kernel cannot reset earlier peaks.
  let peakResidentIsExact: Bool

  /// Number of steps on one thread over which the parts are averaged.
  let instrumentedSteps: Int
  /// Mean duration of an instrumented step.
  let instrumentedStepSeconds: Double
  /// Sum of the parts' times.
  let partsSeconds: Double
  let parts: [Part]
  /// The cost of a discriminator; nil if it was not measured.
  let adversarial: AdversarialFigures?

  init(
    configuration: TrainingConfiguration, threads: Int, ranks: Int, recomputes: Bool,
    exchange: Exchange, times: Samples, peak: Samples, copy: CopyBandwidth, product: LargeProduct,
    memory: Memory, scaling: StepScaling, profile: Profile, instrumentedSteps: Int,
    instrumentedStepSeconds: Double, adversarial: AdversarialFigures? = nil
  ) {
    preset = configuration.model.name
    let frontEnd = configuration.model.frontEnd
    frames = frontEnd.frameCount(
      sampleCount: frontEnd.sampleCount(seconds: configuration.cropSeconds))
    batch = configuration.batch
    seconds = configuration.cropSeconds
    self.threads = threads
    self.ranks = ranks
    recompute = recomputes
    steps = times.values.count

    let count = Double(instrumentedSteps)
    let limits = CoreLimits(
      flops: peak.median, cacheBytes: copy.cache.gigabytesPerSecond * 1e9)
    var useful = 0.0
    var parts: [Part] = []
    for part in Profile.Part.allCases {
      for pass in Profile.Pass.allCases {
        let entry = profile[part, pass]
        if entry.calls == 0 { continue }
        let work = entry.work.divided(by: count)
        let seconds = entry.seconds / count
        if pass != .recompute { useful += work.productFlops / 1e9 }
        parts.append(
          Part(
            part: part.title, pass: "\(pass)", seconds: seconds,
            calls: entry.calls / instrumentedSteps,
            rate: AchievedRate(work, seconds: seconds, limits)))
      }
    }

    stepSeconds = times.median
    stepSecondsMinimum = times.minimum
    stepSecondsMaximum = times.maximum
    audioSecondsPerSecond =
      Double(configuration.batch * ranks) * configuration.cropSeconds / times.median
    usefulGemmGflop = useful
    fmaPeakGflops = peak.median / 1e9
    fmaPeakGflopsMinimum = peak.minimum / 1e9
    fmaPeakGflopsMaximum = peak.maximum / 1e9
    fractionOfPeak = useful / (peak.median / 1e9 * Double(threads) * times.median)
    self.copy = copy
    largeProduct = product
    wire = exchange.settings.wire.rawValue
    bucketBytes = exchange.settings.bucketBytes
    buckets = exchange.buckets
    overlap = exchange.settings.overlaps
    utterancesSideBySide = min(batch, exchange.together)
    exposedCommunicationSeconds = exchange.exposed
    unhiddenCommunicationSeconds = exchange.exposedToLast
    allReduceSeconds = exchange.transfer
    self.scaling = scaling
    peakResidentBytes = memory.peak
    residentBytesBeforeSteps = memory.before
    peakResidentIsExact = memory.isExact
    self.instrumentedSteps = instrumentedSteps
    self.instrumentedStepSeconds = instrumentedStepSeconds
    partsSeconds = parts.reduce(0) { $0 + $1.seconds }
    self.parts = parts
    self.adversarial = adversarial
  }

  /// Limits of one core, which bound the parts.
  var limits: CoreLimits {
    CoreLimits(flops: fmaPeakGflops * 1e9, cacheBytes: copy.cache.gigabytesPerSecond * 1e9)
  }
}

extension Profile.Work {
  /// The work of one step, if this is the work of `count` steps.
  fileprivate func divided(by count: Double) -> Profile.Work {
    var share = self
    share.productFlops /= count
    share.laneOperations /= count
    share.bytes /= count
    return share
  }
}
