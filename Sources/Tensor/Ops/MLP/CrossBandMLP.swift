import KernelAPI

/// The parameters of `crossBandMLP`, N features wide.
public struct CrossBandMLPParameters {
  /// N → N.
  public let linear: AffineParameters
  /// LayerNorm before the GELU.
  public let norm1: AffineParameters
  /// LayerNorm of the sum.
  public let norm2: AffineParameters

  /// Parameters of equal width N.
  public init(linear: AffineParameters, norm1: AffineParameters, norm2: AffineParameters) {
    self.linear = linear
    self.norm1 = norm1
    self.norm2 = norm2
  }

  var all: [Parameter] { linear.all + norm1.all + norm2.all }
}

/// out = LayerNorm₂(x + GELU(LayerNorm₁(W·x + b))) of every row of `x` [B, K, T, N].
///
/// Works by tiles of about 256 rows, which stay in the cache from one step to the next. For
/// backward it keeps the Linear's output; the rest is cheaper to compute again than to store. With
/// `Execution.recomputes` it keeps nothing, and backward first runs each tile forward again.
///
/// - Parameters:
///   - x: [B, K, T, N], any scale.
///   - parameters: The linear layer W, b and both LayerNorms.
///   - tape: The tape that records the backward step.
/// - Returns: [B, K, T, N].
public func crossBandMLP(
  _ x: Tensor, _ parameters: CrossBandMLPParameters, _ tape: Tape
) -> Tensor {
  precondition(x.shape.count == 4, "crossBandMLP: expected [B, K, T, N], got \(x.shape)")
  precondition(
    parameters.linear.weight.shape == [x.shape[3], x.shape[3]],
    "crossBandMLP: \(x.shape[3]) features, weight \(parameters.linear.weight.shape)")
  return CrossBandMLP(x.shape, parameters, tape.execution).record(x, tape)
}

/// The weights as the kernels take them.
private struct PackedMLP {
  /// [in, out].
  let transposed: PaddedMatrix
  /// [out, in].
  let weight: PaddedMatrix
  let bias: PaddedMatrix
  let norm1: PaddedAffine
  let norm2: PaddedAffine

  init(_ parameters: CrossBandMLPParameters) {
    let weight = parameters.linear.weight
    let features = weight.shape[0]
    transposed = PaddedMatrix(transposing: weight.value, rows: features, columns: features)
    self.weight = PaddedMatrix(weight.value, rows: features, columns: features)
    bias = PaddedMatrix(parameters.linear.bias.value, count: features)
    norm1 = PaddedAffine(parameters.norm1)
    norm2 = PaddedAffine(parameters.norm2)
  }
}

/// The rows of one tile on their way, and what the LayerNorms divide by.
private struct MLPScratch {
  let input: MatrixView
  let normalised: MatrixView
  let sum: MatrixView
  let out: MatrixView
  let moments1: RowMoments
  let moments2: RowMoments
  /// The Linear's output, where it is not kept.
  let linear: MatrixView?

  init(
    _ parts: inout SlabCarver, _ tile: Tile, features: Int,
    _ activations: TileActivations<MatrixView>
  ) {
    input = parts.matrix(rows: tile.rows, columns: features)
    normalised = parts.matrix(rows: tile.rows, columns: features)
    sum = parts.matrix(rows: tile.rows, columns: features)
    out = parts.matrix(rows: tile.rows, columns: features)
    moments1 = parts.moments(rows: tile.rows)
    moments2 = parts.moments(rows: tile.rows)
    linear = activations.room(&parts, tile)
  }
}

/// The gradient sums.
private struct MLPSums {
  /// [out, in].
  let weight: MatrixView
  let bias: MutableFloatPointer
  let norm1: AffineGradients
  let norm2: AffineGradients

  init(_ parts: inout SlabCarver, features: Int) {
    weight = parts.matrix(rows: features, columns: features)
    bias = parts.vector(features)
    norm1 = parts.affineGradients(features)
    norm2 = parts.affineGradients(features)
  }

  /// Adds the sums to the parameters' gradients.
  func finish(_ parameters: CrossBandMLPParameters) {
    weight.add(to: parameters.linear.weight.gradient)
    kernels.add(bias, to: parameters.linear.bias.gradient, count: weight.rows)
    norm1.add(to: parameters.norm1)
    norm2.add(to: parameters.norm2)
  }
}

private struct CrossBandMLP {
  private let parameters: CrossBandMLPParameters
  private let features: Int
  private let tiling: Tiling
  private let execution: Execution
  private var profile: Profile? { execution.profile }

  init(_ shape: [Int], _ parameters: CrossBandMLPParameters, _ execution: Execution) {
    self.parameters = parameters
    self.execution = execution
    features = shape[3]
    // Rows do not see each other: each is a sequence of one step.
    tiling = Tiling([1, shape[0] * shape[1] * shape[2], 1, features], along: .time)
  }

  /// Runs forward and records backward.
  func record(_ x: Tensor, _ tape: Tape) -> Tensor {
    let out = Tensor(uninitialized: x.shape)
    let activations = TileActivations(tiling, areKept: tape.keepsActivations) {
      $0.matrix(rows: $1.rows, columns: features)
    }
    let packed = profile.measure(.weights, .forward, .uncounted) { PackedMLP(parameters) }
    forward(x, out, activations, packed)
    tape.record(using: parameters.all) { backward(x, out, activations, packed) }
    return out
  }

  private func scratch(_ activations: TileActivations<MatrixView>) -> ThreadScratch<
    Tile, MLPScratch
  > {
    ThreadScratch([tiling.largest]) { MLPScratch(&$0, $1, features: features, activations) }
  }

  private func forward(
    _ x: Tensor, _ out: Tensor, _ activations: TileActivations<MatrixView>, _ packed: PackedMLP
  ) {
    let workers = execution.workers(for: tiling) { scratch(activations) }
    for groups in tiling.parts {
      execution.run(groups, workers) { tile, scratch in
        let input = tiling.gather(tile, of: x.base, spare: scratch.input, profile)
        let linear = activations.place(of: tile, room: scratch.linear)
        product(input, packed, linear, .forward)
        activate(input, linear, packed, scratch, .forward)
        let target = tiling.inPlace(tile, of: out.base) ?? scratch.out
        normaliseSum(packed, scratch, target, .forward)
        tiling.scatter(target, tile, to: out.base, .forward, profile)
      }
    }
  }

  private func backward(
    _ x: Tensor, _ out: Tensor, _ activations: TileActivations<MatrixView>, _ packed: PackedMLP
  ) {
    guard let upstream = out.gradient else { return }
    let workers = execution.workers(for: tiling) {
      (scratch: scratch(activations), sums: sums())
    }
    for groups in tiling.parts {
      let total = sums()
      execution.run(groups, workers, addingTo: total) { tile, scratch, sums in
        let input = tiling.gather(tile, of: x.base, spare: scratch.input, profile)
        let linear = activations.recalled(tile, room: scratch.linear) {
          product(input, packed, $0, .recompute)
        }
        activate(input, linear, packed, scratch, .recompute)
        normaliseSum(packed, scratch, scratch.out, .recompute)
        let dout = tiling.gather(tile, of: upstream.base, spare: scratch.out, profile)
        let dx = tiling.inPlace(tile, of: upstream.base) ?? scratch.out
        backward(input, linear, dout, dx, packed, scratch, sums)
        tiling.scatter(dx, tile, to: upstream.base, .backward, profile)
      }
      profile.measure(.gradients, .backward, .uncounted) { total.parts.finish(parameters) }
    }
    out.passGradient(to: x)
  }

  private func sums() -> GradientSums<MLPSums> {
    GradientSums { MLPSums(&$0, features: features) }
  }

  /// From the gradient of a tile's output to that of its input, which may take its place.
  private func backward(
    _ input: MatrixView, _ linear: MatrixView, _ dout: MatrixView, _ dx: MatrixView,
    _ packed: PackedMLP, _ scratch: MLPScratch, _ sums: MLPSums
  ) {
    let count = input.rows * features
    profile.measure(.layerNorm, .backward, .layerNormBackward(count)) {
      kernels.layerNormBackward(
        scratch.sum, dout, weight: packed.norm2.vectors.weight, moments: scratch.moments2, dx: dx,
        gradients: sums.norm2)
    }
    profile.measure(.gelu, .backward, .geluBackward(count)) {
      kernels.gaussianErrorUnitBackward(
        scratch.normalised.base, dx.base, count: input.rows * input.stride, dx: scratch.sum.base)
    }
    let dlinear = scratch.normalised
    profile.measure(.layerNorm, .backward, .layerNormBackward(count)) {
      kernels.layerNormBackward(
        linear, scratch.sum, weight: packed.norm1.vectors.weight, moments: scratch.moments1,
        dx: dlinear, gradients: sums.norm1)
    }
    profile.measure(.mlp, .backward, .product(input.rows, 2 * features, features)) {
      matrixProduct(dlinear.transposed, input, into: sums.weight, .accumulate)
      kernels.addColumnSums(dlinear, to: sums.bias)
      // The residual's gradient lies there already.
      matrixProduct(dlinear, packed.weight.view, into: dx, .accumulate)
    }
  }

  /// W·x + b
  private func product(
    _ input: MatrixView, _ packed: PackedMLP, _ out: MatrixView, _ pass: Profile.Pass
  ) {
    profile.measure(.mlp, pass, .product(input.rows, features, features)) {
      matrixProduct(input, packed.transposed.view, into: out, .bias(packed.bias.view.base))
    }
  }

  /// LayerNorm₁ into `scratch.normalised`, and x + GELU of that into `scratch.sum`.
  private func activate(
    _ input: MatrixView, _ linear: MatrixView, _ packed: PackedMLP, _ scratch: MLPScratch,
    _ pass: Profile.Pass
  ) {
    profile.measure(.layerNorm, pass, .layerNormForward(input.rows * features)) {
      kernels.layerNormForward(
        linear, packed.norm1.vectors, epsilon: normEpsilon, out: scratch.normalised,
        moments: scratch.moments1)
    }
    profile.measure(.gelu, pass, .geluForward(input.rows * features)) {
      kernels.gaussianErrorUnit(
        scratch.normalised.base, plus: input.base, count: input.rows * input.stride,
        out: scratch.sum.base)
    }
  }

  /// LayerNorm₂ of `scratch.sum`.
  private func normaliseSum(
    _ packed: PackedMLP, _ scratch: MLPScratch, _ out: MatrixView, _ pass: Profile.Pass
  ) {
    profile.measure(.layerNorm, pass, .layerNormForward(out.rows * features)) {
      kernels.layerNormForward(
        scratch.sum, packed.norm2.vectors, epsilon: normEpsilon, out: out,
        moments: scratch.moments2)
    }
  }
}
