import KernelAPI

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
/// checkpoints; the rest is cheaper to compute again than to store. With `Execution.recomputes`
/// it keeps none of them, and backward first runs each tile forward again.
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
  MambaBlock(
    x.shape, axis: axis, norm: (normWeight, normBias), directions: directions, tape.execution
  ).record(x, tape)
}

/// One bare Mamba over sequences: u [M, L, N] to [M, L, N], without norm and residual.
///
/// The equations are mamba_ssm's (Gu and Dao 2023); `mambaBlock` says how they run here.
public func mamba(_ u: Tensor, _ mamba: DirectedMamba, _ tape: Tape) -> Tensor {
  precondition(u.shape.count == 3, "mamba: expected [M, L, N], got \(u.shape)")
  let shape = [u.shape[0], 1, u.shape[1], u.shape[2]]
  return MambaBlock(shape, axis: .time, norm: nil, directions: [mamba], tape.execution)
    .record(u, tape)
}

private typealias DirectionWeights = (packed: PackedMamba, padded: PaddedMamba)

private final class MambaBlock {
  /// LayerNorm before the Mambas and x added behind them; nil for neither.
  private let norm: (weight: Parameter, bias: Parameter)?
  private let directions: [DirectedMamba]
  private let sizes: MambaSizes
  private let tiling: MambaTiling
  private let execution: Execution

  init(
    _ shape: [Int], axis: SequenceAxis, norm: (weight: Parameter, bias: Parameter)?,
    directions: [DirectedMamba], _ execution: Execution
  ) {
    precondition(shape.count == 4, "mambaBlock: expected [B, K, T, N], got \(shape)")
    self.norm = norm
    self.directions = directions
    self.execution = execution
    sizes = MambaSizes(directions[0].parameters)
    precondition(
      shape[3] == sizes.features,
      "mambaBlock: \(shape[3]) features, weights for \(sizes.features)")
    tiling = MambaTiling(
      batch: shape[0], bands: shape[1], frames: shape[2], features: shape[3], axis)
  }

  /// Runs forward and records backward.
  func record(_ x: Tensor, _ tape: Tape) -> Tensor {
    let out = Tensor(uninitialized: x.shape)
    let keeps = tape.isRecording && !execution.recomputes
    let saved = keeps ? directions.map { _ in MambaActivations(tiling, sizes) } : nil
    let packed = profile.measure(.weights, .forward, .uncounted) {
      directions.map { PackedMamba($0.parameters) }
    }
    forward(x, out, saved, packed)
    tape.record(using: parameters) { self.backward(x, out, saved, packed) }
    return out
  }

  private var profile: Profile? { execution.profile }

  private var parameters: [Parameter] {
    directions.flatMap { $0.parameters.all } + (norm.map { [$0.weight, $0.bias] } ?? [])
  }

  private func sequences(_ tile: MambaPlace, _ direction: DirectedMamba) -> TileSequences {
    TileSequences(count: tile.sequences, length: tiling.length, reversed: direction.reversed)
  }

  private func forward(
    _ x: Tensor, _ out: Tensor, _ saved: [MambaActivations]?, _ packed: [PackedMamba]
  ) {
    let layerNorm = PackedLayerNorm(norm, sizes)
    let workers = (0..<min(execution.threads, tiling.groups.count)).map { _ in
      (
        scratch: MambaScratch(sizes, rows: tiling.rowsPerTile),
        own: saved == nil ? MambaActivations(ofOneTileOf: tiling, sizes) : nil
      )
    }
    parallel(execution.threads, tasks: tiling.groups.count) { group, worker in
      let (scratch, own) = workers[worker]
      for tile in tiling.groups[group] {
        let normalised = normalise(gather(x.base, tile, scratch.input), tile, layerNorm, scratch)
        for (index, direction) in directions.enumerated() {
          let pass = MambaTile(sizes, sequences(tile, direction), packed[index], profile)
          let kept = saved?[index].at(tile) ?? own?.first
          guard let kept else { preconditionFailure("mambaBlock: nowhere to compute a tile") }
          pass.forward(
            normalised, kept, scratch, pass: .forward, checkpoints: saved != nil)
          pass.project(scratch, start: index == 0 ? .overwrite : .accumulate)
        }
        scatter(scratch.sum, plus: x.base, to: out.base, tile, .forward)
      }
    }
  }

  private func backward(
    _ x: Tensor, _ out: Tensor, _ saved: [MambaActivations]?, _ packed: [PackedMamba]
  ) {
    guard let upstream = out.gradient else { return }
    let layerNorm = PackedLayerNorm(norm, sizes)
    let weights = zip(directions, packed).map { direction, packed in
      (packed: packed, padded: PaddedMamba(direction.parameters))
    }
    let workers = (0..<min(execution.threads, tiling.groups.count)).map { _ in
      MambaBackwardWorker(tiling, sizes, directions: directions.count, recomputes: saved == nil)
    }
    let total = BlockGradients(sizes, directions: directions.count)
    let order = OrderedSection()
    parallel(execution.threads, tasks: tiling.groups.count) { group, index in
      let worker = workers[index]
      for tile in tiling.groups[group] {
        backward(x, upstream, tile, layerNorm, weights, saved, worker)
      }
      order.run(group) {
        profile.measure(.gradients, .backward, .uncounted) { worker.gradients.move(to: total) }
      }
    }
    profile.measure(.gradients, .backward, .uncounted) { finish(total, weights) }
    if x.requiresGradient { x.accumulate(gradient: upstream) }
    out.gradient = nil
  }

  private func finish(_ total: BlockGradients, _ weights: [DirectionWeights]) {
    for (index, direction) in directions.enumerated() {
      total.directions[index].finish(direction.parameters, weights[index].packed)
    }
    if let norm {
      kernels.add(
        FloatPointer(total.normWeight), to: norm.weight.gradient, count: sizes.features)
      kernels.add(FloatPointer(total.normBias), to: norm.bias.gradient, count: sizes.features)
    }
  }

  private func backward(
    _ x: Tensor, _ upstream: Storage, _ tile: MambaPlace, _ layerNorm: PackedLayerNorm?,
    _ weights: [DirectionWeights], _ saved: [MambaActivations]?, _ worker: MambaBackwardWorker
  ) {
    let scratch = worker.scratch
    let back = worker.back
    let input = gather(x.base, tile, scratch.input)
    let normalised = normalise(input, tile, layerNorm, scratch)
    let dout = gather(upstream.base, tile, back.dout)
    for (index, direction) in directions.enumerated() {
      let pass = MambaTile(sizes, sequences(tile, direction), weights[index].packed, profile)
      let kept: MambaPlaces
      if let saved {
        kept = saved[index].at(tile)
        pass.convolve(kept, scratch, pass: .recompute)
      } else if let own = worker.own?.first {
        kept = own
        pass.forward(normalised, own, scratch, pass: .recompute, checkpoints: true)
      } else {
        preconditionFailure("mambaBlock: no activations")
      }
      pass.backward(
        normalised, dout, kept, weights[index].padded, worker.gradients.directions[index], scratch,
        back, start: index == 0 ? .overwrite : .accumulate)
    }
    var dx = back.normalised
    if let layerNorm {
      profile.measure(
        .layerNorm, .backward, .layerNormBackward(tile.rows * sizes.features)
      ) {
        kernels.layerNormBackward(
          input, FloatPointer(dx), rows: tile.rows, features: sizes.features,
          stride: sizes.featureStride, weight: layerNorm.weight.base,
          mean: FloatPointer(scratch.mean), inverse: FloatPointer(scratch.inverse),
          dx: scratch.sum, dweight: worker.gradients.normWeight, dbias: worker.gradients.normBias)
      }
      dx = scratch.sum
    }
    // The residual passes the upstream gradient on, so dx is made in its place.
    scatter(dx, plus: upstream.base, to: upstream.base, tile, .backward)
  }

  /// The Mambas' input: the rows after LayerNorm, or as they are.
  private func normalise(
    _ input: FloatPointer, _ tile: MambaPlace, _ layerNorm: PackedLayerNorm?,
    _ scratch: MambaScratch
  ) -> FloatPointer {
    guard let layerNorm else { return input }
    profile.measure(
      .layerNorm, .forward, .layerNormForward(tile.rows * sizes.features)
    ) {
      kernels.layerNormForward(
        input, rows: tile.rows, features: sizes.features, stride: sizes.featureStride,
        weight: layerNorm.weight.base, bias: layerNorm.bias.base, epsilon: 1e-5,
        out: scratch.normalised, mean: scratch.mean, inverse: scratch.inverse)
    }
    return FloatPointer(scratch.normalised)
  }

  /// The tile's rows with zero-padded features: in place where they already lie so.
  private func gather(
    _ source: MutableFloatPointer, _ tile: MambaPlace, _ scratch: MutableFloatPointer
  ) -> FloatPointer {
    if tiling.stepStride == sizes.features && sizes.featureStride == sizes.features {
      return FloatPointer(source + tile.offset)
    }
    profile.measure(.residual, .forward, .pass(tile.rows * sizes.features, arrays: 2)) {
      tiling.forEachRow(of: tile) { row, at in
        let target = scratch + row * sizes.featureStride
        target.update(from: source + at, count: sizes.features)
        for j in sizes.features..<sizes.featureStride { target[j] = 0 }
      }
    }
    return FloatPointer(scratch)
  }

  /// The tile's rows to their places in `out`, plus the same places of `base` where there is a
  /// residual; `out` and `base` may be the same.
  private func scatter(
    _ rows: MutableFloatPointer, plus base: MutableFloatPointer, to out: MutableFloatPointer,
    _ tile: MambaPlace, _ pass: Profile.Pass
  ) {
    profile.measure(.residual, pass, .pass(tile.rows * sizes.features, arrays: 3)) {
      tiling.forEachRow(of: tile) { row, at in
        let from = FloatPointer(rows + row * sizes.featureStride)
        if norm == nil {
          (out + at).update(from: from, count: sizes.features)
        } else {
          kernels.sum(FloatPointer(base + at), from, count: sizes.features, out: out + at)
        }
      }
    }
  }
}
