/// Floats of what is kept of sixteen units of an LSTM at one step: a vector each of the gates i, f,
/// g and o after their functions, and of the cell c. Backward puts the gates' gradients in the
/// gates' places.
public let lstmRecordCount = 5 * laneCount

/// Columns of the panels in which the backward step reads its weights: one after the other, each
/// panel's rows without anything between.
public let lstmPanelWidth = 4 * laneCount

/// One step of an LSTM for several sequences at once.
///
/// Units come in blocks of sixteen. A block's records [rows, i | f | g | o | c] lie one after the
/// other, so that a product writes the four gates of a block as 64 columns, and what follows finds
/// them in the nearest cache.
public struct LSTMStep {
  /// Sequences.
  public let rows: Int
  /// Input features N, padded.
  public let inputs: Int
  /// Units H, padded.
  public let hidden: Int
  /// This step's records in the first block.
  public let records: MutableFloatPointer
  /// The records of the step before in the first block; nil at the start, where h and c are zero.
  public let previous: FloatPointer?
  /// Floats from the records of one block to those of the next.
  public let blockStride: Int

  /// Step of `rows` sequences whose records the caller keeps in memory.
  public init(
    rows: Int, inputs: Int, hidden: Int, records: MutableFloatPointer, previous: FloatPointer?,
    blockStride: Int
  ) {
    self.rows = rows
    self.inputs = inputs
    self.hidden = hidden
    self.records = records
    self.previous = previous
    self.blockStride = blockStride
  }

  /// Floats of a row that holds the step's input beside the state before it: x_t | h_{t−1}.
  public var rowStride: Int { inputs + hidden }
  /// Blocks of sixteen units.
  public var blocks: Int { hidden / laneCount }
}

/// The buffers that one step of an LSTM backward reads and writes.
public struct LSTMStepGradients {
  /// d/dh_t from above [rows, H].
  public let hidden: FloatPointer
  /// d/dh_t from the step after, rows `LSTMStep.rowStride` apart; nil at the last step.
  public let next: FloatPointer?
  /// d/dc from the step after [blocks, rows, 16], made d/dc of the step before.
  public let cell: MutableFloatPointer
  /// W_ih | W_hh by blocks [4H, N + H], the rows of a block being i, f, g and o of its units, in
  /// panels of `lstmPanelWidth` columns and a narrower last one.
  public let weights: FloatPointer
  /// Scratch of [rows, 4H].
  public let gates: MutableFloatPointer
  /// d/dx_t | d/dh_{t−1} [rows, N + H]; at the start of the sequence only the first.
  public let input: MutableFloatPointer
  /// h_t again, rows `LSTMStep.rowStride` apart.
  public let state: MutableFloatPointer

  /// Buffers of one step, which the caller keeps in memory.
  public init(
    hidden: FloatPointer, next: FloatPointer?, cell: MutableFloatPointer, weights: FloatPointer,
    gates: MutableFloatPointer, input: MutableFloatPointer, state: MutableFloatPointer
  ) {
    self.hidden = hidden
    self.next = next
    self.cell = cell
    self.weights = weights
    self.gates = gates
    self.input = input
    self.state = state
  }
}
