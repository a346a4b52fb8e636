import Files

/// Makes utterances of a sensible length out of a speaker's prompts, which are mostly words.
package enum Utterances {
  package static let sampleRate = 16_000
  /// Longer prompts are left out, in samples.
  package static let longest = 12 * sampleRate
  /// Shorter prompts are joined until they reach this, in samples.
  static let shortest = 2 * sampleRate
  /// Silence between joined prompts, in samples.
  static let gap = sampleRate * 15 / 100
  package static let fade = sampleRate * 5 / 1000
  /// A trimmed prompt below this is a click, in samples.
  static let leastPrompt = sampleRate * 3 / 20
  package static let peak: Float = 0.7

  /// Trimmed prompts of at least 2 s stand alone; the others follow each other in random order,
  /// 0.15 s apart, until an utterance has 2 s. A last one that stays shorter is left out.
  ///
  /// `prompts`: 16 kHz. The result is in the order of the prompts, the joined ones last, none
  /// longer than 12 s, peaks at most 0.7.
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

  /// The speech of a prompt with short fades, so that no edge clicks.
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

  /// Turned down so that the peak is at most 0.7; quiet recordings stay as they are.
  static func limitPeak(_ samples: [Float]) -> [Float] {
    let loudest = samples.reduce(0) { max($0, abs($1)) }
    if loudest <= peak { return samples }
    return samples.map { $0 * (peak / loudest) }
  }
}
