extension PESQ {
  /// A run of frames with such a large disturbance that their alignment is doubted.
  package struct BadInterval: Equatable {
    /// The frames.
    package let frames: Range<Int>
    /// Further delay, in samples, at which the degraded signal fits best.
    package let lag: Int
    /// The normalised correlation at that lag, before the decision to use it.
    package let correlation: Double
  }

  /// Finds badly aligned intervals and compares them again with a better delay.
  struct BadIntervalRepair {
    /// Above this symmetric disturbance a frame is bad.
    private static let limit = 30.0
    /// Lags are searched from minus this to plus this, less one.
    private static let range = 2_048
    /// Intervals shorter than this stay as they are.
    private static let minimumFrameCount = 5

    let reference: [Float]
    let degraded: [Float]
    let frames: FrameRange
    let alignment: TimeAlignment
    let workspace: Workspace

    /// Whether any frame is bad.
    static func isNeeded(for comparisons: [FrameComparison]) -> Bool {
      comparisons.contains { $0.symmetric > limit }
    }

    /// Lowers the disturbances of bad intervals in `comparisons` where another delay fits better.
    ///
    /// `referencePowers` are compensated. `degradedPowers` becomes those of the better delays.
    func repair(
      _ comparisons: inout [FrameComparison], referencePowers: BandPowers,
      degradedPowers: inout BandPowers, analysis: BandAnalysis
    ) -> [BadInterval] {
      let runs = badRuns(comparisons)
      guard !runs.isEmpty else { return [] }
      let aligned = alignedDegraded()
      let intervals = runs.map { bestLag(of: $0, aligned: aligned) }
      var fixed = aligned
      for interval in intervals {
        for i in samples(of: interval.frames) {
          fixed[i] = aligned[min(max(i + interval.lag, 0), frames.sampleCount - 1)]
        }
      }
      var model = DisturbanceModel(bands: analysis.bands)
      for interval in intervals {
        model.restart()
        for frame in interval.frames {
          analysis.analyse(
            fixed, at: Layout.padding + Layout.hop * frame, into: &degradedPowers, frame: frame)
          let again = model.compare(
            frame: frame, reference: referencePowers, degraded: degradedPowers)
          comparisons[frame].symmetric = min(comparisons[frame].symmetric, again.symmetric)
          comparisons[frame].asymmetric = min(comparisons[frame].asymmetric, again.asymmetric)
        }
      }
      return intervals
    }

    /// Runs of frames with bad ones closely before and after.
    private func badRuns(_ comparisons: [FrameComparison]) -> [Range<Int>] {
      let isBad = comparisons.enumerated().map { $0 > 0 && $1.symmetric > Self.limit }
      var runs: [Range<Int>] = []
      var start: Int?
      for frame in frames.analysed {
        let isSmeared =
          frame >= 2 && frame < frames.stop - 2
          && isBad[frame - 2...frame].contains(true) && isBad[frame...frame + 2].contains(true)
        if isSmeared {
          start = start ?? frame
        } else if let first = start {
          if frame - first >= Self.minimumFrameCount { runs.append(first..<frame) }
          start = nil
        }
      }
      return runs
    }

    /// The samples that the frames of an interval cover.
    private func samples(of run: Range<Int>) -> Range<Int> {
      let start = Layout.padding + Layout.hop * run.lowerBound
      return start..<Layout.padding + Layout.hop * run.upperBound + Layout.frame
    }

    /// The degraded signal with every delay undone.
    private func alignedDegraded() -> [Float] {
      var aligned = [Float](repeating: 0, count: degraded.count)
      let (first, last) = (Layout.padding, degraded.count - Layout.padding - 1)
      var position = first
      while position <= last {
        // Delays change at block boundaries only, and `first` is one.
        let delay = alignment.delay(at: position)
        let end = min(position + Layout.block, last + 1)
        for i in position..<end { aligned[i] = degraded[min(max(i + delay, first), last)] }
        position = end
      }
      return aligned
    }

    /// The lag at which the magnitudes of both signals correlate best over an interval.
    private func bestLag(of run: Range<Int>, aligned: [Float]) -> BadInterval {
      let span = samples(of: run)
      let last = frames.sampleCount - Layout.padding + Layout.tail - 1
      let x = span.map { reference[$0].magnitude }
      let y = (span.lowerBound - Self.range..<span.upperBound + Self.range).map {
        aligned[min(max($0, Layout.padding), last)].magnitude
      }
      let norm = (Self.energy(x) * Self.energy(y)).squareRoot()
      guard norm > 1e-20 else { return BadInterval(frames: run, lag: 0, correlation: 0) }
      let correlation = workspace.crossCorrelate(length: powerOfTwo(atLeast: y.count)) { time in
        for (i, value) in x.enumerated() { time[i] = value }
      } second: { time in
        for (i, value) in y.enumerated() { time[i] = value }
      }
      // `y` starts `range` samples before `x`, so every lag searched is an index from 0 on.
      var best = 0
      for lag in 1..<2 * Self.range
      where correlation.time[lag].magnitude > correlation.time[best].magnitude { best = lag }
      let largest = Double(correlation.time[best].magnitude) / norm
      return BadInterval(
        frames: run, lag: largest < 0.5 ? 0 : best - Self.range, correlation: largest)
    }

    private static func energy(_ samples: [Float]) -> Double {
      samples.reduce(0) { $0 + Double($1) * Double($1) }
    }
  }
}
