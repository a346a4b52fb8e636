import Metrics
import Platform

/// Wide-band PESQ as a label, computed beside whatever the rank does in the meantime.
///
/// Threads of the rank score the crops, each crop by one of them; the labels do not depend on how
/// many there are. A crop without a score gives the reason: it ends nothing.
package final class QualityLabels: LabelSource, Sendable {
  private struct State {
    /// Crops that no thread has taken, with their number in the step.
    var waiting: [(index: Int, crop: LabelledCrop)] = []
    var labels: [CropLabels?] = []
    var missing = 0
    var workers = 0
    /// Scorers that no thread uses: their transforms are planned once.
    var idle: [PESQ.Scorer] = []
  }

  private let scale: LabelScale
  private let sampleRate: Int
  private let hasNoisy: Bool
  private let threads: Int
  private let state = Guarded(State())

  /// Labels of crops at `sampleRate` hertz by `threads` threads; with `hasNoisy`, also those of the
  /// noisy crops against the estimates.
  package init(_ scale: LabelScale, sampleRate: Int, hasNoisy: Bool, threads: Int = 1) {
    precondition(threads > 0, "QualityLabels: \(threads) threads")
    self.scale = scale
    self.sampleRate = sampleRate
    self.hasNoisy = hasNoisy
    self.threads = threads
  }

  /// Begins with the labels of `crop`, and returns at once.
  package func begin(_ crop: LabelledCrop) {
    let isShort = state.withLock { state in
      state.waiting.append((state.labels.count, crop))
      state.labels.append(nil)
      state.missing += 1
      guard state.workers < threads else { return false }
      state.workers += 1
      return true
    }
    if isShort { startThread("labels") { self.work() } }
  }

  /// Waits for all crops that were begun, and returns their labels in that order.
  package func finish() -> [CropLabels] {
    state.wait(until: { $0.missing == 0 }) { state in
      defer { state.labels = [] }
      return state.labels.compactMap { $0 }
    }
  }

  /// Scores crops until none waits.
  private func work() {
    let scorer = state.withLock { $0.idle.popLast() } ?? PESQ.Scorer()
    while let (index, crop) = next(scorer) {
      let labels = labels(of: crop, scorer)
      state.change { state in
        state.labels[index] = labels
        state.missing -= 1
      }
    }
  }

  /// The next crop; nil if there is none, and then this thread counts no more.
  private func next(_ scorer: PESQ.Scorer) -> (Int, LabelledCrop)? {
    state.withLock { state in
      if !state.waiting.isEmpty { return state.waiting.removeFirst() }
      state.workers -= 1
      state.idle.append(scorer)
      return nil
    }
  }

  private func labels(of crop: LabelledCrop, _ scorer: PESQ.Scorer) -> CropLabels {
    func label(_ reference: [Float], _ degraded: [Float]) throws(PESQError) -> Float {
      scale.label(
        pesq: try scorer.wideBand(
          reference: reference, degraded: degraded, sampleRate: sampleRate))
    }
    do throws(PESQError) {
      let estimate = try label(crop.clean, crop.estimate)
      return CropLabels(
        estimate: estimate, noisy: hasNoisy ? try label(crop.estimate, crop.noisy) : nil)
    } catch {
      return CropLabels(fault: Self.text(error))
    }
  }

  /// The reason in a few words about the crop: the advice of `PESQError` is for single files.
  private static func text(_ error: PESQError) -> String {
    switch error {
    case .unsupportedSampleRate(let rate): "pesq is not defined at \(rate) Hz"
    case .nonFiniteSample: "a signal is not finite"
    case .tooShort(_, let count): "\(NumberText.count(count, "sample")) are too few for pesq"
    case .silentReference, .silentDegraded: "a signal is silent"
    case .noUtterance: "no speech of at least 200 ms common to both signals"
    }
  }
}
