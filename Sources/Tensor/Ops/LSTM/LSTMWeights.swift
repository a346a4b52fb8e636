import KernelAPI

/// The parameters of one direction of an LSTM with N inputs and H units, as torch.nn.LSTM has them;
/// the 4H rows are the gates i, f, g and o.
public struct LSTMParameters {
  /// `weight_ih_l0` [4H, N].
  public let inputWeight: Parameter
  /// `weight_hh_l0` [4H, H].
  public let recurrentWeight: Parameter
  /// `bias_ih_l0` [4H].
  public let inputBias: Parameter
  /// `bias_hh_l0` [4H].
  public let recurrentBias: Parameter

  /// Parameters of one direction, in the shapes of torch.nn.LSTM.
  public init(
    inputWeight: Parameter, recurrentWeight: Parameter, inputBias: Parameter,
    recurrentBias: Parameter
  ) {
    self.inputWeight = inputWeight
    self.recurrentWeight = recurrentWeight
    self.inputBias = inputBias
    self.recurrentBias = recurrentBias
  }

  /// All of them, in the order of their registration.
  public var all: [Parameter] { [inputWeight, recurrentWeight, inputBias, recurrentBias] }
}

/// The parameters of an LSTM with the direction that it runs in.
public struct DirectedLSTM {
  /// The parameters.
  public let parameters: LSTMParameters
  /// Whether it runs from the end of the sequence to its start.
  public let reversed: Bool

  /// LSTM that starts at the last step if `reversed`.
  public init(_ parameters: LSTMParameters, reversed: Bool) {
    self.parameters = parameters
    self.reversed = reversed
  }
}

/// The sizes of an LSTM module, as they are and padded to whole vectors.
struct LSTMSizes {
  /// N.
  let features: Int
  /// H.
  let units: Int
  let directions: Int
  let featureStride: Int
  let unitStride: Int

  init(_ parameters: LSTMParameters, directions: Int) {
    features = parameters.inputWeight.shape[1]
    units = parameters.recurrentWeight.shape[1]
    self.directions = directions
    featureStride = paddedToLanes(features)
    unitStride = paddedToLanes(units)
  }

  /// Blocks of sixteen units.
  var blocks: Int { unitStride / laneCount }
  /// Floats of x_t | h_{t−1}.
  var rowStride: Int { featureStride + unitStride }
  /// Rows of all gates.
  var gates: Int { 4 * unitStride }
  /// Columns of the gates of a block.
  var blockWidth: Int { 4 * laneCount }

  /// Calls `body` with the gate rows of each block: `count` of them from `source` in PyTorch's
  /// order, from `target` in blocks.
  func forEachGate(_ body: (_ source: Int, _ target: Int, _ count: Int) -> Void) {
    for block in 0..<blocks {
      let unit = block * laneCount
      for gate in 0..<4 {
        body(gate * units + unit, 4 * unit + gate * laneCount, min(laneCount, units - unit))
      }
    }
  }

  /// The part of the linear layer's weight [N, directions · H], or of its gradient, that belongs to
  /// direction `index`; its rows are not padded.
  func part(_ index: Int, of output: MutableFloatPointer) -> MatrixView {
    MatrixView(
      output + index * units, rows: features, columns: units, stride: directions * units)
  }
}

/// The weights of one direction as the forward step reads them, and the linear layer's part for it.
struct PackedLSTM {
  private let slab: Slab
  /// [blocks, N + H, 64].
  let weights: MatrixView
  /// Sum of both biases [blocks, 64].
  let bias: MutableFloatPointer
  /// [H with padding, N].
  let output: MatrixView

  init(_ direction: DirectedLSTM, _ outputWeight: Parameter, _ index: Int, _ sizes: LSTMSizes) {
    let parameters = direction.parameters
    let (slab, (weights, bias, output)) = Slab.carved(zeroed: true) { parts in
      (
        parts.matrix(rows: sizes.blocks * sizes.rowStride, columns: sizes.blockWidth),
        parts.vector(sizes.gates), parts.matrix(rows: sizes.unitStride, columns: sizes.features)
      )
    }
    sizes.forEachGate { source, target, count in
      let block = weights.columns(from: target % sizes.blockWidth, count: count)
      func place(_ weight: Parameter, behind column: Int) {
        let columns = weight.shape[1]
        kernels.transpose(
          MatrixView(
            weight.value + source * columns, rows: count, columns: columns, stride: columns),
          into: block.rows(
            from: target / sizes.blockWidth * sizes.rowStride + column, count: columns))
      }
      place(parameters.inputWeight, behind: 0)
      place(parameters.recurrentWeight, behind: sizes.featureStride)
      kernels.sum(
        parameters.inputBias.value + source, parameters.recurrentBias.value + source, count: count,
        out: bias + target)
    }
    kernels.transpose(
      sizes.part(index, of: outputWeight.value), into: output.rows(from: 0, count: sizes.units))
    (self.slab, self.weights, self.bias, self.output) = (slab, weights, bias, output)
  }
}

/// The weights of one direction as the backward step reads them.
struct BackwardLSTM {
  private let slab: Slab
  /// W_ih | W_hh, rows by blocks [4H, N + H], in panels of columns.
  let weights: MutableFloatPointer
  /// [N, H].
  let output: MatrixView

  init(_ direction: DirectedLSTM, _ outputWeight: Parameter, _ index: Int, _ sizes: LSTMSizes) {
    let parameters = direction.parameters
    let (slab, (weights, output)) = Slab.carved(zeroed: true) { parts in
      (
        parts.vector(sizes.rowStride * sizes.gates),
        parts.matrix(rows: sizes.features, columns: sizes.units)
      )
    }
    /// Puts a part of a row, from `column` on, into the panels.
    func place(_ source: MutableFloatPointer, _ count: Int, row: Int, column: Int) {
      var done = 0
      while done < count {
        let at = column + done
        let panel = at / lstmPanelWidth * lstmPanelWidth
        let width = min(lstmPanelWidth, sizes.rowStride - panel)
        let part = min(count - done, panel + width - at)
        (weights + panel * sizes.gates + row * width + (at - panel)).update(
          from: source + done, count: part)
        done += part
      }
    }
    sizes.forEachGate { source, target, count in
      for i in 0..<count {
        place(
          parameters.inputWeight.value + (source + i) * sizes.features, sizes.features,
          row: target + i, column: 0)
        place(
          parameters.recurrentWeight.value + (source + i) * sizes.units, sizes.units,
          row: target + i, column: sizes.featureStride)
      }
    }
    output.copy(sizes.part(index, of: outputWeight.value))
    (self.slab, self.weights, self.output) = (slab, weights, output)
  }
}

/// Gradient sums of one direction.
struct LSTMSums {
  /// By blocks and transposed, as `PackedLSTM` has the weights [blocks, N + H, 64].
  let weights: MatrixView
  /// [4H].
  let bias: MutableFloatPointer
  /// [N, H with padding].
  let output: MatrixView
  private let sizes: LSTMSizes

  init(_ parts: inout SlabCarver, _ sizes: LSTMSizes) {
    self.sizes = sizes
    weights = parts.matrix(rows: sizes.blocks * sizes.rowStride, columns: sizes.blockWidth)
    bias = parts.vector(sizes.gates)
    output = parts.matrix(rows: sizes.features, columns: sizes.unitStride)
  }

  /// Adds the sums to the parameters' gradients.
  func finish(_ parameters: LSTMParameters, _ outputWeight: Parameter, _ index: Int) {
    let (slab, transposed) = Slab.carved {
      $0.matrix(rows: sizes.gates, columns: sizes.rowStride)
    }
    for block in 0..<sizes.blocks {
      kernels.transpose(
        weights.rows(from: block * sizes.rowStride, count: sizes.rowStride),
        into: transposed.rows(from: block * sizes.blockWidth, count: sizes.blockWidth))
    }
    sizes.forEachGate { source, target, count in
      let rows = transposed.rows(from: target, count: count)
      rows.columns(from: 0, count: sizes.features).add(
        to: parameters.inputWeight.gradient + source * sizes.features)
      rows.columns(from: sizes.featureStride, count: sizes.units).add(
        to: parameters.recurrentWeight.gradient + source * sizes.units)
      kernels.add(bias + target, to: parameters.inputBias.gradient + source, count: count)
      kernels.add(bias + target, to: parameters.recurrentBias.gradient + source, count: count)
    }
    withExtendedLifetime(slab) {}
    let gradient = sizes.part(index, of: outputWeight.gradient)
    for j in 0..<sizes.features {
      kernels.add(output.row(j), to: gradient.row(j), count: sizes.units)
    }
  }
}
