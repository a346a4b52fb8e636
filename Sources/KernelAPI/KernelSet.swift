/// Read-only floats.
public typealias FloatPointer = UnsafePointer<Float>
/// Writable floats.
public typealias MutableFloatPointer = UnsafeMutablePointer<Float>

/// Lanes of one kernel vector. Every kernel buffer has rows padded to a multiple of this, filled
/// with zeros, so that no kernel needs a scalar tail over channels.
public let laneCount = 16

/// `count` rounded up to whole vectors.
public func paddedToLanes(_ count: Int) -> Int { (count + laneCount - 1) / laneCount * laneCount }

/// The relation of a matrix product to what its output held before.
public enum ProductStart {
  /// C = A·B
  case overwrite
  /// C += A·B
  case accumulate
  /// C = A·B + bias, one bias for each column
  case bias(FloatPointer)
}

/// Several sequences of one length that lie one after the other in a tile of rows.
///
/// The kernels along a sequence walk it from its logical start; with `reversed` that is the last
/// row. So a backward Mamba reads the same rows as a forward one and nothing is ever flipped.
public struct TileSequences {
  /// Number of sequences.
  public let count: Int
  /// Steps in each.
  public let length: Int
  /// Whether the logical start is the last row.
  public let reversed: Bool

  /// Tile of `count` sequences of `length` rows each.
  public init(count: Int, length: Int, reversed: Bool) {
    self.count = count
    self.length = length
    self.reversed = reversed
  }

  /// Rows in the tile.
  public var rowCount: Int { count * length }
}

/// The weights of a causal depthwise convolution.
public struct ConvolutionWeights {
  /// [taps, channels].
  public let weight: MatrixView
  /// [channels].
  public let bias: FloatPointer

  /// Weights that the caller keeps in memory.
  public init(weight: MatrixView, bias: FloatPointer) {
    self.weight = weight
    self.bias = bias
  }
}

/// The gradients of `ConvolutionWeights`, to which the backward kernel adds.
public struct ConvolutionGradients {
  /// [taps, channels].
  public let weight: MatrixView
  /// [channels].
  public let bias: MutableFloatPointer

  /// Gradients that the caller has set to zero or to earlier sums.
  public init(weight: MatrixView, bias: MutableFloatPointer) {
    self.weight = weight
    self.bias = bias
  }
}

/// Moments and rates of one Adam step.
public struct AdamStep {
  /// Step size.
  public let learningRate: Float
  /// Decay of the first moment. The decays are double because 1 − 0.999 in float is off by 1.3e-5.
  public let beta1: Double
  /// Decay of the second moment.
  public let beta2: Double
  /// Added to the root.
  public let epsilon: Float
  /// 1 − beta1^t.
  public let correction1: Float
  /// 1 − beta2^t.
  public let correction2: Float
  /// Every gradient is multiplied by this first (clipping).
  public let gradientScale: Float
  /// Every value is multiplied by this before the step (decoupled weight decay).
  public let decayFactor: Float

  /// Numbers of one step; the corrections are those of its number t, from 1.
  public init(
    learningRate: Float, beta1: Double, beta2: Double, epsilon: Float,
    correction1: Float, correction2: Float, gradientScale: Float, decayFactor: Float = 1
  ) {
    self.decayFactor = decayFactor
    self.learningRate = learningRate
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
    self.correction1 = correction1
    self.correction2 = correction2
    self.gradientScale = gradientScale
  }
}

/// The numeric kernels of one instruction set. `Tensor` picks an implementation at start-up.
///
/// All buffers are row-major float32 with rows padded to `laneCount`; see each kernel's file for
/// its equation and gradient.
public protocol KernelSet: Sendable {
  /// The instructions that the kernels are compiled for, for logs: "AVX-512" or "AVX2".
  static var instructionSet: String { get }

  // MARK: Products

  /// C = A·B, C += A·B or C = A·B + bias, as `start` says. A may be transposed, B and C not.
  static func matrixProduct(
    _ a: MatrixView, _ b: MatrixView, into c: MatrixView, _ start: ProductStart)

  /// out[j] += Σ_i x[i, j]
  static func addColumnSums(_ x: MatrixView, to out: MutableFloatPointer)

  /// out[j, i] = x[i, j]; what lies between out's rows is left. Rows of x need no padding.
  static func transpose(_ x: MatrixView, into out: MatrixView)

  // MARK: Normalisation

  /// out = (x − mean)·inverse·weight + bias for each row; keeps mean and 1/σ of each row.
  static func layerNormForward(
    _ x: MatrixView, _ norm: AffineVectors, epsilon: Float, out: MatrixView, moments: RowMoments)

  /// d/dx into `dx`; d/dweight and d/dbias added.
  static func layerNormBackward(
    _ x: MatrixView, _ dout: MatrixView, weight: FloatPointer, moments: RowMoments, dx: MatrixView,
    gradients: AffineGradients)

  /// Mean and 1/σ over all rows and features of one group.
  static func groupMoments(_ x: MatrixView, epsilon: Float) -> GroupMoments

  /// out = (x − mean)·inverse·weight + bias with one mean for all rows.
  static func groupNormForward(
    _ x: MatrixView, _ norm: AffineVectors, moments: GroupMoments, out: MatrixView)

  /// d/dx into `dx`; d/dweight and d/dbias added. `x` is the whole group.
  static func groupNormBackward(
    _ x: MatrixView, _ dout: MatrixView, weight: FloatPointer, moments: GroupMoments,
    dx: MatrixView, gradients: AffineGradients)

  /// d/dweight and d/dbias of a GroupNorm, added: the sums over `x`, some rows of the group.
  static func addGroupNormSums(
    _ x: MatrixView, _ dout: MatrixView, moments: GroupMoments, to gradients: AffineGradients)

  /// d/dx of a GroupNorm, added, for some rows of the group: from the group's means of dout·weight
  /// and of that times the normalised x.
  static func addGroupNormInputGradient(
    _ x: MatrixView, _ dout: MatrixView, weight: FloatPointer, moments: GroupMoments,
    meanOfGradient: Float, meanOfProduct: Float, to dx: MatrixView)

  // MARK: Mamba

  /// out = SiLU(causal depthwise convolution of x).
  static func causalConv1dForward(
    _ x: MatrixView, _ sequences: TileSequences, _ weights: ConvolutionWeights, out: MatrixView)

  /// Gradient of the above; `dx` overwritten and may be `x`, the rest added to. `scratch` is
  /// `sequences.length` vectors.
  static func causalConv1dBackward(
    _ x: MatrixView, _ dout: MatrixView, _ sequences: TileSequences, _ weights: ConvolutionWeights,
    dx: MatrixView, gradients: ConvolutionGradients, scratch: MutableFloatPointer)

  /// x = softplus(x) in place.
  static func softplus(_ x: MutableFloatPointer, count: Int)

  /// Gated scan of a tile into `out` [rows, D]; keeps its state in `checkpoints` [sequences,
  /// intervals, states, D] where there are any.
  static func selectiveScanForward(
    _ inputs: ScanInputs, _ sequences: TileSequences, _ parameters: ScanParameters,
    out: MatrixView, checkpoints: MatrixView?, scratch: ScanScratch)

  /// Gradients of the gated scan of a tile, from the gradient of its output [rows, D].
  ///
  /// Row by row the gradients of x, delta, z, B and C may take the place of `dout`, delta, z, B and
  /// C.
  static func selectiveScanBackward(
    _ inputs: ScanInputs, _ dout: MatrixView, _ sequences: TileSequences,
    _ parameters: ScanParameters, checkpoints: MatrixView, _ gradients: ScanGradients,
    scratch: ScanScratch)

  // MARK: LSTM

  /// One step: gates from x_t and h_{t−1} in `input` [rows, N + H], the records, and h_t into
  /// `state`, whose rows are as far apart. `weights` [blocks, N + H, 64], `bias` [blocks, 64].
  static func lstmStepForward(
    _ step: LSTMStep, input: FloatPointer, weights: FloatPointer, bias: FloatPointer,
    state: MutableFloatPointer)

  /// The gradients of one step; those of the gates before their functions take the gates' places.
  static func lstmStepBackward(_ step: LSTMStep, _ gradients: LSTMStepGradients)

  /// h_t again, from the records.
  static func lstmState(_ step: LSTMStep, state: MutableFloatPointer)

  // MARK: Decoder

  /// x = tanh(x) in place.
  static func tanh(_ x: MutableFloatPointer, count: Int)

  /// dx = dout·(1 − y²), y being tanh's output; may work in place.
  static func tanhBackward(
    _ y: FloatPointer, _ dout: FloatPointer, count: Int, dx: MutableFloatPointer)

  /// out = a·σ(b); rows of a and b are as far apart.
  static func gatedLinearUnit(_ a: MatrixView, _ b: MatrixView, out: MatrixView)

  /// Gradients of the above, in rows as far apart as those of a and b.
  static func gatedLinearUnitBackward(
    _ a: MatrixView, _ b: MatrixView, _ dout: MatrixView, da: MatrixView, db: MatrixView)

  // MARK: Cross-band MLP

  /// out = residual + GELU(x), exact (erf); `count` is whole vectors, out may be either input.
  static func gaussianErrorUnit(
    _ x: FloatPointer, plus residual: FloatPointer, count: Int, out: MutableFloatPointer)

  /// dx = dout·GELU'(x); dx may be either input.
  static func gaussianErrorUnitBackward(
    _ x: FloatPointer, _ dout: FloatPointer, count: Int, dx: MutableFloatPointer)

  // MARK: Convolution

  /// Channels of a full panel of a convolution's weights.
  static var convolutionPanelWidth: Int { get }

  /// y (+)= Σ w·x (+ bias) for neighbouring pixels.
  static func convolutionRow(_ row: ConvolutionRow)

  /// out[j] += Σ_i (x[i, j] − mean[j])²
  static func addSquaredDeviations(
    _ x: MatrixView, mean: FloatPointer, to out: MutableFloatPointer)

  /// out = PReLU((x − mean)·inverse·weight + bias) of every pixel's channels.
  static func instanceNormForward(_ x: MatrixView, _ norm: InstanceNormVectors, out: MatrixView)

  /// The sums of the gradients over some pixels, added.
  static func addInstanceNormSums(
    _ x: MatrixView, _ dout: MatrixView, _ norm: InstanceNormVectors, to sums: InstanceNormSums)

  /// d/dx from the means over all pixels of dz·x̂ and of dz; dx may be dout.
  static func instanceNormInputGradient(
    _ x: MatrixView, _ dout: MatrixView, _ norm: InstanceNormVectors, meanOfProduct: FloatPointer,
    meanOfGradient: FloatPointer, dx: MatrixView)

  // MARK: Loss and optimiser

  /// out = (|X| + epsilon)^exponent over `count` complex bins; with an epsilon of 0, 0 at X = 0.
  static func compressedMagnitude(
    _ x: FloatPointer, count: Int, exponent: Float, epsilon: Float, out: MutableFloatPointer)

  /// dx += dout·d(|X| + epsilon)^exponent/dX over `count` complex bins; 0 at X = 0.
  static func addCompressedMagnitudeGradient(
    _ x: FloatPointer, _ dout: FloatPointer, count: Int, exponent: Float, epsilon: Float,
    to dx: MutableFloatPointer)

  /// Sums of |Y − S| and of ||Y|^0.3 − |S|^0.3| over `count` complex bins; with `gradient`, adds
  /// `scale` · 0.5 · d(sum of both)/dY to it.
  static func spectralLoss(
    _ estimate: FloatPointer, _ target: FloatPointer, count: Int, scale: Float,
    gradient: MutableFloatPointer?
  ) -> (complex: Double, magnitude: Double)

  /// Σ x², in double precision; not finite if any x is not.
  static func sumOfSquares(_ x: FloatPointer, count: Int) -> Double

  /// One Adam step over flat buffers.
  static func adam(
    _ step: AdamStep, value: MutableFloatPointer, gradient: FloatPointer,
    firstMoment: MutableFloatPointer, secondMoment: MutableFloatPointer, count: Int)

  /// y += x, in double precision.
  static func accumulate(_ x: FloatPointer, to y: UnsafeMutablePointer<Double>, count: Int)

  /// out = sums·scale, rounded once.
  static func scale(
    _ sums: UnsafePointer<Double>, by scale: Double, count: Int, out: MutableFloatPointer)

  /// out = x + y; out may be either
  static func sum(
    _ x: FloatPointer, _ y: FloatPointer, count: Int, out: MutableFloatPointer)

  /// y += x
  static func add(_ x: FloatPointer, to y: MutableFloatPointer, count: Int)

  /// average += (1 − decay)·(value − average)
  static func movingAverage(
    _ average: MutableFloatPointer, towards value: FloatPointer, decay: Float, count: Int)

  // MARK: For benchmarks and tests of accuracy

  /// `count` multiply-adds in each of some independent chains without memory traffic: the
  /// arithmetic done and a value that depends on it.
  static func multiplyAddChains(
    _ count: Int, factor: Float, summand: Float
  ) -> (flops: Double, value: Float)

  /// out = function(x), as the kernels compute it.
  static func elementary(
    _ function: ElementaryFunction, _ x: FloatPointer, count: Int, out: MutableFloatPointer)
}

/// The vector functions whose accuracy the tests measure.
public enum ElementaryFunction: Sendable, CaseIterable {
  /// e^x, held inside ±87.
  case exp
  /// 2^x of x ≤ 0, held above −126.
  case exp2
  /// 1 − 2^x of x ≤ 0.
  case oneMinusExp2
  /// log₂(x) of x > 0.
  case log2
  /// 1/(1 + e^−x).
  case sigmoid
  case tanh
  /// log(1 + e^x).
  case softplus
  /// 2/√π · ∫₀ˣ e^−t² dt.
  case erf
}
