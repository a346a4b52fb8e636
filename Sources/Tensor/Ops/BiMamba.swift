import KernelAPI

/// The axis of [B, K, T, N] that a block runs along.
public enum SequenceAxis: Sendable {
  /// Along T: one sequence for each utterance and band (IntraBand).
  case time
  /// Along K: one sequence for each utterance and frame (CrossBand).
  case band
}

/// The Mambas of a block with the directions that they run in.
public struct DirectedMamba {
  /// Weights.
  public let parameters: MambaParameters
  /// Whether it runs from the end of the sequence to its start.
  public let reversed: Bool

  /// Pairs weights with a direction.
  public init(_ parameters: MambaParameters, reversed: Bool) {
    self.parameters = parameters
    self.reversed = reversed
  }
}

/// out = x + Σ over directions of Mamba(LayerNorm(x)), along one axis of `x` [B, K, T, N].
///
/// Works tile by tile: a tile is one sequence along time, or some frames of all bands, about 250
/// rows, and goes through LayerNorm, in_proj, convolution, x_proj, dt_proj, scan, gate and out_proj
/// while it lies in the cache; both directions share its LayerNorm. Nothing is flipped or
/// transposed. For backward it keeps in_proj's, x_proj's and dt_proj's outputs and the scan's
/// checkpoints; the rest is cheaper to compute again than to store.
///
/// - Parameters:
///   - x: [B, K, T, N], any scale.
///   - normWeight: LayerNorm weight [N]; eps 1e-5.
///   - normBias: LayerNorm bias [N].
/// - Returns: [B, K, T, N].
public func mambaBlock(
  _ x: Tensor, along axis: SequenceAxis, normWeight: Parameter, normBias: Parameter,
  directions: [DirectedMamba], _ tape: Tape
) -> Tensor {
  MambaBlock(x.shape, axis: axis, norm: (normWeight, normBias), directions: directions)
    .record(x, tape)
}

/// One bare Mamba over sequences: u [M, L, N] to [M, L, N], without norm and residual.
///
/// The equations are mamba_ssm's (Gu and Dao 2023); `mambaBlock` says how they run here.
public func mamba(_ u: Tensor, _ mamba: DirectedMamba, _ tape: Tape) -> Tensor {
  precondition(u.shape.count == 3, "mamba: expected [M, L, N], got \(u.shape)")
  let shape = [u.shape[0], 1, u.shape[1], u.shape[2]]
  return MambaBlock(shape, axis: .time, norm: nil, directions: [mamba]).record(u, tape)
}

/// What a block keeps of one direction, in tile order.
private final class SavedDirection {
  let projected: Storage
  let parameters: Storage
  let step: Storage
  let checkpoints: Storage

  init(rows: Int, checkpoints: Int, _ sizes: MambaSizes) {
    projected = Storage(uninitialized: rows * sizes.gateStride)
    parameters = Storage(uninitialized: rows * sizes.projectionStride)
    step = Storage(uninitialized: rows * sizes.channels)
    self.checkpoints = Storage(
      uninitialized: checkpoints * sizes.scanStates * sizes.channels)
  }
}

/// The rows of one tile and where they lie in [B, K, T, N].
private struct Tile {
  /// Offset of the first row.
  let offset: Int
  /// Sequences in the tile.
  let sequences: Int
  /// Number of rows, and of sequences, in the tiles before.
  let rowsBefore: Int
  let sequencesBefore: Int
}

private final class MambaBlock {
  /// LayerNorm before the Mambas and x added behind them; nil for neither.
  private let norm: (weight: Parameter, bias: Parameter)?
  private let directions: [DirectedMamba]
  private let sizes: MambaSizes
  private let length: Int
  /// Floats from one sequence of a tile, and from one step, to the next.
  private let sequenceStride: Int
  private let stepStride: Int
  private let tiles: [Tile]
  private let rowsPerTile: Int
  private let rowCount: Int

  init(
    _ shape: [Int], axis: SequenceAxis, norm: (weight: Parameter, bias: Parameter)?,
    directions: [DirectedMamba]
  ) {
    precondition(shape.count == 4, "mambaBlock: expected [B, K, T, N], got \(shape)")
    self.norm = norm
    self.directions = directions
    sizes = MambaSizes(directions[0].parameters)
    let (batch, bands, frames, features) = (shape[0], shape[1], shape[2], shape[3])
    precondition(
      features == sizes.features, "mambaBlock: \(features) features, weights for \(sizes.features)")
    rowCount = batch * bands * frames
    var tiles: [Tile] = []
    switch axis {
    case .time:
      length = frames
      sequenceStride = frames * features
      stepStride = features
      // Short utterances share a tile, so that the products have enough rows.
      let together = max(1, 256 / max(1, frames))
      for first in stride(from: 0, to: batch * bands, by: together) {
        tiles.append(
          Tile(
            offset: first * sequenceStride, sequences: min(together, batch * bands - first),
            rowsBefore: first * frames, sequencesBefore: first))
      }
      rowsPerTile = min(together, batch * bands) * frames
    case .band:
      length = bands
      sequenceStride = features
      stepStride = frames * features
      let together = max(1, 256 / max(1, bands))
      for utterance in 0..<batch {
        for frame in stride(from: 0, to: frames, by: together) {
          let before = utterance * frames + frame
          tiles.append(
            Tile(
              offset: (utterance * bands * frames + frame) * features,
              sequences: min(together, frames - frame), rowsBefore: before * bands,
              sequencesBefore: before))
        }
      }
      rowsPerTile = min(together, frames) * bands
    }
    self.tiles = tiles
  }

  /// Runs forward and records backward.
  func record(_ x: Tensor, _ tape: Tape) -> Tensor {
    let out = Tensor(uninitialized: x.shape)
    let saved = forward(x, out, keepsActivations: tape.isRecording)
    tape.record { self.backward(x, out, saved) }
    return out
  }

  private var intervals: Int { scanCheckpointCount(length: length) }

  /// The tile's rows with zero-padded features: in place where they already lie so.
  private func gather(
    _ source: FloatPointer, _ tile: Tile, into scratch: MutableFloatPointer
  ) -> FloatPointer {
    if stepStride == sizes.features && sizes.featureStride == sizes.features {
      return source + tile.offset
    }
    for sequence in 0..<tile.sequences {
      for step in 0..<length {
        let target = scratch + (sequence * length + step) * sizes.featureStride
        let from = source + tile.offset + sequence * sequenceStride + step * stepStride
        target.update(from: from, count: sizes.features)
        for j in sizes.features..<sizes.featureStride { target[j] = 0 }
      }
    }
    return FloatPointer(scratch)
  }

  /// The tile's rows to their places in `out`, plus the same places of `base` where there is a
  /// residual; `out` and `base` may be the same.
  private func scatter(
    _ rows: FloatPointer, plus base: FloatPointer, to out: MutableFloatPointer, _ tile: Tile
  ) {
    for sequence in 0..<tile.sequences {
      for step in 0..<length {
        let at = tile.offset + sequence * sequenceStride + step * stepStride
        let from = rows + (sequence * length + step) * sizes.featureStride
        if norm == nil {
          for j in 0..<sizes.features { out[at + j] = from[j] }
        } else {
          for j in 0..<sizes.features { out[at + j] = base[at + j] + from[j] }
        }
      }
    }
  }

  private func sequences(_ tile: Tile, _ direction: DirectedMamba) -> TileSequences {
    TileSequences(count: tile.sequences, length: length, reversed: direction.reversed)
  }

  func forward(_ x: Tensor, _ out: Tensor, keepsActivations: Bool) -> [SavedDirection] {
    let layerNorm = PackedLayerNorm(norm, sizes)
    let packed = directions.map { PackedMamba($0.parameters) }
    let saved = directions.map { _ in
      SavedDirection(
        rows: keepsActivations ? rowCount : rowsPerTile,
        checkpoints: keepsActivations ? rowCount / max(1, length) * intervals : 0, sizes)
    }
    let scratch = TileScratch(sizes, rows: rowsPerTile)
    for tile in tiles {
      let rows = tile.sequences * length
      let input = gather(FloatPointer(x.base), tile, into: scratch.input)
      let normalised = normalise(input, rows, layerNorm, scratch)
      for (index, direction) in directions.enumerated() {
        let weights = packed[index]
        let sequences = sequences(tile, direction)
        let at = keepsActivations ? tile.rowsBefore : 0
        let projected = saved[index].projected.base + at * sizes.gateStride
        let parameters = saved[index].parameters.base + at * sizes.projectionStride
        let step = saved[index].step.base + at * sizes.channels
        let checkpoints =
          saved[index].checkpoints.base
          + tile.sequencesBefore * intervals * sizes.scanStates * sizes.channels
        matrixProduct(
          rows, sizes.gateStride, sizes.features,
          StridedMatrix(normalised, rowStride: sizes.featureStride),
          weights.inTransposed
            .base, sizes.gateStride, projected, sizes.gateStride, .overwrite)
        kernels.causalConv1dForward(
          FloatPointer(projected), stride: sizes.gateStride, sequences, channels: sizes.channels,
          taps: sizes.taps, weight: FloatPointer(weights.convolution.base),
          bias: FloatPointer(weights.convolutionBias.base), out: scratch.convolved)
        matrixProduct(
          rows, sizes.projectionStride, sizes.inner,
          StridedMatrix(FloatPointer(scratch.convolved), rowStride: sizes.channels),
          weights.xTransposed.base, sizes.projectionStride, parameters, sizes.projectionStride,
          .overwrite)
        matrixProduct(
          rows, sizes.channels, sizes.rank,
          StridedMatrix(FloatPointer(parameters), rowStride: sizes.projectionStride),
          weights.stepTransposed.base, sizes.channels, step, sizes.channels,
          .bias(FloatPointer(weights.stepBias.base)))
        kernels.softplus(step, count: rows * sizes.channels)
        kernels.selectiveScanForward(
          scanInputs(x: scratch.convolved, step, projected, parameters), sequences,
          weights.scan, out: scratch.gated, checkpoints: keepsActivations ? checkpoints : nil,
          scratch: scratch.scan)
        matrixProduct(
          rows, sizes.featureStride, sizes.inner,
          StridedMatrix(FloatPointer(scratch.gated), rowStride: sizes.channels),
          weights.outTransposed.base, sizes.featureStride, scratch.sum, sizes.featureStride,
          index == 0 ? .overwrite : .accumulate)
      }
      scatter(FloatPointer(scratch.sum), plus: FloatPointer(x.base), to: out.base, tile)
    }
    return saved
  }

  func backward(_ x: Tensor, _ out: Tensor, _ saved: [SavedDirection]) {
    guard let upstream = out.gradient else { return }
    let layerNorm = PackedLayerNorm(norm, sizes)
    let normGradients = norm.map {
      (
        weight: GradientTarget($0.weight.gradient, rows: 1, columns: sizes.features),
        bias: GradientTarget($0.bias.gradient, rows: 1, columns: sizes.features)
      )
    }
    let packed = directions.map { PackedMamba($0.parameters) }
    let gradients = directions.map { MambaGradients($0.parameters) }
    let scratch = TileScratch(sizes, rows: rowsPerTile)
    let back = BackwardScratch(sizes, rows: rowsPerTile, length: length)
    for tile in tiles {
      let rows = tile.sequences * length
      let input = gather(FloatPointer(x.base), tile, into: scratch.input)
      let normalised = normalise(input, rows, layerNorm, scratch)
      let dout = gather(FloatPointer(upstream.base), tile, into: back.dout)
      for (index, direction) in directions.enumerated() {
        backward(
          rows, sequences(tile, direction), tile, normalised, dout, packed[index], saved[index],
          gradients[index], scratch, back, first: index == 0)
      }
      var dx = FloatPointer(back.normalised)
      if let layerNorm, let normGradients {
        kernels.layerNormBackward(
          input, dx, rows: rows, features: sizes.features, stride: sizes.featureStride,
          weight: layerNorm.weight.base, mean: FloatPointer(scratch.mean),
          inverse: FloatPointer(scratch.inverse), dx: scratch.sum,
          dweight: normGradients.weight.base, dbias: normGradients.bias.base)
        dx = FloatPointer(scratch.sum)
      }
      // The residual passes the upstream gradient on, so dx is made in its place.
      scatter(dx, plus: FloatPointer(upstream.base), to: upstream.base, tile)
    }
    gradients.forEach { $0.finish() }
    normGradients?.weight.finish()
    normGradients?.bias.finish()
    if x.requiresGradient { x.accumulate(gradient: upstream) }
    out.gradient = nil
  }

  /// One direction of one tile: adds to weight gradients and to the LayerNorm's upstream.
  private func backward(
    _ rows: Int, _ sequences: TileSequences, _ tile: Tile, _ normalised: FloatPointer,
    _ dout: FloatPointer, _ weights: PackedMamba, _ saved: SavedDirection,
    _ gradients: MambaGradients,
    _ scratch: TileScratch, _ back: BackwardScratch, first: Bool
  ) {
    let projected = saved.projected.base + tile.rowsBefore * sizes.gateStride
    let parameters = saved.parameters.base + tile.rowsBefore * sizes.projectionStride
    let step = saved.step.base + tile.rowsBefore * sizes.channels
    let checkpoints =
      saved.checkpoints.base
      + tile.sequencesBefore * intervals * sizes.scanStates * sizes.channels
    // out_proj: the gradient of the gated scan.
    matrixProduct(
      rows, sizes.channels, sizes.features,
      StridedMatrix(dout, rowStride: sizes.featureStride), gradients.outWeight.base,
      sizes.channels, back.gated, sizes.channels, .overwrite)
    kernels.causalConv1dForward(
      FloatPointer(projected), stride: sizes.gateStride, sequences, channels: sizes.channels,
      taps: sizes.taps, weight: FloatPointer(weights.convolution.base),
      bias: FloatPointer(weights.convolutionBias.base), out: scratch.convolved)
    kernels.selectiveScanBackward(
      scanInputs(x: scratch.convolved, step, projected, parameters), FloatPointer(back.gated),
      sequences, weights.scan, checkpoints: FloatPointer(checkpoints),
      ScanGradients(
        x: back.convolved, step: back.step, gate: back.projected + sizes.channels,
        gateStride: sizes.gateStride, projection: back.parameters + sizes.rankStride,
        gatedOutput: scratch.gated, decay: gradients.decayGradient.base,
        skip: gradients.skipGradient.base, scratch: back.scan))
    addWeightGradient(
      sizes.features, sizes.channels, rows, dout, sizes.featureStride, scratch.gated,
      sizes.channels, gradients.outGradient.base, sizes.channels)
    // dt_proj
    matrixProduct(
      rows, sizes.rankStride, sizes.inner,
      StridedMatrix(FloatPointer(back.step), rowStride: sizes.channels),
      gradients.stepWeight.base, sizes.rankStride, back.parameters, sizes.projectionStride,
      .overwrite)
    addWeightGradient(
      sizes.channels, sizes.rankStride, rows, FloatPointer(back.step), sizes.channels, parameters,
      sizes.projectionStride, gradients.stepGradient.base, sizes.rankStride)
    kernels.addColumnSums(
      FloatPointer(back.step), rowStride: sizes.channels, rows: rows, columns: sizes.channels,
      to: gradients.stepBiasGradient.base)
    // x_proj
    matrixProduct(
      rows, sizes.channels, sizes.projectionStride,
      StridedMatrix(FloatPointer(back.parameters), rowStride: sizes.projectionStride),
      gradients.xWeight.base, sizes.channels, back.convolved, sizes.channels, .accumulate)
    addWeightGradient(
      sizes.projectionStride, sizes.channels, rows, FloatPointer(back.parameters),
      sizes.projectionStride, scratch.convolved, sizes.channels, gradients.xGradient.base,
      sizes.channels)
    kernels.causalConv1dBackward(
      FloatPointer(projected), stride: sizes.gateStride, FloatPointer(back.convolved), sequences,
      channels: sizes.channels, taps: sizes.taps,
      weight: FloatPointer(weights.convolution.base),
      bias: FloatPointer(weights.convolutionBias.base), dx: back.projected,
      dxStride: sizes.gateStride, dweight: gradients.convolutionGradient.base,
      dbias: gradients.convolutionBiasGradient.base, scratch: back.sequence)
    // in_proj
    addWeightGradient(
      sizes.gateStride, sizes.featureStride, rows, FloatPointer(back.projected), sizes.gateStride,
      normalised, sizes.featureStride, gradients.inGradient.base, sizes.featureStride)
    matrixProduct(
      rows, sizes.featureStride, sizes.gateStride,
      StridedMatrix(FloatPointer(back.projected), rowStride: sizes.gateStride),
      gradients.inWeight.base, sizes.featureStride, back.normalised, sizes.featureStride,
      first ? .overwrite : .accumulate)
  }

  /// The Mambas' input: the rows after LayerNorm, or as they are.
  private func normalise(
    _ input: FloatPointer, _ rows: Int, _ layerNorm: PackedLayerNorm?, _ scratch: TileScratch
  ) -> FloatPointer {
    guard let layerNorm else { return input }
    kernels.layerNormForward(
      input, rows: rows, features: sizes.features, stride: sizes.featureStride,
      weight: layerNorm.weight.base, bias: layerNorm.bias.base, epsilon: 1e-5,
      out: scratch.normalised, mean: scratch.mean, inverse: scratch.inverse)
    return FloatPointer(scratch.normalised)
  }

  private func scanInputs(
    x: MutableFloatPointer, _ step: MutableFloatPointer, _ projected: MutableFloatPointer,
    _ parameters: MutableFloatPointer
  ) -> ScanInputs {
    ScanInputs(
      x: FloatPointer(x), step: FloatPointer(step),
      gate: FloatPointer(projected + sizes.channels), gateStride: sizes.gateStride,
      projection: FloatPointer(parameters + sizes.rankStride), outputOffset: sizes.stateStride,
      projectionStride: sizes.projectionStride)
  }
}

/// LayerNorm's parameters as the kernels want them.
private struct PackedLayerNorm {
  let weight: PaddedMatrix
  let bias: PaddedMatrix

  init?(_ norm: (weight: Parameter, bias: Parameter)?, _ sizes: MambaSizes) {
    guard let norm else { return nil }
    weight = padded(norm.weight.value, count: sizes.features)
    bias = padded(norm.bias.value, count: sizes.features)
  }
}

/// Buffers of one tile that both passes use.
private final class TileScratch {
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
    let scanCount = paddedToLanes(sizes.scanStates * laneCount)
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
private final class BackwardScratch {
  private let storage: Storage
  let dout: MutableFloatPointer
  let normalised: MutableFloatPointer
  let gated: MutableFloatPointer
  let convolved: MutableFloatPointer
  let step: MutableFloatPointer
  let projected: MutableFloatPointer
  let parameters: MutableFloatPointer
  let sequence: MutableFloatPointer
  let scan: MutableFloatPointer

  init(_ sizes: MambaSizes, rows: Int, length: Int) {
    let wide = rows * sizes.featureStride
    let inner = rows * sizes.channels
    let parameterCount = rows * sizes.projectionStride
    let scanCount = selectiveScanScratchCount(channels: sizes.channels, states: sizes.scanStates)
    // Zeros: the scan leaves the padding of dB and dC alone.
    storage = Storage(
      count: 2 * wide + 5 * inner + parameterCount + length * laneCount + scanCount)
    dout = storage.base
    normalised = dout + wide
    gated = normalised + wide
    convolved = gated + inner
    step = convolved + inner
    projected = step + inner
    parameters = projected + 2 * inner
    sequence = parameters + parameterCount
    scan = sequence + length * laneCount
  }
}
