extension BandEnvelopes {
  /// Extended short-time objective intelligibility, at most 1.
  ///
  /// In each segment every band loses its mean over time and is divided by its norm, then every
  /// frame likewise over the bands; the result is the mean over frames and segments of the scalar
  /// product of both signals' frames. Bands and frames of norm zero stay zero. Source: Jensen and
  /// Taal 2016.
  package var estoi: Double {
    let size = Self.bandCount * Self.segmentLength
    var x = [Double](repeating: 0, count: size)
    var y = x
    var sum = 0.0
    for segment in 0..<segmentCount {
      copy(segment, of: reference, into: &x)
      copy(segment, of: degraded, into: &y)
      Self.normalise(&x)
      Self.normalise(&y)
      for i in 0..<size { sum += x[i] * y[i] }
    }
    return sum / Double(Self.segmentLength * segmentCount)
  }

  private func copy(_ segment: Int, of envelopes: [Double], into target: inout [Double]) {
    for band in 0..<Self.bandCount {
      for m in 0..<Self.segmentLength {
        target[band * Self.segmentLength + m] = envelopes[band * frameCount + segment + m]
      }
    }
  }

  /// Normalises each band over time, then each frame over the bands.
  private static func normalise(_ segment: inout [Double]) {
    for band in 0..<bandCount {
      normalise(&segment, from: band * segmentLength, step: 1, count: segmentLength)
    }
    for m in 0..<segmentLength {
      normalise(&segment, from: m, step: segmentLength, count: bandCount)
    }
  }

  private static func normalise(
    _ values: inout [Double], from first: Int, step: Int, count: Int
  ) {
    var mean = 0.0
    for i in 0..<count { mean += values[first + i * step] }
    mean /= Double(count)
    var power = 0.0
    for i in 0..<count {
      values[first + i * step] -= mean
      power += values[first + i * step] * values[first + i * step]
    }
    let scale = power > 0 ? 1 / power.squareRoot() : 0
    for i in 0..<count { values[first + i * step] *= scale }
  }
}
