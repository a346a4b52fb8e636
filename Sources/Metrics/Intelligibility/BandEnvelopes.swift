import Audio

/// The magnitudes of both signals in third-octave bands over time, from which STOI and ESTOI are
/// computed.
package struct BandEnvelopes {
  /// Edges of the 15 bands in bins of a 512-point transform at 10 kHz: band j holds bins
  /// `edges[j]..<edges[j + 1]`. The centre of band j is 150 · 2^(j/3) Hz.
  package static let edges = [7, 9, 11, 14, 17, 22, 27, 34, 43, 55, 69, 87, 109, 138, 174, 219]
  /// Number of bands.
  package static let bandCount = edges.count - 1
  /// Number of frames in a segment of 384 ms.
  package static let segmentLength = 30

  /// Number of frames after the removal of pauses.
  package let frameCount: Int
  /// Magnitudes X[j, m] of the reference in band j and frame m: [15, frameCount].
  package let reference: [Double]
  /// Magnitudes Y[j, m] of the degraded signal: [15, frameCount].
  package let degraded: [Double]

  /// Number of segments; every run of 30 consecutive frames is one.
  package var segmentCount: Int { frameCount - Self.segmentLength + 1 }

  /// Envelopes from known magnitudes, each [15, frameCount].
  package init(reference: [Double], degraded: [Double]) {
    frameCount = reference.count / Self.bandCount
    self.reference = reference
    self.degraded = degraded
  }

  /// Computes the envelopes of a pair of signals.
  ///
  /// - Throws: `MetricError.tooLittleSpeech` where the speech does not fill a segment.
  package init(_ pair: SignalPair, _ workspace: Workspace) throws(MetricError) {
    let (reference, degraded) = SpeechFrames.withoutPauses(
      workspace.resampler.resample(pair.reference), workspace.resampler.resample(pair.degraded))
    frameCount = SpeechFrames.count(sampleCount: reference.count)
    guard frameCount >= Self.segmentLength else {
      throw .tooLittleSpeech(frameCount: frameCount, minimum: Self.segmentLength)
    }
    self.reference = workspace.envelopes(of: reference, frameCount: frameCount)
    self.degraded = workspace.envelopes(of: degraded, frameCount: frameCount)
  }

  /// Resampling filter and Fourier transform, reused from one utterance to the next by one thread
  /// at a time.
  package final class Workspace {
    let resampler = SpeechResampler()
    private let spectrum = PowerSpectrum(length: 512)

    /// Computes the filter and plans the transform.
    package init() {}

    /// Magnitudes `√Σ |S[k]|²` over the bins of each band, for every windowed frame: [15,
    /// frameCount].
    fileprivate func envelopes(of signal: [Double], frameCount: Int) -> [Double] {
      let window = SpeechFrames.window
      var result = [Double](repeating: 0, count: bandCount * frameCount)
      for frame in 0..<frameCount {
        for n in 0..<SpeechFrames.length {
          spectrum.time[n] = window[n] * signal[frame * SpeechFrames.hop + n]
        }
        spectrum.transform()
        for band in 0..<bandCount {
          var power = 0.0
          for k in edges[band]..<edges[band + 1] { power += spectrum.power[k] }
          result[band * frameCount + frame] = power.squareRoot()
        }
      }
      return result
    }
  }
}
