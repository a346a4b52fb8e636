import Foundation

/// The log-likelihood ratio of the linear predictions of both signals.
package struct LogLikelihoodRatio: Equatable {
  /// Mean of the lowest 95% of frames; 0 for identical signals.
  package let value: Double
  /// Number of frames, with those left out.
  package let frameCount: Int
  /// Number of frames without a finite ratio, such as those of digital silence; the mean leaves
  /// them out.
  package let nonFiniteCount: Int

  /// Computes `ln(A_dᵀ R_c A_d / A_cᵀ R_c A_c)` in each frame, with the predictions A_c of the
  /// clean and A_d of the degraded signal and the clean autocorrelation R_c.
  ///
  /// The mean is over the lowest `round(0.95 n)` finite ratios, n counting all frames. Tools that
  /// sort NaN to the end get this number too as long as at most 5% of the frames are silent, and
  /// NaN otherwise. Source: Hu and Loizou 2008.
  ///
  /// - Throws: `MetricError.tooShort` for signals without a frame, `noFiniteFrame` where no frame
  ///   has sound in both signals.
  package init(_ pair: SignalPair) throws(MetricError) {
    frameCount = try QualityFrames.count(sampleCount: pair.count)
    var frame = [Double](repeating: 0, count: QualityFrames.length)
    var clean = Side()
    var degraded = Side()
    var ratios: [Double] = []
    ratios.reserveCapacity(frameCount)
    for index in 0..<frameCount {
      clean.analyse(index, of: pair.reference, scratch: &frame)
      degraded.analyse(index, of: pair.degraded, scratch: &frame)
      if clean.lags[0] == 0 || degraded.lags[0] == 0 { continue }
      let ratio = log(
        LinearPrediction.residual(degraded.coefficients, clean.lags)
          / LinearPrediction.residual(clean.coefficients, clean.lags))
      if ratio.isFinite { ratios.append(ratio) }
    }
    nonFiniteCount = frameCount - ratios.count
    guard !ratios.isEmpty else { throw .noFiniteFrame }
    value = QualityFrames.trimmedMean(&ratios, frameCount: frameCount)
  }

  /// One signal's prediction in one frame.
  private struct Side {
    var lags = [Double](repeating: 0, count: LinearPrediction.order + 1)
    var coefficients = [Double](repeating: 0, count: LinearPrediction.order + 1)

    mutating func analyse(_ frame: Int, of signal: [Double], scratch: inout [Double]) {
      scratch.withUnsafeMutableBufferPointer { scratch in
        guard let samples = scratch.baseAddress else { return }
        QualityFrames.write(frame, of: signal, to: samples)
        LinearPrediction.autocorrelate(samples, count: scratch.count, into: &lags)
      }
      LinearPrediction.predict(from: lags, into: &coefficients)
    }
  }
}
