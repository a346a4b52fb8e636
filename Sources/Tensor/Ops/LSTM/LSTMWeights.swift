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

  /// Collects the parameters of one direction.
  public init(
    inputWeight: Parameter, recurrentWeight: Parameter, inputBias: Parameter,
    recurrentBias: Parameter
  ) {
    self.inputWeight = inputWeight
    self.recurrentWeight = recurrentWeight
    self.inputBias = inputBias
    self.recurrentBias = recurrentBias
  }

  var all: [Parameter] { [inputWeight, recurrentWeight, inputBias, recurrentBias] }
}

/// The weights of an LSTM with the direction that it runs in.
public struct DirectedLSTM {
  /// Weights.
  public let parameters: LSTMParameters
  /// Whether it runs from the end of the sequence to its start.
  public let reversed: Bool

  /// Pairs weights with a direction.
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

  /// Calls `body` with the gate rows of each block: `count` of them from `source` in PyTorch's order,
  /// from `target` in blocks.
  func forEachGate(_ body: (_ source: Int, _ target: Int, _ count: Int) -> Void) {
    for block in 0..<blocks {
      let unit = block * laneCount
      for gate in 0..<4 {
        body(gate * units + unit, 4 * unit + gate * laneCount, min(laneCount, units - unit))
      }
    }
  }
}

/// The weights of one direction as the forward step reads them, and fc's part for it.
struct PackedLSTM {
  private let storage: Storage
  /// [blocks, N + H, 64].
  let weights: FloatPointer
  /// Sum of both biases [blocks, 64].
  let bias: FloatPointer
  /// [H, N].
  let output: FloatPointer

  init(_ direction: DirectedLSTM, _ outputWeight: Parameter, _ index: Int, _ sizes: LSTMSizes) {
    let parameters = direction.parameters
    let width = 4 * laneCount
    storage = Storage(
      count: (sizes.rowStride + 1) * sizes.gates + sizes.unitStride * sizes.featureStride)
    let weights = storage.base
    let bias = weights + sizes.rowStride * sizes.gates
    let output = bias + sizes.gates
    sizes.forEachGate { source, target, count in
      let block = weights + target / width * width * sizes.rowStride + target % width
      kernels.transpose(
        FloatPointer(parameters.inputWeight.value + source * sizes.features), rows: count,
        columns: sizes.features, to: block, rowStride: width)
      kernels.transpose(
        FloatPointer(parameters.recurrentWeight.value + source * sizes.units), rows: count,
        columns: sizes.units, to: block + sizes.featureStride * width, rowStride: width)
      for i in 0..<count {
        bias[target + i] =
          parameters.inputBias.value[source + i] + parameters.recurrentBias.value[source + i]
      }
    }
    for j in 0..<sizes.features {
      let row = outputWeight.value + (j * sizes.directions + index) * sizes.units
      for unit in 0..<sizes.units { output[unit * sizes.featureStride + j] = row[unit] }
    }
    self.weights = FloatPointer(weights)
    self.bias = FloatPointer(bias)
    self.output = FloatPointer(output)
  }
}

/// The same as the backward step reads them.
struct BackwardLSTM {
  private let storage: Storage
  /// W_ih | W_hh, rows by blocks [4H, N + H], in panels of columns.
  let weights: FloatPointer
  /// [N, H].
  let output: FloatPointer

  init(_ direction: DirectedLSTM, _ outputWeight: Parameter, _ index: Int, _ sizes: LSTMSizes) {
    let parameters = direction.parameters
    storage = Storage(
      count: sizes.rowStride * sizes.gates + sizes.featureStride * sizes.unitStride)
    let weights = storage.base
    let output = weights + sizes.rowStride * sizes.gates
    /// Puts a part of a row, from `column` on, into the panels.
    func place(_ source: FloatPointer, _ count: Int, row: Int, column: Int) {
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
          FloatPointer(parameters.inputWeight.value + (source + i) * sizes.features),
          sizes.features, row: target + i, column: 0)
        place(
          FloatPointer(parameters.recurrentWeight.value + (source + i) * sizes.units), sizes.units,
          row: target + i, column: sizes.featureStride)
      }
    }
    for j in 0..<sizes.features {
      (output + j * sizes.unitStride).update(
        from: outputWeight.value + (j * sizes.directions + index) * sizes.units,
        count: sizes.units)
    }
    self.weights = FloatPointer(weights)
    self.output = FloatPointer(output)
  }
}

/// Gradient sums of one direction.
final class LSTMGradients {
  private let storage: Storage
  private let sizes: LSTMSizes
  /// By blocks and transposed, as `PackedLSTM` has the weights [blocks, N + H, 64].
  let weights: MutableFloatPointer
  /// [4H].
  let bias: MutableFloatPointer
  /// [N, H].
  let output: MutableFloatPointer

  init(_ sizes: LSTMSizes) {
    self.sizes = sizes
    storage = Storage(
      count: (sizes.rowStride + 1) * sizes.gates + sizes.featureStride * sizes.unitStride)
    weights = storage.base
    bias = weights + sizes.rowStride * sizes.gates
    output = bias + sizes.gates
  }

  /// Adds the sums to those of `total` and becomes zero.
  func move(to total: LSTMGradients) {
    kernels.add(FloatPointer(storage.base), to: total.storage.base, count: storage.count)
    storage.buffer.update(repeating: 0)
  }

  /// Adds the sums to the parameters' gradients.
  func finish(_ parameters: LSTMParameters, _ outputWeight: Parameter, _ index: Int) {
    let width = 4 * laneCount
    let transposed = Storage(uninitialized: sizes.gates * sizes.rowStride)
    for block in 0..<sizes.blocks {
      let start = block * width * sizes.rowStride
      kernels.transpose(
        FloatPointer(weights + start), rows: sizes.rowStride, columns: width,
        to: transposed.base + start, rowStride: sizes.rowStride)
    }
    sizes.forEachGate { source, target, count in
      for i in 0..<count {
        let row = transposed.base + (target + i) * sizes.rowStride
        kernels.add(
          FloatPointer(row), to: parameters.inputWeight.gradient + (source + i) * sizes.features,
          count: sizes.features)
        kernels.add(
          FloatPointer(row + sizes.featureStride),
          to: parameters.recurrentWeight.gradient + (source + i) * sizes.units, count: sizes.units)
      }
      kernels.add(
        FloatPointer(bias + target), to: parameters.inputBias.gradient + source, count: count)
      kernels.add(
        FloatPointer(bias + target), to: parameters.recurrentBias.gradient + source, count: count)
    }
    for j in 0..<sizes.features {
      kernels.add(
        FloatPointer(output + j * sizes.unitStride),
        to: outputWeight.gradient + (j * sizes.directions + index) * sizes.units,
        count: sizes.units)
    }
  }
}
