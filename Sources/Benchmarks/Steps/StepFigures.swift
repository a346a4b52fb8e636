import DistTrain
import Forecast
import Platform
import Tensor

/// What a step benchmark found, on one level as in its JSON. Times are in seconds, of one rank.
package struct StepFigures: Encodable {
  /// One part of a step in one pass.
  struct Part: Encodable {
    let part: String
    /// "forward", "backward", or "recompute" for forward work done again.
    let pass: String
    /// Mean time in one instrumented step.
    let seconds: Double
    /// Measurements in one step.
    let calls: Int
    let rate: AchievedRate

    private enum Key: String, CodingKey { case part, pass, seconds, calls }

    /// The rate's keys and the others on one level.
    func encode(to encoder: any Encoder) throws {
      try rate.encode(to: encoder)
      var container = encoder.container(keyedBy: Key.self)
      try container.encode(part, forKey: .part)
      try container.encode(pass, forKey: .pass)
      try container.encode(seconds, forKey: .seconds)
      try container.encode(calls, forKey: .calls)
    }
  }

  /// Resident bytes.
  struct Memory {
    let before: Int
    let peak: Int
    let isExact: Bool
  }

  /// How gradients travelled, of the rank that waited longest.
  struct Exchange {
    let settings: ExchangeSettings
    let buckets: Int
    /// Utterances that go backward side by side.
    let together: Int
    /// Seconds of a step, the median of the timed ones.
    let exposed: Double
    let exposedToLast: Double
    let transfer: Double
  }

  let preset: String
  let batch: Int
  /// Length of an utterance.
  let seconds: Double
  let threads: Int
  let ranks: Int
  let recompute: Bool
  /// Timed steps.
  let steps: Int

  /// Median of the timed steps.
  let stepSeconds: Double
  let stepSecondsMinimum: Double
  let stepSecondsMaximum: Double
  /// Seconds of audio that all ranks train in a second.
  let audioSecondsPerSecond: Double
  /// Products that the mathematics of one rank's step needs: forward, and gradients of inputs and
  /// weights. Forward work done again does not count.
  let usefulGemmGflop: Double
  /// Peak of one core, median.
  let fmaPeakGflops: Double
  let fmaPeakGflopsMinimum: Double
  let fmaPeakGflopsMaximum: Double
  /// `usefulGemmGflop` over what a rank's threads could do at the peak in `stepSeconds`.
  let fractionOfPeak: Double
  let copy: CopyBandwidth
  let largeProduct: LargeProduct

  /// Numbers on the wire, bytes of a bucket, buckets of a step, and whether they travelled during
  /// backward.
  let wire: String
  let bucketBytes: Int
  let buckets: Int
  let overlap: Bool
  /// Utterances of a rank that went backward side by side, so that gradients were final early.
  let utterancesSideBySide: Int
  /// Median time of a step that the rank which waited longest stood still for gradients: what
  /// nothing hid of the exchange, and waiting for slower ranks.
  let exposedCommunicationSeconds: Double
  /// The same of the rank that waited least: what nothing hid, without waiting for slower ranks.
  let unhiddenCommunicationSeconds: Double
  /// Median time that the all-reduces themselves took in a step.
  let allReduceSeconds: Double

  /// Where the time goes, how ranks differ, and when gradients are final.
  let scaling: StepScaling

  /// The most that was resident in the timed steps, of the rank that took most.
  let peakResidentBytes: Int
  /// Resident when weights, moments and audio were there, and before the first step.
  let residentBytesBeforeSteps: Int
  /// False if the kernel cannot forget former peaks, so that this one may be theirs.
  let peakResidentIsExact: Bool

  /// Steps that the parts are means of, on one thread.
  let instrumentedSteps: Int
  /// Mean time of such a step.
  let instrumentedStepSeconds: Double
  /// Sum of the parts.
  let partsSeconds: Double
  let parts: [Part]

  init(
    configuration: TrainingConfiguration, threads: Int, ranks: Int, recomputes: Bool,
    exchange: Exchange, times: Samples, peak: Samples, copy: CopyBandwidth, product: LargeProduct,
    memory: Memory, scaling: StepScaling, profile: Profile, instrumentedSteps: Int,
    instrumentedStepSeconds: Double
  ) {
    preset = configuration.model.name
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
  }

  /// The bounds that the parts stand beside.
  var limits: CoreLimits {
    CoreLimits(flops: fmaPeakGflops * 1e9, cacheBytes: copy.cache.gigabytesPerSecond * 1e9)
  }
}

extension Profile.Work {
  /// A share of work that was done `count` times.
  fileprivate func divided(by count: Double) -> Profile.Work {
    var share = self
    share.productFlops /= count
    share.laneOperations /= count
    share.bytes /= count
    return share
  }
}
