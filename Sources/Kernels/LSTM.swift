import KernelAPI

// An LSTM, one step for several sequences at once:
//
//   i, f, g, o = split(W_ih·x_t + b_ih + W_hh·h_{t−1} + b_hh)
//   c_t = σ(f) ⊙ c_{t−1} + σ(i) ⊙ tanh(g),   h_t = σ(o) ⊙ tanh(c_t)
//
// x_t and h_{t−1} lie side by side, so that one product makes all four gates of sixteen units, and
// their functions follow while the gates lie in the nearest cache.
//
// Backward, with dh the sum of what comes from above and from the step after, and gates after their
// functions:
//   do = dh·tanh(c)·o·(1 − o),  dc += dh·o·(1 − tanh²(c)),
//   di = dc·g·i·(1 − i),  dg = dc·i·(1 − g²),  df = dc·c_{t−1}·f·(1 − f),  dc_{t−1} = dc·f,
// and the products of (di, df, dg, do) with W_ih and W_hh, again side by side.
// Source: Hochreiter and Schmidhuber 1997, Gers et al. 2000; gradients by the chain rule.

/// Columns of a block's gates.
private let gateCount = 4 * laneCount

/// Asks for the record at `p`, which is needed one step later: records come from memory, or go
/// there, and no automaton of the processor follows a step's blocks.
@inline(__always)
private func prefetchRecord(_ p: FloatPointer) {
  cachePrefetch(p)
  cachePrefetch(p + laneCount)
  cachePrefetch(p + 2 * laneCount)
  cachePrefetch(p + 3 * laneCount)
  cachePrefetch(p + 4 * laneCount)
}

extension Kernels {
  /// Gates, cell and state of one step.
  public static func lstmStepForward(
    _ step: LSTMStep, input: FloatPointer, weights: FloatPointer, bias: FloatPointer,
    state: MutableFloatPointer
  ) {
    let depth = step.previous == nil ? step.inputs : step.rowStride
    let a = MatrixView(reading: input, rows: step.rows, columns: depth, stride: step.rowStride)
    var block = 0
    while block < step.blocks {
      let records = step.records + block * step.blockStride
      matrixProduct(
        a,
        MatrixView(
          reading: weights + block * step.rowStride * gateCount, rows: depth, columns: gateCount),
        into: MatrixView(
          records, rows: step.rows, columns: gateCount, stride: lstmRecordCount),
        .bias(bias + block * gateCount))
      let previous = step.previous.map { $0 + block * step.blockStride }
      var row = 0
      while row < step.rows {
        let p = records + row * lstmRecordCount
        // The next step's; after the last it is another's, or none.
        prefetchRecord(FloatPointer(p + step.rows * lstmRecordCount))
        let i = sigmoid(load(p))
        let f = sigmoid(load(p + laneCount))
        let g = vectorTanh(load(p + 2 * laneCount))
        let o = sigmoid(load(p + 3 * laneCount))
        var c = i * g
        if let previous {
          c = c.addingProduct(f, load(previous + (row * lstmRecordCount + 4 * laneCount)))
        }
        store(i, p)
        store(f, p + laneCount)
        store(g, p + 2 * laneCount)
        store(o, p + 3 * laneCount)
        store(c, p + 4 * laneCount)
        store(o * vectorTanh(c), state + (row * step.rowStride + block * laneCount))
        row += 1
      }
      block += 1
    }
  }

  /// Gradients of one step.
  public static func lstmStepBackward(_ step: LSTMStep, _ gradients: LSTMStepGradients) {
    let one = Vector(repeating: 1)
    let gateStride = 4 * step.hidden
    var block = 0
    while block < step.blocks {
      let records = step.records + block * step.blockStride
      let previous = step.previous.map { $0 + block * step.blockStride }
      let cell = gradients.cell + block * step.rows * laneCount
      let column = block * laneCount
      var row = 0
      while row < step.rows {
        let p = records + row * lstmRecordCount
        if let previous { prefetchRecord(previous + row * lstmRecordCount) }
        let i = load(p)
        let f = load(p + laneCount)
        let g = load(p + 2 * laneCount)
        let o = load(p + 3 * laneCount)
        let t = vectorTanh(load(p + 4 * laneCount))
        store(o * t, gradients.state + (row * step.rowStride + column))
        var dh = load(gradients.hidden + (row * step.hidden + column))
        if let next = gradients.next { dh += load(next + (row * step.rowStride + column)) }
        let dho = dh * o
        let dout = dho * t * (one - o)
        let dc = load(cell + row * laneCount).addingProduct(dho, one - t * t)
        let dci = dc * i
        let dcf = dc * f
        let di = dci * g * (one - i)
        let dg = dci * (one - g * g)
        var df = Vector(repeating: 0)
        if let previous {
          df =
            dcf * load(previous + (row * lstmRecordCount + 4 * laneCount)) * (one - f)
        }
        store(dcf, cell + row * laneCount)
        store(di, p)
        store(df, p + laneCount)
        store(dg, p + 2 * laneCount)
        store(dout, p + 3 * laneCount)
        let gates = gradients.gates + (row * gateStride + block * gateCount)
        store(di, gates)
        store(df, gates + laneCount)
        store(dg, gates + 2 * laneCount)
        store(dout, gates + 3 * laneCount)
        row += 1
      }
      block += 1
    }
    let a = MatrixView(gradients.gates, rows: step.rows, columns: gateStride)
    let columns = step.previous == nil ? step.inputs : step.rowStride
    var column = 0
    while column < columns {
      let left = step.rowStride - column
      let panel = left < lstmPanelWidth ? left : lstmPanelWidth
      let width = columns - column < panel ? columns - column : panel
      matrixProduct(
        a,
        MatrixView(
          reading: gradients.weights + column * gateStride, rows: gateStride, columns: width,
          stride: panel),
        into: MatrixView(
          gradients.input + column, rows: step.rows, columns: width, stride: step.rowStride),
        .overwrite)
      column += panel
    }
  }

  /// h_t = σ(o) ⊙ tanh(c_t)
  public static func lstmState(_ step: LSTMStep, state: MutableFloatPointer) {
    var block = 0
    while block < step.blocks {
      var row = 0
      while row < step.rows {
        let p = step.records + (block * step.blockStride + row * lstmRecordCount)
        store(
          load(p + 3 * laneCount) * vectorTanh(load(p + 4 * laneCount)),
          state + (row * step.rowStride + block * laneCount))
        row += 1
      }
      block += 1
    }
  }
}
