import Foundation

/// The weights of one direction of an LSTM, flattened by rows, as torch.nn.LSTM has them.
struct LSTMReferenceWeights {
  let input: [Double]
  let recurrent: [Double]
  let inputBias: [Double]
  let recurrentBias: [Double]
}

extension Reference {
  /// One sequence x [L, N] through an LSTM: its states h [L, H]. Reversed: flipped along L, run,
  /// flipped back.
  static func lstm(
    _ x: [[Double]], _ w: LSTMReferenceWeights, reversed: Bool
  ) -> [[Double]] {
    if reversed {
      let flipped = lstm(x.reversed(), w, reversed: false)
      return flipped.reversed()
    }
    let units = w.inputBias.count / 4
    var h = [Double](repeating: 0, count: units)
    var c = h
    return x.map { row in
      let fromInput = linear(row, w.input, w.inputBias)
      let fromState = linear(h, w.recurrent, w.recurrentBias)
      let gates = zip(fromInput, fromState).map { $0 + $1 }
      for u in 0..<units {
        let i = sigmoid(gates[u])
        let f = sigmoid(gates[units + u])
        let g = tanh(gates[2 * units + u])
        let o = sigmoid(gates[3 * units + u])
        c[u] = f * c[u] + i * g
        h[u] = o * tanh(c[u])
      }
      return h
    }
  }
}
