import KernelAPI

/// Where the records of one direction of one tile lie.
struct LSTMRecords {
  /// Block 0, `firstStep`.
  let base: MutableFloatPointer
  /// Floats between blocks.
  let blockStride: Int
  /// The logical step of the first records.
  let firstStep: Int
}

/// The records of one direction of all tiles of a module, kept for backward, or of one tile.
final class LSTMActivations {
  private let sizes: LSTMSizes
  private let length: Int
  private let storage: Storage

  /// Room for all tiles.
  convenience init(_ tiling: LSTMTiling, _ sizes: LSTMSizes) {
    self.init(rows: tiling.rowCount, tiling, sizes)
  }

  /// Room for the largest tile.
  convenience init(ofOneTileOf tiling: LSTMTiling, _ sizes: LSTMSizes) {
    self.init(rows: tiling.sequencesPerTile * tiling.length, tiling, sizes)
  }

  private init(rows: Int, _ tiling: LSTMTiling, _ sizes: LSTMSizes) {
    self.sizes = sizes
    length = tiling.length
    storage = Storage(uninitialized: rows * sizes.blocks * lstmRecordCount)
  }

  /// The place of `tile`.
  func at(_ tile: LSTMTile) -> LSTMRecords { records(of: tile, rowsBefore: tile.rowsBefore) }

  /// The only place, if there is room for one tile.
  func first(_ tile: LSTMTile) -> LSTMRecords { records(of: tile, rowsBefore: 0) }

  private func records(of tile: LSTMTile, rowsBefore: Int) -> LSTMRecords {
    LSTMRecords(
      base: storage.base + rowsBefore * sizes.blocks * lstmRecordCount,
      blockStride: tile.sequences * length * lstmRecordCount, firstStep: 0)
  }
}

/// Buffers of one chunk that both passes use.
final class LSTMScratch {
  private let storage: Storage
  /// x_t | h_{t−1} of a chunk's steps and one more.
  let rows: MutableFloatPointer
  /// Rows [N] in the order of the chunk: fc's output, or the gradient of it.
  let output: MutableFloatPointer
  /// Rows of one step where features are no whole vectors.
  let spare: MutableFloatPointer
  /// Records of a chunk's steps and the one before, where none are kept.
  let records: MutableFloatPointer

  init(_ tiling: LSTMTiling, _ sizes: LSTMSizes, keepsRecords: Bool) {
    let sequences = tiling.sequencesPerTile
    let stepRows = sequences * (tiling.stepsPerChunk + 1)
    let recordCount = keepsRecords ? 0 : stepRows * sizes.blocks * lstmRecordCount
    storage = Storage(
      uninitialized: stepRows * (sizes.rowStride + sizes.featureStride)
        + 2 * sequences * sizes.featureStride + recordCount)
    rows = storage.base
    output = rows + stepRows * sizes.rowStride
    spare = output + stepRows * sizes.featureStride
    records = spare + 2 * sequences * sizes.featureStride
  }
}

/// Further buffers of the backward pass.
final class LSTMBackwardScratch {
  private let storage: Storage
  /// d/dh from fc [rows of a chunk, H].
  let hidden: MutableFloatPointer
  /// d/dx | d/dh of the step before, of a chunk's steps and one more.
  let rows: MutableFloatPointer
  /// d/dc [blocks, sequences, 16].
  let cell: MutableFloatPointer
  /// Gates' gradients of one step [sequences, 4H].
  let gates: MutableFloatPointer

  init(_ tiling: LSTMTiling, _ sizes: LSTMSizes) {
    let sequences = tiling.sequencesPerTile
    let chunk = sequences * tiling.stepsPerChunk
    storage = Storage(
      uninitialized: chunk * sizes.unitStride + (chunk + sequences) * sizes.rowStride
        + sequences * (sizes.unitStride + sizes.gates))
    hidden = storage.base
    rows = hidden + chunk * sizes.unitStride
    cell = rows + (chunk + sequences) * sizes.rowStride
    gates = cell + sequences * sizes.unitStride
  }
}

/// The gradient sums of a module.
final class LSTMBlockGradients {
  let directions: [LSTMGradients]
  private let storage: Storage
  private let stride: Int

  /// Zeros.
  init(_ sizes: LSTMSizes) {
    directions = (0..<sizes.directions).map { _ in LSTMGradients(sizes) }
    stride = sizes.featureStride
    storage = Storage(count: 3 * stride)
  }

  var normWeight: MutableFloatPointer { storage.base }
  var normBias: MutableFloatPointer { storage.base + stride }
  var outputBias: MutableFloatPointer { storage.base + 2 * stride }

  /// Adds the sums to those of `total` and becomes zero.
  func move(to total: LSTMBlockGradients) {
    for (mine, its) in zip(directions, total.directions) { mine.move(to: its) }
    kernels.add(FloatPointer(storage.base), to: total.storage.base, count: storage.count)
    storage.buffer.update(repeating: 0)
  }
}

/// What one thread needs to run tiles backward.
final class LSTMBackwardWorker {
  let scratch: LSTMScratch
  let back: LSTMBackwardScratch
  let gradients: LSTMBlockGradients
  /// Where a tile is run forward again; nil if its records were kept.
  let own: LSTMActivations?

  init(_ tiling: LSTMTiling, _ sizes: LSTMSizes, recomputes: Bool) {
    scratch = LSTMScratch(tiling, sizes, keepsRecords: true)
    back = LSTMBackwardScratch(tiling, sizes)
    gradients = LSTMBlockGradients(sizes)
    own = recomputes ? LSTMActivations(ofOneTileOf: tiling, sizes) : nil
  }
}
