import KernelAPI

/// What backward needs of one direction of one tile.
struct MambaPlaces {
  /// in_proj's output [rows, x | z].
  let projected: MutableFloatPointer
  /// x_proj's output [rows, dt | B | C].
  let parameters: MutableFloatPointer
  /// dt after softplus [rows, D].
  let step: MutableFloatPointer
  /// The scan's kept states [sequences, intervals, states, D].
  let checkpoints: MutableFloatPointer
}

/// What a block keeps of one direction, in tile order.
final class MambaActivations {
  private let sizes: MambaSizes
  private let intervals: Int
  private let projected: Storage
  private let parameters: Storage
  private let step: Storage
  private let checkpoints: Storage

  /// Room for all tiles.
  convenience init(_ tiling: MambaTiling, _ sizes: MambaSizes) {
    self.init(rows: tiling.rowCount, tiling, sizes)
  }

  /// Room for the largest tile.
  convenience init(ofOneTileOf tiling: MambaTiling, _ sizes: MambaSizes) {
    self.init(rows: tiling.rowsPerTile, tiling, sizes)
  }

  private init(rows: Int, _ tiling: MambaTiling, _ sizes: MambaSizes) {
    self.sizes = sizes
    intervals = tiling.intervals
    projected = Storage(uninitialized: rows * sizes.gateStride)
    parameters = Storage(uninitialized: rows * sizes.projectionStride)
    step = Storage(uninitialized: rows * sizes.channels)
    checkpoints = Storage(
      uninitialized: rows / max(1, tiling.length) * intervals * sizes.scanStates
        * sizes.channels)
  }

  /// The place of `tile`.
  func at(_ tile: MambaPlace) -> MambaPlaces {
    at(rows: tile.rowsBefore, sequences: tile.sequencesBefore)
  }

  /// The only place, if there is room for one tile.
  var first: MambaPlaces { at(rows: 0, sequences: 0) }

  private func at(rows: Int, sequences: Int) -> MambaPlaces {
    MambaPlaces(
      projected: projected.base + rows * sizes.gateStride,
      parameters: parameters.base + rows * sizes.projectionStride,
      step: step.base + rows * sizes.channels,
      checkpoints: checkpoints.base + sequences * intervals * sizes.scanStates * sizes.channels)
  }
}

/// LayerNorm's parameters as the kernels want them.
struct PackedLayerNorm {
  let weight: PaddedMatrix
  let bias: PaddedMatrix

  init?(_ norm: (weight: Parameter, bias: Parameter)?, _ sizes: MambaSizes) {
    guard let norm else { return nil }
    weight = padded(norm.weight.value, count: sizes.features)
    bias = padded(norm.bias.value, count: sizes.features)
  }
}

/// Buffers of one tile that both passes use.
final class MambaScratch {
  private let storage: Storage
  let input: MutableFloatPointer
  let normalised: MutableFloatPointer
  let sum: MutableFloatPointer
  let convolved: MutableFloatPointer
  let gated: MutableFloatPointer
  let scan: MutableFloatPointer
  let mean: MutableFloatPointer
  let inverse: MutableFloatPointer

  init(_ sizes: MambaSizes, rows: Int) {
    let wide = rows * sizes.featureStride
    let inner = rows * sizes.channels
    let scanCount = selectiveScanScratchCount(channels: sizes.channels, states: sizes.scanStates)
    storage = Storage(
      uninitialized: 3 * wide + 2 * inner + scanCount + 2 * paddedToLanes(rows))
    input = storage.base
    normalised = input + wide
    sum = normalised + wide
    convolved = sum + wide
    gated = convolved + inner
    scan = gated + inner
    mean = scan + scanCount
    inverse = mean + paddedToLanes(rows)
  }
}

/// Further buffers of the backward pass.
final class BackwardScratch {
  private let storage: Storage
  let dout: MutableFloatPointer
  let normalised: MutableFloatPointer
  /// Gradient of the gated scan, then of the convolution's output.
  let gated: MutableFloatPointer
  /// One vector for each step.
  let sequence: MutableFloatPointer

  init(_ sizes: MambaSizes, rows: Int, length: Int) {
    let wide = rows * sizes.featureStride
    let inner = rows * sizes.channels
    storage = Storage(uninitialized: 2 * wide + inner + length * laneCount)
    dout = storage.base
    normalised = dout + wide
    gated = normalised + wide
    sequence = gated + inner
  }
}

/// The gradient sums of a block: of its directions and of its LayerNorm.
final class BlockGradients {
  let directions: [MambaGradients]
  /// LayerNorm's weight, then its bias.
  let norm: Storage
  private let stride: Int

  /// Zeros for `count` directions.
  init(_ sizes: MambaSizes, directions count: Int) {
    directions = (0..<count).map { _ in MambaGradients(sizes) }
    stride = sizes.featureStride
    norm = Storage(count: 2 * stride)
  }

  var normWeight: MutableFloatPointer { norm.base }
  var normBias: MutableFloatPointer { norm.base + stride }

  /// Adds the sums to those of `total` and becomes zero.
  func move(to total: BlockGradients) {
    for (mine, its) in zip(directions, total.directions) { mine.move(to: its) }
    kernels.add(FloatPointer(norm.base), to: total.norm.base, count: norm.count)
    norm.buffer.update(repeating: 0)
  }
}

/// What one thread needs to run tiles backward: buffers and gradient sums of its own.
final class MambaBackwardWorker {
  let scratch: MambaScratch
  let back: BackwardScratch
  let gradients: BlockGradients
  /// Where a tile is run forward again; nil if its activations were kept.
  let own: MambaActivations?

  init(_ tiling: MambaTiling, _ sizes: MambaSizes, directions: Int, recomputes: Bool) {
    scratch = MambaScratch(sizes, rows: tiling.rowsPerTile)
    back = BackwardScratch(sizes, rows: tiling.rowsPerTile, length: tiling.length)
    gradients = BlockGradients(sizes, directions: directions)
    own = recomputes ? MambaActivations(ofOneTileOf: tiling, sizes) : nil
  }
}
