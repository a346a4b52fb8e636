import Foundation

/// How a long recording is cut into overlapping segments and put together again, so that memory
/// depends on the segment and not on the recording.
///
/// Neighbours share an overlap of three parts: the later one's states warm up in `lead`, in `fade`
/// the output goes over from the earlier to the later, and `tail` is what the earlier one's
/// backward states warm up in. All segments have the same number of frames, so none is too short
/// for a normalisation, and memory freed by one fits the next. They start on frames of the whole
/// recording.
public struct Segmentation: Equatable, Sendable {
  /// One segment, in samples of the recording.
  public struct Segment: Equatable, Sendable {
    /// Samples that go through the model.
    public let input: Range<Int>
    /// Samples of its output that are used. It shares its ends with its neighbours': there they
    /// fade.
    public let output: Range<Int>

    /// A segment whose `output` lies within `input`; both count the recording's samples from 0.
    public init(input: Range<Int>, output: Range<Int>) {
      self.input = input
      self.output = output
    }
  }

  /// The sizes of segments, in samples; all are multiples of `hop`.
  public struct Sizes: Equatable, Sendable {
    /// The longest segment, but for the samples behind the last whole frame of a recording.
    public let segment: Int
    /// The later neighbour's part of the overlap that is not used.
    public let lead: Int
    /// The part of the overlap where both outputs are used.
    public let fade: Int
    /// The earlier neighbour's part of the overlap that is not used, at least.
    public let tail: Int
    /// Samples from one frame to the next.
    public let hop: Int

    /// Sizes in samples. Traps unless all are multiples of `hop` and a segment holds its overlaps
    /// and six frames more.
    public init(segment: Int, lead: Int, fade: Int, tail: Int, hop: Int) {
      self.segment = segment
      self.lead = lead
      self.fade = fade
      self.tail = tail
      self.hop = hop
      precondition(
        hop > 0 && [segment, lead, fade, tail].allSatisfy { $0 >= 0 && $0 % hop == 0 } && fade > 0
          && 2 * fade + 6 * hop <= segment - overlap, "Segmentation: \(self)")
    }

    /// Smallest overlap of two neighbours, in samples.
    public var overlap: Int { lead + fade + tail }
  }

  /// In order. Their outputs cover the recording; neighbours' overlap by the fade, others' do not.
  public let segments: [Segment]

  /// A single segment, whatever the length.
  public init(whole sampleCount: Int) {
    precondition(sampleCount > 0, "Segmentation: \(sampleCount) samples")
    segments = [Segment(input: 0..<sampleCount, output: 0..<sampleCount)]
  }

  /// As few segments as `sizes` allow: one if the recording is no longer than the longest.
  public init(sampleCount: Int, sizes: Sizes) {
    if sampleCount <= sizes.segment {
      self.init(whole: sampleCount)
    } else {
      self.init(cutting: sampleCount, sizes)
    }
  }

  private init(cutting sampleCount: Int, _ sizes: Sizes) {
    let hop = sizes.hop
    let longestStep = sizes.segment - sizes.overlap
    let toAdvance = sampleCount - sizes.overlap
    let count = (toAdvance + longestStep - 1) / longestStep
    let length = (toAdvance + count * hop - 1) / (count * hop) * hop + sizes.overlap
    // Evenly from 0 to the last that fits, on frames: no two are further apart than `longestStep`.
    let starts = (0..<count).map { $0 * (sampleCount - length) / ((count - 1) * hop) * hop }
    segments = starts.indices.map { index in
      let isLast = index == count - 1
      let end = isLast ? sampleCount : starts[index] + length
      let fadeIn = index == 0 ? 0 : starts[index] + sizes.lead
      let fadeOut = isLast ? end : starts[index + 1] + sizes.lead + sizes.fade
      return Segment(input: starts[index]..<end, output: fadeIn..<fadeOut)
    }
  }

  /// How much of the later segment is in a fade of `count` samples at its sample `index`, between
  /// 0 and 1; the earlier one has the rest. A raised cosine: neither end has a kink.
  public static func weight(_ index: Int, of count: Int) -> Float {
    Float(0.5 - 0.5 * cos(.pi * (Double(index) + 0.5) / Double(count)))
  }
}
