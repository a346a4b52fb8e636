import KernelAPI

/// The parameters of `crossBandMLP`, N features wide.
public struct CrossBandMLPParameters {
  /// Linear [N, N].
  public let weight: Parameter
  /// Its bias [N].
  public let bias: Parameter
  /// LayerNorm before the GELU: weight and bias [N].
  public let norm1: (weight: Parameter, bias: Parameter)
  /// LayerNorm of the sum: weight and bias [N].
  public let norm2: (weight: Parameter, bias: Parameter)

  /// Collects the parameters.
  public init(
    weight: Parameter, bias: Parameter, norm1: (weight: Parameter, bias: Parameter),
    norm2: (weight: Parameter, bias: Parameter)
  ) {
    self.weight = weight
    self.bias = bias
    self.norm1 = norm1
    self.norm2 = norm2
  }

  var all: [Parameter] {
    [weight, bias, norm1.weight, norm1.bias, norm2.weight, norm2.bias]
  }
}

/// out = LayerNorm₂(x + GELU(LayerNorm₁(W·x + b))) of every row of `x` [B, K, T, N].
///
/// Works by tiles of about 256 rows, which stay in the cache from one step to the next. For backward
/// it keeps the Linear's output; the rest is cheaper to compute again than to store. With
/// `Execution.recomputes` it keeps nothing, and backward first runs each tile forward again.
///
/// - Parameter x: [B, K, T, N], any scale.
/// - Returns: [B, K, T, N].
public func crossBandMLP(
  _ x: Tensor, _ parameters: CrossBandMLPParameters, _ tape: Tape
) -> Tensor {
  precondition(x.shape.count == 4, "crossBandMLP: expected [B, K, T, N], got \(x.shape)")
  precondition(
    parameters.weight.shape == [x.shape[3], x.shape[3]],
    "crossBandMLP: \(x.shape[3]) features, weight \(parameters.weight.shape)")
  return CrossBandMLP(x.shape, parameters, tape.execution).record(x, tape)
}

private final class CrossBandMLP {
  private let parameters: CrossBandMLPParameters
  private let features: Int
  private let stride: Int
  private let tiling: Tiling
  private let execution: Execution

  init(_ shape: [Int], _ parameters: CrossBandMLPParameters, _ execution: Execution) {
    self.parameters = parameters
    self.execution = execution
    features = shape[3]
    stride = paddedToLanes(features)
    // Rows do not see each other: each is a sequence of one step.
    tiling = Tiling(
      batch: shape[0] * shape[1] * shape[2], bands: 1, frames: 1, features: features, .time)
  }

  private var profile: Profile? { execution.profile }

  /// Runs forward and records backward.
  func record(_ x: Tensor, _ tape: Tape) -> Tensor {
    let out = Tensor(uninitialized: x.shape)
    let keeps = tape.isRecording && !execution.recomputes
    let kept = keeps ? Storage(uninitialized: tiling.rowCount * stride) : nil
    let packed = profile.measure(.weights, .forward, .uncounted) {
      PackedMLP(parameters, features: features)
    }
    forward(x, out, kept, packed)
    tape.record(using: parameters.all) { self.backward(x, out, kept, packed) }
    return out
  }

  private func scratches() -> [MLPScratch] {
    (0..<min(execution.threads, tiling.groups.count)).map { _ in
      MLPScratch(rows: tiling.rowsPerTile, stride: stride)
    }
  }

  private func forward(_ x: Tensor, _ out: Tensor, _ kept: Storage?, _ packed: PackedMLP) {
    let workers = scratches()
    parallel(execution.threads, tasks: tiling.groups.count) { group, worker in
      let scratch = workers[worker]
      for tile in tiling.groups[group] {
        let input = rows(of: tile, in: x.base, scratch.input)
        let linear = place(of: tile, in: kept) ?? scratch.linear
        product(input, tile, packed, linear, .forward)
        activate(input, FloatPointer(linear), tile, packed, scratch, .forward)
        let target = inPlace(tile, out.base) ?? scratch.out
        normaliseSum(tile, packed, scratch, target, .forward)
        scatter(target, to: out.base, tile, .forward)
      }
    }
  }

  private func backward(_ x: Tensor, _ out: Tensor, _ kept: Storage?, _ packed: PackedMLP) {
    guard let upstream = out.gradient else { return }
    let workers = scratches().map { ($0, MLPGradients(features: features)) }
    let total = MLPGradients(features: features)
    let order = OrderedSection()
    parallel(execution.threads, tasks: tiling.groups.count) { group, worker in
      let (scratch, gradients) = workers[worker]
      for tile in tiling.groups[group] {
        backward(x, upstream, kept, tile, packed, scratch, gradients)
      }
      order.run(group) {
        profile.measure(.gradients, .backward, .uncounted) { gradients.move(to: total) }
      }
    }
    profile.measure(.gradients, .backward, .uncounted) { total.finish(parameters) }
    if x.requiresGradient { x.accumulate(gradient: upstream) }
    out.gradient = nil
  }

  /// The tile's gradient of x takes the place of the upstream one.
  private func backward(
    _ x: Tensor, _ upstream: Storage, _ kept: Storage?, _ tile: Tile, _ packed: PackedMLP,
    _ scratch: MLPScratch, _ gradients: MLPGradients
  ) {
    let input = rows(of: tile, in: x.base, scratch.input)
    let linear = place(of: tile, in: kept) ?? scratch.linear
    if kept == nil { product(input, tile, packed, linear, .recompute) }
    activate(input, FloatPointer(linear), tile, packed, scratch, .recompute)
    normaliseSum(tile, packed, scratch, scratch.out, .recompute)

    let dout = rows(of: tile, in: upstream.base, scratch.out)
    let dx = inPlace(tile, upstream.base) ?? scratch.out
    let count = tile.rows * features
    profile.measure(.layerNorm, .backward, .layerNormBackward(count)) {
      kernels.layerNormBackward(
        FloatPointer(scratch.sum), dout, rows: tile.rows, features: features, stride: stride,
        weight: packed.norm2.weight.base, mean: FloatPointer(scratch.mean2),
        inverse: FloatPointer(scratch.inverse2), dx: dx, dweight: gradients.vector(3),
        dbias: gradients.vector(4))
    }
    profile.measure(.gelu, .backward, .geluBackward(count)) {
      kernels.gaussianErrorUnitBackward(
        FloatPointer(scratch.normalised), FloatPointer(dx), count: tile.rows * stride,
        dx: scratch.sum)
    }
    profile.measure(.layerNorm, .backward, .layerNormBackward(count)) {
      kernels.layerNormBackward(
        FloatPointer(linear), FloatPointer(scratch.sum), rows: tile.rows, features: features,
        stride: stride, weight: packed.norm1.weight.base, mean: FloatPointer(scratch.mean1),
        inverse: FloatPointer(scratch.inverse1), dx: scratch.normalised,
        dweight: gradients.vector(1), dbias: gradients.vector(2))
    }
    let dlinear = FloatPointer(scratch.normalised)
    profile.measure(.mlp, .backward, .product(tile.rows, 2 * features, features)) {
      addWeightGradient(
        features, stride, tile.rows, dlinear, stride, input, stride, gradients.weight, stride)
      kernels.addColumnSums(
        dlinear, rowStride: stride, rows: tile.rows, columns: stride, to: gradients.vector(0))
      // The residual's gradient lies there already.
      matrixProduct(
        tile.rows, stride, features, StridedMatrix(dlinear, rowStride: stride), packed.weight.base,
        packed.weight.stride, dx, stride, .accumulate)
    }
    scatter(dx, to: upstream.base, tile, .backward)
  }

  /// W·x + b
  private func product(
    _ input: FloatPointer, _ tile: Tile, _ packed: PackedMLP, _ out: MutableFloatPointer,
    _ pass: Profile.Pass
  ) {
    profile.measure(.mlp, pass, .product(tile.rows, features, features)) {
      matrixProduct(
        tile.rows, stride, features, StridedMatrix(input, rowStride: stride),
        packed.transposed.base, packed.transposed.stride, out, stride, .bias(packed.bias.base))
    }
  }

  /// LayerNorm₁ into `scratch.normalised`, and x + GELU of that into `scratch.sum`.
  private func activate(
    _ input: FloatPointer, _ linear: FloatPointer, _ tile: Tile, _ packed: PackedMLP,
    _ scratch: MLPScratch, _ pass: Profile.Pass
  ) {
    profile.measure(.layerNorm, pass, .layerNormForward(tile.rows * features)) {
      kernels.layerNormForward(
        linear, rows: tile.rows, features: features, stride: stride,
        weight: packed.norm1.weight.base, bias: packed.norm1.bias.base, epsilon: 1e-5,
        out: scratch.normalised, mean: scratch.mean1, inverse: scratch.inverse1)
    }
    profile.measure(.gelu, pass, .geluForward(tile.rows * features)) {
      kernels.gaussianErrorUnit(
        FloatPointer(scratch.normalised), plus: input, count: tile.rows * stride,
        out: scratch.sum)
    }
  }

  /// LayerNorm₂ of `scratch.sum`.
  private func normaliseSum(
    _ tile: Tile, _ packed: PackedMLP, _ scratch: MLPScratch, _ out: MutableFloatPointer,
    _ pass: Profile.Pass
  ) {
    profile.measure(.layerNorm, pass, .layerNormForward(tile.rows * features)) {
      kernels.layerNormForward(
        FloatPointer(scratch.sum), rows: tile.rows, features: features, stride: stride,
        weight: packed.norm2.weight.base, bias: packed.norm2.bias.base, epsilon: 1e-5, out: out,
        mean: scratch.mean2, inverse: scratch.inverse2)
    }
  }

  /// The place of the tile's rows among the kept ones.
  private func place(of tile: Tile, in kept: Storage?) -> MutableFloatPointer? {
    kept.map { $0.base + tile.rowsBefore * stride }
  }

  /// The tile's rows where they lie in [B, K, T, N], if those are whole vectors.
  private func inPlace(_ tile: Tile, _ base: MutableFloatPointer) -> MutableFloatPointer? {
    stride == features ? base + tile.offset : nil
  }

  /// The tile's rows with zero-padded features.
  private func rows(
    of tile: Tile, in base: MutableFloatPointer, _ scratch: MutableFloatPointer
  ) -> FloatPointer {
    if let place = inPlace(tile, base) { return FloatPointer(place) }
    return profile.measure(.residual, .forward, .pass(tile.rows * features, arrays: 2)) {
      paddedRows(
        FloatPointer(base + tile.offset), rows: tile.rows, features: features, into: scratch)
    }
  }

  /// Padded rows back to [B, K, T, N]; nothing where they lie there already.
  private func scatter(
    _ rows: MutableFloatPointer, to base: MutableFloatPointer, _ tile: Tile, _ pass: Profile.Pass
  ) {
    if stride == features { return }
    profile.measure(.residual, pass, .pass(tile.rows * features, arrays: 2)) {
      for row in 0..<tile.rows {
        (base + tile.offset + row * features).update(from: rows + row * stride, count: features)
      }
    }
  }
}
