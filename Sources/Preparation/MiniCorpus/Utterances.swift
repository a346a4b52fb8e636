import Audio
import Files

/// Makes utterances of two to twelve seconds from a speaker's prompts, which are mostly single
/// words.
package enum Utterances {
  /// Sample rate of the mini corpus, in hertz.
  package static let sampleRate = 16_000
  /// Length of the longest prompt that is used, in samples.
  package static let longest = 12 * sampleRate
  /// Length that joined prompts reach at least, in samples; longer prompts are not joined.
  static let shortest = 2 * sampleRate
  /// Length of the silence between joined prompts, in samples.
  static let gap = sampleRate * 15 / 100
  package static let fade = sampleRate * 5 / 1000
  /// Length below which a trimmed prompt counts as a click, in samples.
  static let leastPrompt = sampleRate * 3 / 20
  package static let peak: Float = 0.7

  /// Makes utterances of prompts at 16 kHz. A trimmed prompt of at least 2 s is an utterance; the
  /// others are joined in random order, 0.15 s apart, until an utterance has 2 s. A last utterance
  /// that stays shorter is left out.
  ///
  /// The result is in the order of the prompts, with the joined utterances last, none longer than
  /// 12 s, with peaks of at most 0.7.
  package static func assemble(_ prompts: [[Float]], random: inout SplitMix64) -> [[Float]] {
    let trimmed = prompts.filter { $0.count <= longest }.map(trim)
      .filter { $0.count >= leastPrompt }
    var utterances = trimmed.filter { $0.count >= shortest }
    var joined: [Float] = []
    for prompt in random.shuffled(trimmed.filter { $0.count < shortest }) {
      if !joined.isEmpty { joined += [Float](repeating: 0, count: gap) }
      joined += prompt
      if joined.count >= shortest {
        utterances.append(joined)
        joined = []
      }
    }
    return utterances.map(limitPeak)
  }

  /// The speech of a prompt, with short fades that avoid clicks at its edges.
  static func trim(_ prompt: [Float]) -> [Float] {
    var speech = Array(prompt[SpeechLevel.activeRange(prompt)])
    let fade = min(fade, speech.count / 2)
    for i in 0..<fade {
      let gain = (Float(i) + 0.5) / Float(fade)
      speech[i] *= gain
      speech[speech.count - 1 - i] *= gain
    }
    return speech
  }

  /// The samples attenuated to a peak of at most 0.7; samples with a lower peak are unchanged.
  static func limitPeak(_ samples: [Float]) -> [Float] {
    let loudest = samples.reduce(0) { max($0, abs($1)) }
    if loudest <= peak { return samples }
    return samples.map { $0 * (peak / loudest) }
  }
}
