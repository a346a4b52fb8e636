/// Linear prediction of order 16 by the autocorrelation method.
package enum LinearPrediction {
  /// Number of coefficients.
  package static let order = 16

  /// Writes `R[k] = Σ x[n] x[n + k]`, for k = 0…16, of the frame `x[count]` to `lags[17]`.
  package static func autocorrelate(
    _ frame: UnsafePointer<Double>, count: Int, into lags: inout [Double]
  ) {
    for k in 0...order { lags[k] = dot(frame, frame + k, count: count - k) }
  }

  /// Writes `A = (1, −a1 … −a16)`, which minimises `Aᵀ R A`, to `coefficients[17]` by the recursion
  /// of Levinson and Durbin. The result is not finite where R[0] is zero.
  package static func predict(from lags: [Double], into coefficients: inout [Double]) {
    var error = lags[0]
    coefficients[0] = 1
    for i in 1...order {
      // coefficients[0..<i] is the predictor of order i − 1.
      var sum = 0.0
      for j in 0..<i { sum += coefficients[j] * lags[i - j] }
      let reflection = -sum / error
      coefficients[i] = 0
      var low = 0
      var high = i
      while low <= high {
        let (a, b) = (coefficients[low], coefficients[high])
        coefficients[low] = a + reflection * b
        coefficients[high] = b + reflection * a
        low += 1
        high -= 1
      }
      error *= 1 - reflection * reflection
    }
  }

  /// Energy `Aᵀ R A` of the prediction error, with the Toeplitz matrix R of `lags[17]`.
  package static func residual(_ coefficients: [Double], _ lags: [Double]) -> Double {
    var sum = 0.0
    for i in 0...order {
      for j in 0...order { sum += coefficients[i] * coefficients[j] * lags[abs(i - j)] }
    }
    return sum
  }
}
