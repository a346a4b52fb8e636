import Models
import Platform
import Tensor

extension Enhancer {
  /// The default longest segment, in seconds.
  public static let segmentSeconds = 60.0
  /// The lengths that may be asked for, in seconds.
  public static let segmentLimits = 10.0...3600.0

  /// Segments of at most `seconds`, within `segmentLimits`.
  ///
  /// Neighbours share about 3.75 s: 0.75 s in which the later one warms up, a cross-fade as
  /// long, and the rest for the earlier one, whose backward states take longer (with trained
  /// weights the output still differs 2 s before a cut). For segments of a minute that costs less
  /// than 7% of the time.
  public func segmentSizes(seconds: Double = segmentSeconds) -> Segmentation.Sizes {
    precondition(Self.segmentLimits.contains(seconds), "Enhancer: segments of \(seconds) s")
    let hop = frontEnd.hopSamples
    let frames = Int(seconds * Double(frontEnd.sampleRate)) / hop
    // 94 frames at 16 kHz and a hop of 128.
    let warmUp = (frontEnd.sampleCount(seconds: 0.75) + hop / 2) / hop
    return Segmentation.Sizes(
      segment: frames * hop, lead: warmUp * hop, fade: warmUp * hop, tail: 3 * warmUp * hop,
      hop: hop)
  }

  /// Enhances a recording segment by segment, in memory that does not grow with its length.
  ///
  /// With one segment the samples written are those of `enhance(_:)`. With more, two things differ:
  /// the decoder's normalisation sees a segment only, and so do the states at a segment's edges.
  /// The band split's normalisation is that of the whole recording, whose statistics a first pass
  /// takes: otherwise a long pause would be normalised to the level of speech, and its noise kept.
  ///
  /// - Parameters:
  ///   - segmentation: The segments.
  ///   - read: Samples of a range of the recording, mono at the rate of `frontEnd`.
  ///   - write: Takes the enhanced samples, piece by piece in order.
  /// - Throws: `EnhancementError` if the model makes a number that is not finite, and what `read`
  ///   and `write` throw.
  public func enhance(
    _ segmentation: Segmentation, read: (Range<Int>) throws -> [Float],
    write: ([Float]) throws -> Void
  ) throws {
    let segments = segmentation.segments
    let level = try level(segmentation, read: read)
    let statistics =
      segments.count > 1 ? try bandStatistics(segmentation, level: level, read: read) : nil
    var joint = SegmentJoint()
    for (index, segment) in segments.enumerated() {
      let enhanced = try enhance(
        try read(segment.input), bandStatistics: statistics, level: level,
        at: segment.input.lowerBound)
      let first = segment.input.lowerBound
      let used = enhanced[segment.output.lowerBound - first..<segment.output.upperBound - first]
      let isLast = index == segments.count - 1
      let fade = isLast ? 0 : segment.output.upperBound - segments[index + 1].output.lowerBound
      try write(joint.add(used, keeping: fade))
    }
  }

  /// The factor that brings the whole recording to the level that the model takes.
  private func level(
    _ segmentation: Segmentation, read: (Range<Int>) throws -> [Float]
  ) throws -> Float {
    guard model.inputLevel == .utterance else { return 1 }
    var sum = LevelSum()
    var first = 0
    for segment in segmentation.segments {
      // Segments overlap; each sample counts once.
      let samples = try read(segment.input)
      sum.add(samples[(first - segment.input.lowerBound)...])
      first = segment.input.upperBound
    }
    return sum.factor
  }

  /// The statistics of the recording's spectrogram, each frame taken from the segment that uses it.
  private func bandStatistics(
    _ segmentation: Segmentation, level: Float, read: (Range<Int>) throws -> [Float]
  ) throws -> [GroupStatistics] {
    var statistics = BandStatistics(widths: model.configuration.bands)
    var firstFrame = 0
    for (index, segment) in segmentation.segments.enumerated() {
      let spectrogram = try spectrogram(of: try read(segment.input), level: level)
      let offset = segment.input.lowerBound / frontEnd.hopSamples
      let isLast = index == segmentation.segments.count - 1
      let end =
        isLast ? offset + spectrogram.shape[1] : segment.output.upperBound / frontEnd.hopSamples
      statistics.add(spectrogram, frames: firstFrame - offset..<end - offset)
      firstFrame = end
    }
    return statistics.groups
  }

  /// As `enhance(_:)`, but an error counts samples from the start of the recording.
  private func enhance(
    _ samples: [Float], bandStatistics: [GroupStatistics]?, level: Float, at offset: Int
  ) throws(EnhancementError) -> [Float] {
    do {
      return try enhance(samples, bandStatistics: bandStatistics, level: level)
    } catch .notFinite(let model, let index) {
      throw .notFinite(model: model, index: offset + index)
    }
  }
}

/// Joins the outputs of segments: keeps the end of one until the next is there to fade into.
struct SegmentJoint {
  private var kept: [Float] = []

  /// The samples that are final once `output` has come, whose start fades in over what was kept.
  /// The last `count` are kept back for the next segment.
  mutating func add(_ output: ArraySlice<Float>, keeping count: Int) -> [Float] {
    precondition(
      output.count >= kept.count + count,
      "SegmentJoint: \(output.count) samples for fades of \(kept.count) and \(count)")
    var joined = Array(output)
    for (index, old) in kept.enumerated() {
      // Where both agree, the result is theirs to the last bit.
      joined[index] = old + Segmentation.weight(index, of: kept.count) * (joined[index] - old)
    }
    kept = Array(joined.suffix(count))
    joined.removeLast(count)
    return joined
  }
}
