extension PESQ {
  /// The comparison of two signals with the values of all its stages.
  package struct Analysis {
    /// A value for each of the two signals.
    package struct Pair<Value> {
      package let reference: Value
      package let degraded: Value
    }

    /// Power in the telephone band, of the signals divided by the larger of their peaks.
    package let levelPower: Pair<Double>
    /// The signals after level alignment and input filter.
    package let filtered: Pair<PaddedSignal>
    /// The copies of the signals that the time alignment works on.
    package let alignmentCopy: Pair<PaddedSignal>
    /// The speech envelopes.
    package let activity: Pair<Activity>
    /// The delays of the utterances.
    package let alignment: TimeAlignment
    /// The frames that are compared.
    package let frames: FrameRange
    /// Powers in critical bands before compensation.
    package let bandPowers: Pair<BandPowers>
    /// The reference's compensation for a linear filter in the path.
    package let compensation: FrequencyCompensation
    /// The frames as compared before the repair of bad intervals.
    package let comparisons: [FrameComparison]
    /// The intervals that are aligned a second time.
    package let badIntervals: [BadInterval]
    /// The frames with their final, normalised disturbances.
    package let normalised: [FrameComparison]
    /// The disturbances and scores of the whole utterance.
    package let aggregate: Aggregate

    /// The wide-band PESQ score.
    package var score: Double { aggregate.score }

    init(
      reference: [Float], degraded: [Float], sampleRate: Int, workspace: Workspace
    ) throws(PESQError) {
      let peak = try Self.commonPeak(reference, degraded, sampleRate: sampleRate)
      var reference = PaddedSignal(reference, dividedBy: peak)
      var degraded = PaddedSignal(degraded, dividedBy: peak)
      let sampleCount = max(reference.count, degraded.count)

      let regionCount = sampleCount - 2 * Layout.padding + Layout.tail
      let power = reference.speechBandPower(averagedOver: regionCount, workspace: workspace)
      guard power > 0 else { throw .silentReference }
      let degradedPower = degraded.speechBandPower(averagedOver: regionCount, workspace: workspace)
      guard degradedPower > 0 else { throw .silentDegraded }
      levelPower = Pair(reference: power, degraded: degradedPower)
      reference.align(fromPower: power)
      degraded.align(fromPower: degradedPower)
      reference.applyWideBandInputFilter()
      degraded.applyWideBandInputFilter()
      filtered = Pair(reference: reference, degraded: degraded)

      let copies = Pair(reference: reference.alignmentCopy(), degraded: degraded.alignmentCopy())
      alignmentCopy = copies
      activity = Pair(
        reference: Activity(copies.reference), degraded: Activity(copies.degraded))
      alignment = try TimeAligner(
        reference: copies.reference, degraded: copies.degraded,
        referenceActivity: activity.reference, degradedActivity: activity.degraded,
        workspace: workspace
      ).align()

      let length = sampleCount + Layout.tail
      let referenceSamples = reference.samples.padded(to: length)
      let degradedSamples = degraded.samples.padded(to: length)
      frames = FrameRange(reference: referenceSamples, sampleCount: sampleCount)
      let bandAnalysis = BandAnalysis(workspace: workspace)
      var referencePowers = bandAnalysis.reference(referenceSamples, frames: frames)
      var degradedPowers = bandAnalysis.degraded(
        degradedSamples, frames: frames, alignment: alignment)
      bandPowers = Pair(reference: referencePowers, degraded: degradedPowers)
      compensation = FrequencyCompensation(
        reference: referencePowers, degraded: degradedPowers, frames: frames,
        bands: bandAnalysis.bands)
      compensation.apply(to: &referencePowers, frames: frames)

      var model = DisturbanceModel(bands: bandAnalysis.bands)
      comparisons = frames.analysed.map {
        model.compare(frame: $0, reference: referencePowers, degraded: degradedPowers)
      }
      var final = comparisons
      for jump in alignment.framesAcrossNegativeJumps {
        for frame in jump where frame < frames.stop {
          final[frame].symmetric = 0
          final[frame].asymmetric = 0
        }
      }
      // The decision whether to repair intervals uses the disturbances before jumps are blanked
      // out.
      if BadIntervalRepair.isNeeded(for: comparisons) {
        badIntervals = BadIntervalRepair(
          reference: referenceSamples, degraded: degradedSamples, frames: frames,
          alignment: alignment, workspace: workspace
        ).repair(
          &final, referencePowers: referencePowers, degradedPowers: &degradedPowers,
          analysis: bandAnalysis)
      } else {
        badIntervals = []
      }
      PESQ.normalise(&final)
      normalised = final
      aggregate = Aggregate(final, frames: frames)
    }

    /// The larger peak of the two signals, by which both are divided; throws for input without a
    /// score.
    private static func commonPeak(
      _ reference: [Float], _ degraded: [Float], sampleRate: Int
    ) throws(PESQError) -> Float {
      guard sampleRate == PESQ.sampleRate else { throw .unsupportedSampleRate(sampleRate) }
      let peak = try Self.peak(reference, .reference)
      let degradedPeak = try Self.peak(degraded, .degraded)
      guard peak > 0 else { throw .silentReference }
      guard degradedPeak > 0 else { throw .silentDegraded }
      return max(peak, degradedPeak)
    }

    private static func peak(
      _ samples: [Float], _ name: PESQError.Signal
    ) throws(PESQError) -> Float {
      guard samples.count >= PESQ.minimumSampleCount else {
        throw .tooShort(name, sampleCount: samples.count)
      }
      var peak: Float = 0
      for (i, sample) in samples.enumerated() {
        guard sample.isFinite else { throw .nonFiniteSample(name, index: i) }
        peak = max(peak, sample.magnitude)
      }
      return peak
    }
  }
}

extension [Float] {
  /// The samples padded with zeros at the end to `length` values.
  fileprivate func padded(to length: Int) -> [Float] {
    self + [Float](repeating: 0, count: Swift.max(0, length - count))
  }
}
