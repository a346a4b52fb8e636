import Audio
import Files
import Foundation

/// Noises made from formulas and from pieces, at 16 kHz. Their level is arbitrary because mixing
/// sets it.
enum NoiseSynthesis {
  static let sampleRate = Utterances.sampleRate

  /// Stationary Gaussian noise with the power spectrum `power`, [257] for bins of 31.25 Hz, made of
  /// random spectra that are overlapped and added.
  static func shaped(sampleCount: Int, power: [Double], random: inout SplitMix64) -> [Float] {
    let stft = STFT(fftLength: 512, hopSamples: 128)
    precondition(power.count == stft.binCount, "NoiseSynthesis.shaped: \(power.count) bins")
    let amplitudes = power.map { Float($0.squareRoot()) }
    let frames = stft.frameCount(sampleCount: sampleCount)
    var spectrogram: [Float] = []
    spectrogram.reserveCapacity(frames * stft.binCount * 2)
    for _ in 0..<frames {
      for amplitude in amplitudes {
        spectrogram.append(amplitude * Float(random.normal()))
        spectrogram.append(amplitude * Float(random.normal()))
      }
    }
    return normalised(stft.inverse(spectrogram, sampleCount: sampleCount))
  }

  /// Noise whose power falls with frequency to the power of `exponent`, 1 for pink and 2 for brown
  /// noise, without a component at 0 Hz.
  static func coloured(
    sampleCount: Int, exponent: Double, random: inout SplitMix64
  ) -> [Float] {
    let power = (0..<257).map { $0 == 0 ? 0 : pow(Double($0), -exponent) }
    return shaped(sampleCount: sampleCount, power: power, random: &random)
  }

  /// Power spectrum of speech, [257], summed over all frames.
  static func longTermSpectrum(of utterances: [[Float]]) throws -> [Double] {
    let stft = STFT(fftLength: 512, hopSamples: 128)
    var power = [Double](repeating: 0, count: stft.binCount)
    for utterance in utterances {
      for (i, value) in try stft.forward(utterance).enumerated() {
        power[i / 2 % stft.binCount] += Double(value) * Double(value)
      }
    }
    return power
  }

  /// Mains hum of 50 Hz with 40 harmonics, of which the even ones are weaker, with slowly varying
  /// amplitudes, and faint pink noise.
  static func hum(sampleCount: Int, random: inout SplitMix64) -> [Float] {
    let faint = coloured(sampleCount: sampleCount, exponent: 1, random: &random)
    var result = [Float](repeating: 0, count: sampleCount)
    for k in 1...40 {
      let amplitude = (k % 2 == 0 ? 0.5 : 1.0) / Double(k)
      let phase = 2 * Double.pi * random.uniform()
      let swellHertz = 0.1 + 0.4 * random.uniform()
      let step = 2 * Double.pi * 50 * Double(k) / Double(sampleRate)
      let slow = 2 * Double.pi * swellHertz / Double(sampleRate)
      for i in 0..<sampleCount {
        let level = amplitude * (1 + 0.3 * sin(slow * Double(i) + phase))
        result[i] += Float(level * sin(step * Double(i) + phase))
      }
    }
    return zip(normalised(result), faint).map { $0 + 0.05 * $1 }
  }

  /// Fan noise: noise that falls by 12 dB per octave above 300 Hz, modulated at 8 Hz, and a tone of
  /// 120 Hz with harmonics.
  static func fan(sampleCount: Int, random: inout SplitMix64) -> [Float] {
    let power = (0..<257).map { bin in
      bin == 0 ? 0 : 1 / (1 + pow(Double(bin) * 31.25 / 300, 4))
    }
    let air = shaped(sampleCount: sampleCount, power: power, random: &random)
    let phases = (1...6).map { _ in 2 * Double.pi * random.uniform() }
    return (0..<sampleCount).map { i in
      let seconds = Double(i) / Double(sampleRate)
      var tone = 0.0
      for (k, phase) in phases.enumerated() {
        tone += sin(2 * Double.pi * 120 * Double(k + 1) * seconds + phase) / Double(k + 2)
      }
      let breath = 1 + 0.15 * sin(2 * Double.pi * 8 * seconds)
      return Float(breath * (Double(air[i]) + 0.02 * tone))
    }
  }

  /// Babble of `voices.count` talkers at once, each speaking the utterances of one voice in random
  /// order without a pause, all at one active level.
  static func babble(
    sampleCount: Int, voices: [[[Float]]], random: inout SplitMix64
  ) -> [Float] {
    var sum = [Float](repeating: 0, count: sampleCount)
    for voice in voices {
      var position = 0
      while position < sampleCount {
        for utterance in random.shuffled(voice) where position < sampleCount {
          let gain = Float((0.01 / max(SpeechLevel.activePower(utterance), 1e-9)).squareRoot())
          let count = min(utterance.count, sampleCount - position)
          for i in 0..<count { sum[position + i] += gain * utterance[i] }
          position += count
        }
      }
    }
    return normalised(sum)
  }

  /// Typing on a keyboard, about six strokes per second with occasional pauses; `keys` are pairs of
  /// the sounds of pressing and releasing a key.
  static func typing(
    sampleCount: Int, keys: [(press: [Float], release: [Float])], random: inout SplitMix64
  ) -> [Float] {
    precondition(!keys.isEmpty, "NoiseSynthesis.typing: no keys")
    var sum = [Float](repeating: 0, count: sampleCount)
    func add(_ sound: [Float], at start: Int, gain: Float) {
      for i in 0..<max(0, min(sound.count, sampleCount - start)) {
        sum[start + i] += gain * sound[i]
      }
    }
    var position = 0
    while position < sampleCount {
      let key = keys[random.below(keys.count)]
      let gain = Float(0.5 + 0.5 * random.uniform())
      let held = Int(Double(sampleRate) * (0.05 + 0.06 * random.uniform()))
      add(key.press, at: position, gain: gain)
      add(key.release, at: position + held, gain: gain)
      let pause = random.uniform() < 0.05 ? 0.4 : 0
      position += Int(Double(sampleRate) * (0.07 + 0.18 * random.uniform() + pause))
    }
    return normalised(sum)
  }

  /// A recording repeated to `sampleCount` samples, each repetition cross-faded over 20 ms into the
  /// next.
  static func repeated(_ recording: [Float], sampleCount: Int) -> [Float] {
    precondition(!recording.isEmpty, "NoiseSynthesis.repeated: no samples")
    if recording.count >= sampleCount { return Array(recording[..<sampleCount]) }
    let overlap = min(sampleRate / 50, recording.count / 2)
    let period = recording.count - overlap
    return (0..<sampleCount).map { i in
      let phase = i % period
      guard i >= period, phase < overlap else { return recording[phase] }
      let weight = (Float(phase) + 0.5) / Float(overlap)
      return weight * recording[phase] + (1 - weight) * recording[period + phase]
    }
  }

  /// The samples scaled to a mean square of 0.01.
  static func normalised(_ samples: [Float]) -> [Float] {
    let power = meanSquare(samples)
    if power == 0 { return samples }
    let gain = Float((0.01 / power).squareRoot())
    return samples.map { $0 * gain }
  }
}
