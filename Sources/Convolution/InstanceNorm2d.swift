import KernelAPI
import Tensor

/// The instance norm with a PReLU behind it: over the H·W pixels of each utterance and channel, y =
/// PReLU((x − mean)/√(variance + 1e-5)·weight + bias), with the biased variance.
///
/// Sources: Ulyanov et al. 2016 (torch.nn.InstanceNorm2d with affine parameters and without running
/// statistics), He et al. 2015.
///
/// - Parameters:
///   - x: [B, H, W, C], any scale.
///   - affine: Weight and bias, [C] each.
///   - slope: The PReLU's slope for z ≤ 0, [C]; nil for none.
///   - tape: The tape that records the backward step.
/// - Returns: [B, H, W, C].
public func instanceNorm2d(
  _ x: Tensor, _ affine: AffineParameters, slope: Parameter?, _ tape: Tape
) -> Tensor {
  precondition(x.shape.count == 4, "instanceNorm2d: expected [B, H, W, C], got \(x.shape)")
  precondition(
    affine.all.allSatisfy { $0.count == x.shape[3] } && slope?.count ?? x.shape[3] == x.shape[3],
    "instanceNorm2d: \(x.shape[3]) channels, weight \(affine.weight.shape), bias "
      + "\(affine.bias.shape), slope \(slope?.shape ?? [])")
  return PixelNorm(x.shape, affine, slope: slope, tape.execution).record(x, tape)
}

/// The PReLU, x > 0 ? x : slope·x with one slope for each channel. Its gradient at 0 is the slope.
///
/// - Parameters:
///   - x: [B, H, W, C].
///   - slope: [C].
///   - tape: The tape that records the backward step.
/// - Returns: [B, H, W, C].
public func prelu(_ x: Tensor, slope: Parameter, _ tape: Tape) -> Tensor {
  precondition(
    x.shape.count == 4 && slope.count == x.shape[3],
    "prelu: slope \(slope.shape) for [B, H, W, C] = \(x.shape)")
  return PixelNorm(x.shape, nil, slope: slope, tape.execution).record(x, tape)
}

/// The vectors of one utterance, in whole vectors of numbers.
private struct NormVectors {
  private let storage: Storage
  private let stride: Int

  /// Mean 0, deviation 1, weight 1, bias 0 and slope 1 of each channel, zeros behind them.
  init(channels: Int) {
    stride = paddedToLanes(channels)
    storage = Storage(count: 7 * stride)
    for channel in 0..<channels {
      for part in [inverse, weight, slope] { part[channel] = 1 }
    }
  }

  private func part(_ index: Int) -> MutableFloatPointer { storage.base + index * stride }
  var mean: MutableFloatPointer { part(0) }
  var inverse: MutableFloatPointer { part(1) }
  var weight: MutableFloatPointer { part(2) }
  var bias: MutableFloatPointer { part(3) }
  var slope: MutableFloatPointer { part(4) }
  var meanOfProduct: MutableFloatPointer { part(5) }
  var meanOfGradient: MutableFloatPointer { part(6) }

  var kernel: InstanceNormVectors {
    InstanceNormVectors(
      mean: FloatPointer(mean), inverse: FloatPointer(inverse), weight: FloatPointer(weight),
      bias: FloatPointer(bias), slope: FloatPointer(slope))
  }
}

/// Instance norm and PReLU, or the PReLU alone: that is the norm of mean 0 and deviation 1.
private struct PixelNorm {
  private let shape: [Int]
  private let affine: AffineParameters?
  private let slope: Parameter?
  private let execution: Execution

  init(
    _ shape: [Int], _ affine: AffineParameters?, slope: Parameter?, _ execution: Execution
  ) {
    self.shape = shape
    self.affine = affine
    self.slope = slope
    self.execution = execution
  }

  private var channels: Int { shape[3] }
  private var pixelCount: Int { shape[1] * shape[2] }
  private var parameters: [Parameter] { (affine?.all ?? []) + (slope.map { [$0] } ?? []) }

  func record(_ x: Tensor, _ tape: Tape) -> Tensor {
    let out = Tensor(uninitialized: shape)
    let count = pixelCount * channels
    let vectors = execution.profile.measure(
      .instanceNorm, .forward, .instanceNormForward(shape[0] * count)
    ) {
      (0..<shape[0]).map { forward(pixels(x.base, $0), pixels(out.base, $0)) }
    }
    tape.record(using: parameters) {
      guard let upstream = out.gradient else { return }
      execution.profile.measure(
        .instanceNorm, .backward, .instanceNormBackward(shape[0] * count)
      ) {
        for utterance in 0..<shape[0] {
          backward(
            pixels(x.base, utterance), pixels(upstream.base, utterance), vectors[utterance])
        }
      }
      out.passGradient(to: x)
    }
    return out
  }

  private func pixels(_ base: MutableFloatPointer, _ utterance: Int) -> MatrixView {
    Image(base, shape, utterance: utterance).pixels
  }

  /// Calls `body` with blocks of rows of all of `views`, on several threads.
  private func forEachBlock(_ views: MatrixView..., body: ([MatrixView]) -> Void) {
    Convolution.forEachBlock(pixelCount, execution.threads) { pixels in
      body(views.map { $0.rows(from: pixels.lowerBound, count: pixels.count) })
    }
  }

  private func forward(_ x: MatrixView, _ out: MatrixView) -> NormVectors {
    let vectors = NormVectors(channels: channels)
    if let affine {
      vectors.weight.update(from: affine.weight.value, count: channels)
      vectors.bias.update(from: affine.bias.value, count: channels)
    }
    if let slope { vectors.slope.update(from: slope.value, count: channels) }
    x.withPadding { x in
      if affine != nil { takeMoments(x, vectors) }
      out.writingPadded { out in
        forEachBlock(x, out) { kernels.instanceNormForward($0[0], vectors.kernel, out: $0[1]) }
      }
    }
    return vectors
  }

  private func takeMoments(_ x: MatrixView, _ vectors: NormVectors) {
    let count = Double(pixelCount)
    let sums = ChannelSums(columns: channels)
    sums.add(pixelCount, execution.threads) { rows, sums in
      kernels.addColumnSums(x.rows(from: rows.lowerBound, count: rows.count), to: sums)
    }
    for channel in 0..<channels { vectors.mean[channel] = Float(sums.total[channel] / count) }
    let squares = ChannelSums(columns: channels)
    squares.add(pixelCount, execution.threads) { rows, sums in
      kernels.addSquaredDeviations(
        x.rows(from: rows.lowerBound, count: rows.count), mean: FloatPointer(vectors.mean), to: sums
      )
    }
    for channel in 0..<channels {
      let variance = squares.total[channel] / count
      vectors.inverse[channel] = Float(1 / (variance + Double(normEpsilon)).squareRoot())
    }
  }

  /// The gradient of x, which takes the place of `upstream`, and those of the parameters.
  private func backward(_ x: MatrixView, _ upstream: MatrixView, _ vectors: NormVectors) {
    x.withPadding { x in
      upstream.changingPadded { dout in
        let stride = x.paddedColumns
        let sums = ChannelSums(columns: 3 * stride)
        sums.add(pixelCount, execution.threads) { rows, sums in
          kernels.addInstanceNormSums(
            x.rows(from: rows.lowerBound, count: rows.count),
            dout.rows(from: rows.lowerBound, count: rows.count), vectors.kernel,
            to: InstanceNormSums(weight: sums, bias: sums + stride, slope: sums + 2 * stride))
        }
        let total = sums.total
        for channel in 0..<channels {
          if let affine {
            let count = Double(pixelCount)
            affine.weight.gradient[channel] += Float(total[channel])
            affine.bias.gradient[channel] += Float(total[stride + channel])
            vectors.meanOfProduct[channel] = Float(total[channel] / count)
            vectors.meanOfGradient[channel] = Float(total[stride + channel] / count)
          }
          if let slope { slope.gradient[channel] += Float(total[2 * stride + channel]) }
        }
        forEachBlock(x, dout) {
          kernels.instanceNormInputGradient(
            $0[0], $0[1], vectors.kernel, meanOfProduct: FloatPointer(vectors.meanOfProduct),
            meanOfGradient: FloatPointer(vectors.meanOfGradient), dx: $0[1])
        }
      }
    }
  }
}

extension MatrixView {
  /// Calls `body` with rows of whole vectors that it overwrites: the rows themselves, or others
  /// that are copied to them.
  func writingPadded(_ body: (MatrixView) -> Void) {
    if columns == paddedColumns { return body(self) }
    let spare = Storage(uninitialized: rows * paddedColumns)
    let view = MatrixView(spare.base, rows: rows, columns: columns)
    body(view)
    copy(view)
    withExtendedLifetime(spare) {}
  }

  /// Calls `body` with the rows as kernels take them, and takes over what it makes of them.
  func changingPadded(_ body: (MatrixView) -> Void) {
    if columns == paddedColumns { return body(self) }
    withPadding { view in
      body(view)
      copy(view)
    }
  }
}

extension Profile.Work {
  /// Work of an instance norm with its PReLU, in three passes over the numbers.
  static func instanceNormForward(_ count: Int) -> Self {
    .pass(count, arrays: 4, operations: 3)
  }

  /// Work of an instance norm's gradients, in two passes over the numbers.
  static func instanceNormBackward(_ count: Int) -> Self {
    .pass(count, arrays: 5, operations: 11)
  }
}
