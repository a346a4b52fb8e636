import Foundation

extension Reference {
  /// One band of w bins of one utterance: its rows [T, 2w], `bin0.re, bin0.im, bin1.re, …`, to
  /// [T, N] by GroupNorm (one group) and a Linear.
  static func splitBand(
    _ x: [Double], normWeight: [Double], normBias: [Double], weight: [Double], bias: [Double]
  ) -> [Double] {
    normalise(x, normWeight, normBias).rows(normWeight.count).flatMap { linear($0, weight, bias) }
  }

  /// The mask [T][w·τ·2] of one band of one utterance from its features z [T, N]:
  /// GroupNorm → Linear → tanh → Linear → GLU, ordered [w, τ, re/im] in a frame.
  static func mask(
    _ z: [Double], normWeight: [Double], normBias: [Double], weight1: [Double], bias1: [Double],
    weight2: [Double], bias2: [Double]
  ) -> [[Double]] {
    normalise(z, normWeight, normBias).rows(normWeight.count).map { row in
      let hidden = linear(row, weight1, bias1).map { tanh($0) }
      let gates = linear(hidden, weight2, bias2)
      let half = gates.count / 2
      return (0..<half).map { gates[$0] * sigmoid(gates[half + $0]) }
    }
  }

  /// Ŝ[t] = Σ_j M[t, j]·X[t + j − (τ−1)/2] of one bin f, complex, zero outside the utterance.
  ///
  /// `x` is the bin as T pairs; `mask` as above, of the bin's band.
  static func filter(_ x: [[Double]], mask: [[Double]], bin f: Int, taps: Int) -> [[Double]] {
    x.indices.map { t in
      var (re, im) = (0.0, 0.0)
      for j in 0..<taps {
        let from = t + j - (taps - 1) / 2
        guard x.indices.contains(from) else { continue }
        let (mr, mi) = (mask[t][(f * taps + j) * 2], mask[t][(f * taps + j) * 2 + 1])
        re += mr * x[from][0] - mi * x[from][1]
        im += mr * x[from][1] + mi * x[from][0]
      }
      return [re, im]
    }
  }
}
