import Foundation
import Tensor

extension Reference {
  /// mean |Y − S| and mean ||Y|^0.3 − |S|^0.3| over pairs (re, im), with (|·| + 1e-10)^0.3.
  static func spectralLoss(
    _ estimate: [Double], _ target: [Double]
  ) -> (complex: Double, magnitude: Double) {
    var (complex, magnitude) = (0.0, 0.0)
    for i in stride(from: 0, to: estimate.count, by: 2) {
      complex += hypot(estimate[i] - target[i], estimate[i + 1] - target[i + 1])
      magnitude += abs(
        pow(hypot(estimate[i], estimate[i + 1]) + 1e-10, 0.3)
          - pow(hypot(target[i], target[i + 1]) + 1e-10, 0.3))
    }
    let count = Double(estimate.count / 2)
    return (complex / count, magnitude / count)
  }

  /// d(½|Y − S| + ½||Y|^0.3 − |S|^0.3|)/dY of one bin; 0 for either part where it has a kink.
  ///
  /// In closed form, since differences cannot be taken next to the kinks.
  static func spectralLossGradient(
    _ y: (Double, Double), _ s: (Double, Double)
  ) -> (Double, Double) {
    func unit(_ re: Double, _ im: Double) -> (Double, Double) {
      let modulus = hypot(re, im)
      return modulus == 0 ? (0, 0) : (re / modulus, im / modulus)
    }
    let towards = unit(y.0 - s.0, y.1 - s.1)
    let outwards = unit(y.0, y.1)
    let (my, ms) = (hypot(y.0, y.1), hypot(s.0, s.1))
    let sign = my > ms ? 1.0 : my < ms ? -1 : 0
    let slope = sign * 0.3 * pow(my + 1e-10, -0.7)
    return (
      0.5 * (towards.0 + slope * outwards.0), 0.5 * (towards.1 + slope * outwards.1)
    )
  }
}
