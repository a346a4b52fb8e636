import Audio
import Corpora
import Evaluation
import Foundation
import Models
import Platform
import Recipes
import Tensor

/// Gives the training steps their crops as spectra, and measures how long they wait for them.
///
/// Between `start` and `stop` the samples are read ahead on a thread; otherwise when they are asked
/// for. The results are the same. The transforms are computed here, by the thread that computes the
/// step: they take as long wherever they run, and a rank has one core.
package final class CropLoader {
  /// Called with the number of the step, an utterance and the noisy samples of its crop, when the
  /// step takes them and when they are read again.
  package typealias Spoiling =
    @Sendable (_ step: Int, _ item: Int, _ samples: inout [Float]) -> Void

  private typealias Samples = (clean: [Float], noisy: [Float], factor: Float)
  private typealias Loaded = Result<Samples, WaveFileError>

  /// Seconds that steps have waited for samples since the run began here.
  package private(set) var waitedSeconds = 0.0
  /// The first finding about the level of a crop, if that suggests another scale of the samples.
  package private(set) var oddLevel: OddLevel?
  private let pairs: UtteranceIndex
  private let crop: RandomCrop
  private let depth: Int
  private let spoil: Spoiling
  private let endlessAt: UtteranceOrder.Visit?
  private let onBadFile: OnBadFile
  /// The crop that was made last.
  fileprivate private(set) var last: BatchCrop?
  /// Crops of the step under way that could not be loaded.
  private var leftOut: [LeftOut.Crop] = []
  private let frontEnd: FrontEnd
  private let stft: STFT
  private let reader: RecordingReader
  private var prefetcher: Prefetcher<UtteranceOrder.Visit, Loaded, Never>?

  /// A loader of crops of `pairs`, whose noisy samples `spoil` may change. With `.skip` crops that
  /// cannot be read, or have samples that are not finite, are left out. Tests let the reading of
  /// the crop of `endlessAt` never return.
  package init(
    _ configuration: TrainingConfiguration, pairs: UtteranceIndex,
    onBadFile: OnBadFile = .stop, spoil: @escaping Spoiling = { _, _, _ in },
    endlessAt: UtteranceOrder.Visit? = nil
  ) {
    self.pairs = pairs
    self.onBadFile = onBadFile
    reader = Self.reader(onBadFile)
    self.spoil = spoil
    self.endlessAt = endlessAt
    frontEnd = configuration.model.frontEnd
    stft = STFT(frontEnd)
    var crop = RandomCrop(sampleCount: configuration.cropSamples, seed: configuration.seed)
    crop.padsShort = configuration.recipe.shortUtterances == .padded
    crop.levelsUtterances = configuration.recipe.level == .utterance
    self.crop = crop
    depth = Self.depth(
      itemsPerStep: configuration.itemsPerRank, sampleCount: crop.sampleCount)
  }

  /// Utterances to read ahead: those of two steps, some more of small steps, since a cluster's file
  /// system has its moments; but never more than 64 MB, whatever the step and the crop.
  static func depth(itemsPerStep: Int, sampleCount: Int) -> Int {
    let pairBytes = 2 * sampleCount * MemoryLayout<Float>.size
    return max(1, min(max(2 * itemsPerStep, 8), (64 << 20) / pairBytes))
  }

  // Where nothing is left out, a step with a sample that is not finite is skipped, and what is
  // wrong is told: better than the end of the run.
  private static func reader(_ onBadFile: OnBadFile) -> RecordingReader {
    RecordingReader(acceptsNonFinite: onBadFile == .stop)
  }

  /// Starts to read the crops of `visits`, which steps then have to take in that order.
  package func start(_ visits: some Sequence<UtteranceOrder.Visit> & Sendable) {
    let pairs = pairs
    let crop = crop
    let sampleRate = frontEnd.sampleRate
    let endlessAt = endlessAt
    let onBadFile = onBadFile
    prefetcher = Prefetcher(depth: depth, requests: visits, threadName: "crops") {
      let reader = Self.reader(onBadFile)
      return { visit in
        while visit == endlessAt { sched_yield() }
        return Result { () throws(WaveFileError) in
          try crop.load(
            pairs[visit.item], epoch: visit.epoch, sampleRate: sampleRate, with: reader)
        }
      }
    }
  }

  /// Ends the thread.
  package func stop() {
    prefetcher?.stop()
    prefetcher = nil
  }

  /// This rank's crops of the step `step` of the run, those of the utterances `items` in `epoch`.
  package func batch(_ items: [Int], epoch: Int, step: Int) -> CropBatch {
    CropBatch(loader: self, items: items, epoch: epoch, step: step)
  }

  /// The crops that the last step did without, on this rank.
  package func takeLeftOut() -> [LeftOut.Crop] {
    defer { leftOut = [] }
    return leftOut
  }

  /// The crop of an utterance as the model takes it in the step `step`: noisy and clean, each
  /// [1, T, F, 2]; nil if it is left out.
  fileprivate func spectrograms(
    of visit: UtteranceOrder.Visit, step: Int
  ) throws(LoadingError) -> BatchItem? {
    guard var samples = try samples(of: visit) else { return nil }
    if oddLevel == nil {
      let pair = pairs[visit.item]
      // The scale is the recordings', whatever level the recipe gives them.
      let factor = samples.factor
      func level(_ recording: Recording, _ samples: [Float]) -> OddLevel? {
        OddLevel(
          recording.description, peak: OddLevel.peak(samples) / factor, isWhole: false)
      }
      oddLevel = level(pair.noisy, samples.noisy) ?? level(pair.clean, samples.clean)
    }
    spoil(step, visit.item, &samples.noisy)
    last = BatchCrop(
      utterance: visit.item, clean: samples.clean, noisy: samples.noisy)
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

  /// Samples of a crop that the step `step` has taken, read again.
  package func samplesAgain(
    of visit: UtteranceOrder.Visit, step: Int
  ) throws(WaveFileError) -> (clean: [Float], noisy: [Float]) {
    var samples = try loaded(visit, with: RecordingReader(acceptsNonFinite: true))
    spoil(step, visit.item, &samples.noisy)
    return (samples.clean, samples.noisy)
  }

  private func samples(of visit: UtteranceOrder.Visit) throws(LoadingError) -> Samples? {
    let stopwatch = Stopwatch()
    defer { waitedSeconds += stopwatch.seconds }
    do {
      if let prefetcher { return try prefetcher.next(visit).get() }
      return try loaded(visit, with: reader)
    } catch {
      guard onBadFile == .skip else { throw .unreadable(error) }
      leftOut.append(
        .init(utterance: pairs.name(visit.item), path: error.path, reason: error.reason))
      return nil
    }
  }

  private func loaded(
    _ visit: UtteranceOrder.Visit, with reader: RecordingReader
  ) throws(WaveFileError) -> Samples {
    try crop.load(
      pairs[visit.item], epoch: visit.epoch, sampleRate: frontEnd.sampleRate, with: reader)
  }
}

/// Crops of one step, which the loader makes when the step asks for them.
package struct CropBatch: BatchSource {
  private let loader: CropLoader
  private let items: [Int]
  private let epoch: Int
  private let step: Int
  private let waitedBefore: Double

  fileprivate init(loader: CropLoader, items: [Int], epoch: Int, step: Int) {
    self.loader = loader
    self.items = items
    self.epoch = epoch
    self.step = step
    waitedBefore = loader.waitedSeconds
  }

  package var count: Int { items.count }

  package func item(_ index: Int) throws -> BatchItem? {
    try loader.spectrograms(of: .init(item: items[index], epoch: epoch), step: step)
  }

  package func crop(_ index: Int) -> BatchCrop {
    guard let crop = loader.last, crop.utterance == items[index] else {
      preconditionFailure("CropBatch: item \(index) is not the last that was made")
    }
    return crop
  }

  package var waitedSeconds: Double { loader.waitedSeconds - waitedBefore }
}
