extension PESQ.TimeAligner {
  /// Number of utterances at which splitting ends (P.862, 10.1: utterance splitting).
  private static let maximumUtteranceCount = 50
  /// Largest number of break points tried for one utterance.
  private static let maximumBreakCount = 40

  /// Splits utterances within which the delay changes, and then their first halves.
  ///
  /// Source: P.862, 10.1: utterance splitting.
  package func split(_ utterances: inout [PESQ.Utterance]) {
    var i = 0
    while i < utterances.count, utterances.count < Self.maximumUtteranceCount {
      if let halves = bestSplit(of: utterances[i]) {
        utterances.replaceSubrange(i...i, with: [halves.first, halves.second])
      } else {
        i += 1
      }
    }
  }

  /// The best two halves whose delays differ by at least a block and have more confidence than the
  /// utterance's own delay; nil if there are none.
  private func bestSplit(
    of utterance: PESQ.Utterance
  ) -> (first: PESQ.Utterance, second: PESQ.Utterance)? {
    let (start, end, estimate) = (utterance.start, utterance.end, utterance.estimate)
    var best: Split?
    for point in breakPoints(of: utterance) {
      let firstEstimate = crude.delay(from: start, to: point, near: estimate)
      let first = fine.forward(from: start, to: point, near: firstEstimate)
      guard first.confidence > utterance.confidence else { continue }
      let secondEstimate = crude.delay(from: point, to: end, near: estimate)
      let second = fine.backward(from: point, to: end, near: secondEstimate)
      guard second.confidence > utterance.confidence,
        abs(second.delay - first.delay) >= PESQ.Layout.block
      else { continue }
      let candidate = Split(
        point: point, firstEstimate: firstEstimate, secondEstimate: secondEstimate,
        first: first, second: second)
      if candidate.confidence > best?.confidence ?? 0 { best = candidate }
    }
    return best.map { halves(of: utterance, at: $0) }
  }

  /// A break point with the delays of the halves before and after it.
  private struct Split {
    let point: Int
    let firstEstimate, secondEstimate: Int
    let first, second: PESQ.FineDelay
    var confidence: Double { first.confidence + second.confidence }
  }

  /// Blocks at which the utterance may be split: an even grid that keeps a distance from its ends.
  private func breakPoints(of utterance: PESQ.Utterance) -> [Int] {
    let powers = referenceActivity.powers
    let range = max(0, utterance.start)..<max(0, utterance.start, min(utterance.end, powers.count))
    let speechStart = range.first { powers[$0] > 0 } ?? utterance.end
    let lastSpeech = (utterance.start...max(utterance.start, utterance.end)).last {
      powers.indices.contains($0) && powers[$0] > 0
    }
    let speechEnd = (lastSpeech ?? utterance.start) + 1
    let length = speechEnd - speechStart
    // Only utterances with at least 200 blocks (0.8 s) of speech are split.
    guard length >= 200 else { return [] }
    // Four fifths of the speech in 40 steps, rounded up to multiples of four blocks (16 ms).
    let step = 4 * Int((0.801 * Double(length) + 159) / 160)
    let margin = max(PESQ.Layout.paddingBlocks, length / 10)
    return stride(from: speechStart + margin, through: speechEnd - margin, by: step)
      .prefix(Self.maximumBreakCount).map { $0 }
  }

  private func halves(
    of utterance: PESQ.Utterance, at split: Split
  ) -> (first: PESQ.Utterance, second: PESQ.Utterance) {
    // Where the delay grows, the degraded signal has samples between the halves that belong to
    // neither: each half takes half of them.
    let overlap =
      max(0, split.second.delay - split.first.delay) / (2 * PESQ.Layout.block)
    var first = PESQ.Utterance(
      start: utterance.start, end: split.point + overlap, estimate: split.firstEstimate,
      delay: split.first.delay, confidence: split.first.confidence)
    var second = PESQ.Utterance(
      start: split.point - overlap, end: utterance.end, estimate: split.secondEstimate,
      delay: split.second.delay, confidence: split.second.confidence)
    first.keepAfterStart()
    second.keepBeforeEnd(of: degraded)
    return (first, second)
  }
}
