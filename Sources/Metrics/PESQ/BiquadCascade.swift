extension PESQ {
  /// A second-order section, `y[n] = b0 x[n] + b1 x[n-1] + b2 x[n-2] - a1 y[n-1] - a2 y[n-2]`.
  struct Biquad {
    let b0, b1, b2, a1, a2: Double

    init(_ b0: Double, _ b1: Double, _ b2: Double, _ a1: Double, _ a2: Double) {
      (self.b0, self.b1, self.b2, self.a1, self.a2) = (b0, b1, b2, a1, a2)
    }
  }

  /// Second-order sections in series, zero initial state, computed in double precision.
  struct BiquadCascade {
    let sections: [Biquad]

    /// Filters `samples[range]` in place.
    func filter(_ samples: inout [Float], in range: Range<Int>) {
      var state = [Double](repeating: 0, count: 2 * sections.count)
      var start = range.lowerBound
      while start < range.upperBound {
        let end = min(start + Layout.block, range.upperBound)
        for n in start..<end {
          var value = Double(samples[n])
          for k in 0..<sections.count {
            let section = sections[k]
            let output = section.b0 * value + state[2 * k]
            state[2 * k] = section.b1 * value - section.a1 * output + state[2 * k + 1]
            state[2 * k + 1] = section.b2 * value - section.a2 * output
            value = output
          }
          samples[n] = Float(value)
        }
        // A long digital silence would let the state decay into slow denormals.
        for k in 0..<state.count where state[k].magnitude < 1e-60 { state[k] = 0 }
        start = end
      }
    }
  }
}
