/// The composite measures of quality of Hu and Loizou 2008: predicted listener ratings, each from 1
/// to 5, of signal distortion, background noise and overall quality.
///
/// `pesqWB` is the wide-band PESQ score, `llr` the log-likelihood ratio and `wss` the weighted
/// spectral slope distance, all of one utterance.
package enum CompositeQuality {
  /// CSIG, the rating of signal distortion.
  package static func signal(pesqWB: Double, llr: Double, wss: Double) -> Double {
    clipped(3.093 - 1.029 * llr + 0.603 * pesqWB - 0.009 * wss)
  }

  /// CBAK, the rating of background noise; `ssnr`, the segmental SNR, is in decibels.
  package static func background(pesqWB: Double, wss: Double, ssnr: Double) -> Double {
    clipped(1.634 + 0.478 * pesqWB - 0.007 * wss + 0.063 * ssnr)
  }

  /// COVL, the rating of overall quality.
  package static func overall(pesqWB: Double, llr: Double, wss: Double) -> Double {
    clipped(1.594 + 0.805 * pesqWB - 0.512 * llr - 0.007 * wss)
  }

  private static func clipped(_ value: Double) -> Double { min(max(value, 1), 5) }
}
