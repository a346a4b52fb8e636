extension PESQ {
  /// A run of frames with such a large disturbance that their alignment is in doubt.
  package struct BadInterval: Equatable {
    /// The frames.
    package let frames: Range<Int>
    /// Additional delay, in samples, at which the degraded signal fits best.
    package let lag: Int
    /// Normalised correlation at the best lag, also where it is too low for the lag to be used.
    package let correlation: Double
  }

  /// Finds badly aligned intervals and compares them a second time with a better delay.
  ///
  /// Source: P.862, 10.2: realignment of bad intervals.
  struct BadIntervalRepair {
    /// Symmetric disturbance above which a frame is bad.
    private static let limit = 30.0
    /// Largest lag of the search, 128 ms in samples: lags are `-range..<range`.
    private static let range = 2_048
    /// Length, in frames, of the shortest interval that is repaired.
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
    /// `referencePowers` are compensated. `degradedPowers` becomes the powers at the better delays.
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

    /// Runs of frames that have a bad frame within two frames before and within two frames after.
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

    /// Range of the samples that the frames of an interval cover.
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
      // `y` starts `range` samples before `x`, so the lags are the indices from 0 upwards.
      var best = 0
      for lag in 1..<2 * Self.range
      where correlation.time[lag].magnitude > correlation.time[best].magnitude { best = lag }
      let largest = Double(correlation.time[best].magnitude) / norm
      // A correlation below one half is no evidence of another delay.
      return BadInterval(
        frames: run, lag: largest < 0.5 ? 0 : best - Self.range, correlation: largest)
    }

    private static func energy(_ samples: [Float]) -> Double {
      samples.reduce(0) { $0 + Double($1) * Double($1) }
    }
  }
}
