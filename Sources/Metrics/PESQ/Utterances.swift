extension PESQ {
  /// A stretch of the reference that the degraded signal follows with one delay.
  package struct Utterance: Equatable {
    /// First block, counted in the padded reference.
    package var start: Int
    /// One past the last block.
    package var end: Int
    /// The delay to the nearest block, in samples.
    package let estimate: Int
    /// The delay to the sample, in samples; positive where the degraded signal is late.
    package let delay: Int
    /// Confidence of `delay`, 0 to 1: how well the windows of the utterance agree.
    package let confidence: Double
  }

  /// The result of the time alignment.
  package struct TimeAlignment {
    /// The delay of the whole signal, in samples.
    package let crudeDelay: Int
    /// Windows in which utterances are searched, in blocks; both bounds belong to the window.
    package let searchWindows: [ClosedRange<Int>]
    /// The utterances in the order of the reference.
    package let utterances: [Utterance]

    /// Delay, in samples, that applies at sample `position` of the padded reference.
    func delay(at position: Int) -> Int {
      let index = utterances.lastIndex { Layout.block * $0.start <= position } ?? 0
      return utterances[index].delay
    }
  }

  /// Finds the utterances of a pair of signals and their delays. Source: P.862, 10.1.
  struct TimeAligner {
    let reference: PaddedSignal
    let degraded: PaddedSignal
    let referenceActivity: Activity
    let crude: CrudeDelaySearch
    let fine: FineDelaySearch

    /// An aligner of two signals, both of them alignment copies.
    init(
      reference: PaddedSignal, degraded: PaddedSignal,
      referenceActivity: Activity, degradedActivity: Activity, workspace: Workspace
    ) {
      self.reference = reference
      self.degraded = degraded
      self.referenceActivity = referenceActivity
      crude = CrudeDelaySearch(
        reference: referenceActivity, degraded: degradedActivity, workspace: workspace)
      fine = FineDelaySearch(reference: reference, degraded: degraded, workspace: workspace)
    }

    func align() throws(PESQError) -> TimeAlignment {
      let crudeDelay = crude.delay()
      let runs = speechRuns(crudeDelay: crudeDelay)
      guard !runs.isEmpty else { throw .noUtterance }
      let lastBlock = reference.blockCount - 1
      let windows = runs.map { run in
        let first = max(0, run.lowerBound - Layout.paddingBlocks)
        return first...min(lastBlock, run.upperBound + Layout.paddingBlocks)
      }
      var utterances = zip(runs, windows).map { run, window in
        let (start, end) = (window.lowerBound, window.upperBound)
        let estimate = crude.delay(from: start, to: end, near: crudeDelay)
        let found = fine.forward(from: start, to: end, near: estimate)
        return Utterance(
          start: run.lowerBound, end: run.upperBound, estimate: estimate, delay: found.delay,
          confidence: found.confidence)
      }
      setLimits(of: &utterances)
      split(&utterances)
      return TimeAlignment(
        crudeDelay: crudeDelay, searchWindows: windows, utterances: utterances)
    }

    /// Runs of speech, in blocks, that have at least 50 blocks (200 ms) and overlap the degraded
    /// signal by as many.
    private func speechRuns(crudeDelay: Int) -> [Range<Int>] {
      let powers = referenceActivity.powers
      let crudeBlocks = crudeDelay / Layout.block
      let degradedEnd = (degraded.count - crudeDelay) / Layout.block
      var runs: [Range<Int>] = []
      var start: Int?
      for (i, power) in powers.enumerated() {
        if power > 0 { start = start ?? i }
        guard let first = start, power <= 0 || i == powers.count - 1 else { continue }
        if i - first >= 50, first < degradedEnd - 50, i > 50 - crudeBlocks {
          runs.append(first..<i)
        }
        start = nil
      }
      return runs
    }

    /// Sets the limits of utterances to the middle between neighbours, and moves them so that in
    /// the degraded signal utterances do not overlap and stay inside the signal.
    private func setLimits(of utterances: inout [Utterance]) {
      let last = utterances.count - 1
      utterances[0].start = Layout.paddingBlocks
      utterances[last].end = reference.blockCount - Layout.paddingBlocks
      for k in utterances.indices.dropFirst() {
        let middle = (utterances[k].start + utterances[k - 1].end) / 2
        utterances[k].start = middle
        utterances[k - 1].end = middle
      }
      utterances[0].keepAfterStart()
      utterances[last].keepBeforeEnd(of: degraded)
      for k in utterances.indices.dropFirst() {
        let (earlier, later) = (utterances[k - 1], utterances[k])
        let start = Layout.block * later.start + later.delay
        let end = Layout.block * earlier.end + earlier.delay
        if start < end {
          let middle = (start + end) / 2
          utterances[k].start = (Layout.block - 1 + middle - later.delay) / Layout.block
          utterances[k - 1].end = (middle - earlier.delay) / Layout.block
        }
      }
    }
  }
}

extension PESQ.Utterance {
  /// Moves the start so that it does not lie before the degraded signal.
  mutating func keepAfterStart() {
    if PESQ.Layout.block * (start - PESQ.Layout.paddingBlocks) + delay < 0 {
      start = PESQ.Layout.paddingBlocks + (PESQ.Layout.block - 1 - delay) / PESQ.Layout.block
    }
  }

  /// Moves the end so that it does not lie after the degraded signal.
  mutating func keepBeforeEnd(of degraded: PESQ.PaddedSignal) {
    if PESQ.Layout.block * end + delay > degraded.count - PESQ.Layout.padding {
      end = (degraded.count - delay) / PESQ.Layout.block - PESQ.Layout.paddingBlocks
    }
  }
}
