import Foundation
import Tensor

/// The weights of one Mamba, [out, in] matrices flattened by rows, under mamba_ssm's names.
struct MambaReferenceWeights {
  let inProjection: [Double]
  let convolutionWeight: [Double]
  let convolutionBias: [Double]
  let xProjection: [Double]
  let deltaWeight: [Double]
  let deltaBias: [Double]
  let aLog: [Double]
  let d: [Double]
  let outProjection: [Double]
}

extension Reference {
  /// One sequence u [L, N] through a Mamba with D inner features: out [L, N].
  ///
  /// `states` is d_state, `rank` dt_rank. Reversed: flipped along L, run, flipped back.
  static func mamba(
    _ u: [[Double]], _ w: MambaReferenceWeights, states: Int, rank: Int, reversed: Bool
  ) -> [[Double]] {
    if reversed {
      let flipped = mamba(
        u.reversed(), w, states: states, rank: rank, reversed: false)
      return flipped.reversed()
    }
    let inner = w.d.count
    let taps = w.convolutionWeight.count / inner
    var x: [[Double]] = []
    var z: [[Double]] = []
    for row in u {
      let both = linear(row, w.inProjection)
      x.append(Array(both[..<inner]))
      z.append(Array(both[inner...]))
    }

    var h = [Double](repeating: 0, count: inner * states)
    return u.indices.map { t in
      let convolved = (0..<inner).map { d in
        var sum = w.convolutionBias[d]
        for j in 0..<taps where t - (taps - 1) + j >= 0 {
          sum += w.convolutionWeight[d * taps + j] * x[t - (taps - 1) + j][d]
        }
        return silu(sum)
      }
      let projected = linear(convolved, w.xProjection)
      let b = projected[rank..<rank + states]
      let c = projected[(rank + states)...]
      let delta = linear(Array(projected[..<rank]), w.deltaWeight, w.deltaBias).map(softplus)
      let gated = (0..<inner).map { d in
        var y = w.d[d] * convolved[d]
        for n in 0..<states {
          let a = -exp(w.aLog[d * states + n])
          h[d * states + n] =
            exp(delta[d] * a) * h[d * states + n]
            + delta[d] * convolved[d] * b[b.startIndex + n]
          y += h[d * states + n] * c[c.startIndex + n]
        }
        return y * silu(z[t][d])
      }
      return linear(gated, w.outProjection)
    }
  }

  /// One sequence x [L, N] through a residual block:
  /// out = x + Σ over directions of Mamba(LayerNorm(x)).
  static func mambaBlock(
    _ x: [[Double]], normWeight: [Double], normBias: [Double],
    directions: [(weights: MambaReferenceWeights, reversed: Bool)], states: Int, rank: Int
  ) -> [[Double]] {
    let n = x.map { normalise($0, normWeight, normBias) }
    return directions.reduce(x) { sum, direction in
      let y = mamba(
        n, direction.weights, states: states, rank: rank, reversed: direction.reversed)
      return zip(sum, y).map { zip($0, $1).map { $0 + $1 } }
    }
  }
}
