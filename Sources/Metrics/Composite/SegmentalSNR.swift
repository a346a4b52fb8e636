import Foundation

/// The segmental signal-to-noise ratio in decibels: the mean over all frames, silent ones too, of
/// `10 log10(Σ (w c)² / (Σ (w c − w d)² + ε) + ε)`, clipped to −10…35.
///
/// Frames are windowed, 30 ms long and 7.5 ms apart. The ratio depends on the level and on delays.
/// Source: Hansen and Pellom 1998, in the form that papers on VoiceBank-DEMAND report as "SSNR".
///
/// - Throws: `MetricError.tooShort` for signals without a frame.
package func segmentalSNR(_ pair: SignalPair) throws(MetricError) -> Double {
  let frameCount = try QualityFrames.count(sampleCount: pair.count)
  let window = QualityFrames.window
  var sum = 0.0
  for frame in 0..<frameCount {
    let first = frame * QualityFrames.hop
    var (signal, noise) = (0.0, 0.0)
    for n in 0..<QualityFrames.length {
      let clean = window[n] * pair.reference[first + n]
      let difference = clean - window[n] * pair.degraded[first + n]
      signal += clean * clean
      noise += difference * difference
    }
    let ratio = 10 * log10(signal / (noise + .ulpOfOne) + .ulpOfOne)
    sum += min(max(ratio, -10), 35)
  }
  return sum / Double(frameCount)
}
