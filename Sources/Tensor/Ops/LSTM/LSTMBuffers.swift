import KernelAPI

/// The records of some steps of one direction of one tile.
struct LSTMRecords {
  /// Records [blocks, steps · sequences, i | f | g | o | c].
  private let rows: MatrixView
  /// Rows of a block.
  private let blockRows: Int
  /// Sequences of the tile.
  private let sequences: Int
  /// The logical step of the first records.
  private let firstStep: Int

  /// Room for `steps` steps.
  init(_ parts: inout SlabCarver, _ tile: Tile, _ sizes: LSTMSizes, steps: Int) {
    let blockRows = steps * tile.sequences
    self.init(
      rows: parts.matrix(rows: sizes.blocks * blockRows, columns: lstmRecordCount),
      blockRows: blockRows, sequences: tile.sequences, firstStep: 0)
  }

  private init(rows: MatrixView, blockRows: Int, sequences: Int, firstStep: Int) {
    self.rows = rows
    self.blockRows = blockRows
    self.sequences = sequences
    self.firstStep = firstStep
  }

  /// This room for the steps from `step` on.
  func starting(at step: Int) -> LSTMRecords {
    LSTMRecords(rows: rows, blockRows: blockRows, sequences: sequences, firstStep: step)
  }

  /// Floats between blocks.
  var blockStride: Int { blockRows * rows.stride }

  /// The records of `steps` steps from `step` on, in one block.
  func rows(_ block: Int, _ step: Int, steps: Int = 1) -> MatrixView {
    rows.rows(
      from: block * blockRows + (step - firstStep) * sequences, count: steps * sequences)
  }
}

/// Buffers of one chunk that both passes use.
struct LSTMScratch {
  /// x_t | h_{t−1} of a chunk's steps and one more.
  let rows: MatrixView
  /// Rows [N] in the order of the chunk: fc's output, or the gradient of it.
  let output: MatrixView
  /// Rows of one step where features are no whole vectors.
  let spare: MatrixView
  /// Records of a chunk's steps and the one before, where none are kept.
  let records: LSTMRecords?

  init(
    _ parts: inout SlabCarver, _ tile: Tile, _ sizes: LSTMSizes, chunk: Int, holdsRecords: Bool
  ) {
    rows = parts.matrix(rows: tile.sequences * (chunk + 1), columns: sizes.rowStride)
    output = parts.matrix(rows: tile.sequences * chunk, columns: sizes.features)
    spare = parts.matrix(rows: tile.sequences, columns: sizes.features)
    records = holdsRecords ? LSTMRecords(&parts, tile, sizes, steps: chunk + 1) : nil
  }
}

/// Buffers of the backward pass.
struct LSTMBackwardScratch {
  let forward: LSTMScratch
  /// d/dh from fc [rows of a chunk, H].
  let hidden: MatrixView
  /// d/dx | d/dh of the step before, of a chunk's steps and one more.
  let rows: MatrixView
  /// d/dc [blocks, sequences, 16].
  let cell: MutableFloatPointer
  /// Gates' gradients of one step [sequences, 4H].
  let gates: MatrixView
  /// The records of the tile where they are not kept.
  let room: LSTMRecords?

  init(
    _ parts: inout SlabCarver, _ tile: Tile, _ sizes: LSTMSizes, chunk: Int,
    _ activations: TileActivations<LSTMRecords>
  ) {
    forward = LSTMScratch(&parts, tile, sizes, chunk: chunk, holdsRecords: false)
    hidden = parts.matrix(rows: tile.sequences * chunk, columns: sizes.units)
    rows = parts.matrix(rows: tile.sequences * (chunk + 1), columns: sizes.rowStride)
    cell = parts.vector(tile.sequences * sizes.unitStride)
    gates = parts.matrix(rows: tile.sequences, columns: sizes.gates)
    room = activations.room(&parts, tile)
  }
}

/// The gradient sums of a module.
struct LSTMBlockSums {
  let directions: [LSTMSums]
  let norm: AffineGradients
  /// Sums of the linear layer's bias [N].
  let outputBias: MutableFloatPointer

  init(_ parts: inout SlabCarver, _ sizes: LSTMSizes) {
    var directions: [LSTMSums] = []
    for _ in 0..<sizes.directions { directions.append(LSTMSums(&parts, sizes)) }
    self.directions = directions
    norm = parts.affineGradients(sizes.features)
    outputBias = parts.vector(sizes.features)
  }
}
