extension PESQ {
  /// A delay to the sample, with a confidence from 0 to 1 that measures how well the windows agree.
  package struct FineDelay: Equatable {
    package let delay: Int
    package let confidence: Double
  }

  /// Finds delays to the sample from a weighted histogram of the lags at which windows of 64 ms
  /// correlate best.
  ///
  /// The stretches that utterance splitting tries are nested: all of them start (or end) at one
  /// place. So the lags of each window are computed once and kept. Source: P.862, 10.1: fine time
  /// alignment.
  final class FineDelaySearch {
    private let reference: PaddedSignal
    private let degraded: PaddedSignal
    private let workspace: Workspace
    private var tracks: [Track.Origin: Track] = [:]
    private var keptWindowCount = 0
    /// Number of kept windows (some megabytes) above which all are dropped: hour-long recordings
    /// that split again and again would keep gigabytes.
    private static let maximumKeptWindowCount = 400_000
    private var histogram = [Double](repeating: 0, count: Layout.fineWindow)
    private var smoothed = [Double](repeating: 0, count: Layout.fineWindow)

    /// A search in two signals, both of them alignment copies.
    init(reference: PaddedSignal, degraded: PaddedSignal, workspace: Workspace) {
      self.reference = reference
      self.degraded = degraded
      self.workspace = workspace
    }

    /// The delay of the reference's blocks `start..<end`, searched around `estimate` samples with
    /// windows counted from the start.
    func forward(from start: Int, to end: Int, near estimate: Int) -> FineDelay {
      var origin = Track.Origin(
        reference: Layout.block * start, degraded: Layout.block * start + estimate,
        step: Layout.fineHop)
      if origin.degraded < 0 {
        origin.reference = -estimate
        origin.degraded = 0
      }
      return delay(origin, near: estimate) { $0 + Layout.fineWindow <= Layout.block * end }
    }

    /// The delay that `forward` searches, with windows counted from the end.
    func backward(from start: Int, to end: Int, near estimate: Int) -> FineDelay {
      let reference = Layout.block * end - Layout.fineWindow
      var origin = Track.Origin(
        reference: reference, degraded: reference + estimate, step: -Layout.fineHop)
      if origin.degraded + Layout.fineWindow > degraded.count {
        origin.degraded = degraded.count - Layout.fineWindow
        origin.reference = origin.degraded - estimate
      }
      return delay(origin, near: estimate) { $0 >= Layout.block * start }
    }

    /// The delay from all windows from `origin` on for which `isInside`, given a window's first
    /// sample in the reference, is true.
    private func delay(
      _ origin: Track.Origin, near estimate: Int, while isInside: (Int) -> Bool
    ) -> FineDelay {
      if keptWindowCount > Self.maximumKeptWindowCount {
        tracks.removeAll()
        keptWindowCount = 0
      }
      var track = tracks.removeValue(forKey: origin) ?? Track()
      defer { tracks[origin] = track }
      histogram.withUnsafeMutableBufferPointer { $0.update(repeating: 0) }
      var total = 0.0
      var position = (reference: origin.reference, degraded: origin.degraded)
      var window = 0
      while isInside(position.reference),
        reference.holdsWindow(at: position.reference), degraded.holdsWindow(at: position.degraded)
      {
        if window == track.windowCount {
          appendLags(of: position.reference, position.degraded, to: &track)
          keptWindowCount += 1
        }
        let weight = track.weights[window]
        for lag in track.lags(ofWindow: window) {
          histogram[Int(lag)] += weight
          total += weight
        }
        window += 1
        position.reference += origin.step
        position.degraded += origin.step
      }
      return total == 0
        ? FineDelay(delay: estimate, confidence: 0) : peak(total: total, near: estimate)
    }

    /// Appends the lags of one pair of windows whose correlation is within 1% of the largest,
    /// weighted by the eighth root of that limit.
    private func appendLags(of reference: Int, _ degraded: Int, to track: inout Track) {
      let length = Layout.fineWindow
      let hann = workspace.fineWindow
      let correlation = workspace.crossCorrelate(length: length) { time in
        for i in 0..<length { time[i] = self.reference.samples[reference + i] * hann[i] }
      } second: { time in
        for i in 0..<length { time[i] = self.degraded.samples[degraded + i] * hann[i] }
      }
      var largest: Float = 0
      for k in 0..<length { largest = max(largest, correlation.time[k].magnitude) }
      let limit = 0.99 * largest
      for k in 0..<length where correlation.time[k].magnitude > limit {
        track.lags.append(UInt16(k))
      }
      track.lagEnds.append(track.lags.count)
      track.weights.append(Double(limit).squareRoot().squareRoot().squareRoot())
    }

    /// The first maximum of the histogram smoothed with a triangle of 31 lags (`1 - |k| / 16`).
    private func peak(total: Double, near estimate: Int) -> FineDelay {
      let length = Layout.fineWindow
      smoothed.withUnsafeMutableBufferPointer { $0.update(repeating: 0) }
      for lag in 0..<length where histogram[lag] > 0 {
        for k in -15...15 {
          smoothed[(lag + k) & (length - 1)] += histogram[lag] * (1 - Double(abs(k)) / 16)
        }
      }
      var best = 0
      for lag in 1..<length where smoothed[lag] > smoothed[best] { best = lag }
      return FineDelay(
        delay: estimate + (best >= length / 2 ? best - length : best),
        confidence: smoothed[best] / total)
    }
  }

  /// The best lags of successive windows that start at one origin.
  private struct Track {
    /// Position of the first window in each signal, and the step to the next, in samples.
    struct Origin: Hashable {
      var reference, degraded: Int
      let step: Int
    }

    var weights: [Double] = []
    var lagEnds: [Int] = []
    var lags: [UInt16] = []

    var windowCount: Int { weights.count }

    func lags(ofWindow window: Int) -> ArraySlice<UInt16> {
      lags[(window == 0 ? 0 : lagEnds[window - 1])..<lagEnds[window]]
    }
  }
}

extension PESQ.PaddedSignal {
  fileprivate func holdsWindow(at start: Int) -> Bool {
    start >= 0 && start + PESQ.Layout.fineWindow <= count
  }
}
