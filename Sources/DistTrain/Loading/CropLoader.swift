import Audio
import Corpora
import Foundation
import Platform
import Tensor

/// Gives the training steps their crops as spectra, and measures how long they wait for them.
///
/// Between `start` and `stop` the samples are read ahead on a thread; otherwise when they are asked
/// for. The results are the same. The transforms are computed here, by the thread that computes the
/// step: they take as long wherever they run, and a rank has one core.
final class CropLoader {
  private typealias Samples = (clean: [Float], noisy: [Float])

  /// Seconds that steps have waited for samples since the run began here.
  private(set) var waitedSeconds = 0.0
  private let pairs: [UtterancePair]
  private let crop: RandomCrop
  private let depth: Int
  private let endlessAt: TrainingOrder.Visit?
  private let stft = STFT()
  // A step with a sample that is not finite is skipped, and what is wrong is told: better than the
  // end of the run.
  private let reader = RecordingReader(acceptsNonFinite: true)
  private var prefetcher: Prefetcher<TrainingOrder.Visit, Samples, WaveFileError>?

  /// Tests let the reading of the crop of `endlessAt` never return.
  init(
    _ configuration: TrainingConfiguration, pairs: [UtterancePair],
    endlessAt: TrainingOrder.Visit? = nil
  ) {
    self.pairs = pairs
    self.endlessAt = endlessAt
    crop = RandomCrop(
      sampleCount: Int((configuration.cropSeconds * 16_000).rounded()), seed: configuration.seed)
    depth = Self.depth(
      itemsPerStep: configuration.itemsPerRank, sampleCount: crop.sampleCount)
  }

  /// Utterances to read ahead: those of two steps, some more of small steps, since a cluster's file
  /// system has its moments; but never more than 64 MB, whatever the step and the crop.
  static func depth(itemsPerStep: Int, sampleCount: Int) -> Int {
    let pairBytes = 2 * sampleCount * MemoryLayout<Float>.size
    return max(1, min(max(2 * itemsPerStep, 8), (64 << 20) / pairBytes))
  }

  /// Starts to read the crops of `visits`, which steps then have to take in that order.
  func start(_ visits: some Sequence<TrainingOrder.Visit> & Sendable) {
    let pairs = pairs
    let crop = crop
    let endlessAt = endlessAt
    prefetcher = Prefetcher(depth: depth, requests: visits, threadName: "crops") {
      let reader = RecordingReader(acceptsNonFinite: true)
      return { visit throws(WaveFileError) in
        while visit == endlessAt { sched_yield() }
        return try crop.load(pairs[visit.item], epoch: visit.epoch, with: reader)
      }
    }
  }

  /// Ends the thread.
  func stop() {
    prefetcher?.stop()
    prefetcher = nil
  }

  /// The crop of an utterance as the model takes it: noisy and clean, each [1, T, F, 2]. `spoil` may
  /// change the noisy samples before.
  func spectrograms(
    of visit: TrainingOrder.Visit, spoil: (inout [Float]) -> Void
  ) throws(TrainingError) -> (noisy: Tensor, clean: Tensor) {
    var samples = try samples(of: visit)
    spoil(&samples.noisy)
    do {
      let frames = stft.frameCount(sampleCount: crop.sampleCount)
      let shape = [1, frames, stft.binCount, 2]
      return (
        Tensor(shape: shape, elements: try stft.forward(samples.noisy)),
        Tensor(shape: shape, elements: try stft.forward(samples.clean))
      )
    } catch {
      throw .tooShort(error)
    }
  }

  /// The samples of a crop whose turn has been, read again.
  func samplesAgain(
    of visit: TrainingOrder.Visit
  ) throws(WaveFileError) -> (clean: [Float], noisy: [Float]) {
    try crop.load(pairs[visit.item], epoch: visit.epoch, with: reader)
  }

  private func samples(of visit: TrainingOrder.Visit) throws(TrainingError) -> Samples {
    let clock = ContinuousClock.now
    defer { waitedSeconds += (ContinuousClock.now - clock) / .seconds(1) }
    do {
      if let prefetcher { return try prefetcher.next(visit) }
      return try crop.load(pairs[visit.item], epoch: visit.epoch, with: reader)
    } catch {
      throw .unreadable(error)
    }
  }
}
