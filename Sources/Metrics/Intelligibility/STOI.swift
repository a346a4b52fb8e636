import Foundation

extension BandEnvelopes {
  /// Short-time objective intelligibility, at most 1.
  ///
  /// In each segment and band the degraded envelope y is scaled to the norm of the reference's
  /// envelope x and clipped to `x (1 + 10^(15/20))`; the result is the mean of the correlation
  /// coefficient of x and y over segments and bands. Source: Taal et al. 2011.
  package var stoi: Double {
    let length = Self.segmentLength
    let headroom = 1 + pow(10, 15.0 / 20)
    var sum = 0.0
    for band in 0..<Self.bandCount {
      for segment in 0..<segmentCount {
        let first = band * frameCount + segment
        sum += reference.withUnsafeBufferPointer { x in
          degraded.withUnsafeBufferPointer { y in
            Self.correlation(first..<first + length, x, y, headroom: headroom)
          }
        }
      }
    }
    return sum / Double(Self.bandCount * segmentCount)
  }

  private static func correlation(
    _ range: Range<Int>, _ x: UnsafeBufferPointer<Double>, _ y: UnsafeBufferPointer<Double>,
    headroom: Double
  ) -> Double {
    var (xx, yy, xMean) = (0.0, 0.0, 0.0)
    for i in range {
      xx += x[i] * x[i]
      yy += y[i] * y[i]
      xMean += x[i]
    }
    let gain = xx.squareRoot() / (yy.squareRoot() + .ulpOfOne)
    var yMean = 0.0
    for i in range { yMean += min(gain * y[i], headroom * x[i]) }
    xMean /= Double(range.count)
    yMean /= Double(range.count)
    var (product, xPower, yPower) = (0.0, 0.0, 0.0)
    for i in range {
      let xi = x[i] - xMean
      let yi = min(gain * y[i], headroom * x[i]) - yMean
      product += xi * yi
      xPower += xi * xi
      yPower += yi * yi
    }
    return product / ((xPower.squareRoot() + .ulpOfOne) * (yPower.squareRoot() + .ulpOfOne))
  }
}
