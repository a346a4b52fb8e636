/// Read-only floats.
public typealias FloatPointer = UnsafePointer<Float>
/// Writable floats.
public typealias MutableFloatPointer = UnsafeMutablePointer<Float>

/// Lanes of one kernel vector. Every kernel buffer has rows padded to a multiple of this, filled
/// with zeros, so that no kernel needs a scalar tail over channels.
public let laneCount = 16

/// `count` rounded up to whole vectors.
public func paddedToLanes(_ count: Int) -> Int { (count + laneCount - 1) / laneCount * laneCount }

/// A matrix read element by element: element (i, j) lies at `base[i·rowStride + j·columnStride]`.
///
/// Swapping the strides transposes it without moving anything.
public struct StridedMatrix {
  /// Element (0, 0).
  public let base: FloatPointer
  /// Floats between rows.
  public let rowStride: Int
  /// Floats between columns.
  public let columnStride: Int

  /// A view of memory.
  public init(_ base: FloatPointer, rowStride: Int, columnStride: Int = 1) {
    self.base = base
    self.rowStride = rowStride
    self.columnStride = columnStride
  }
}

/// What a matrix product does to its output.
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

  /// Describes a tile.
  public init(count: Int, length: Int, reversed: Bool) {
    self.count = count
    self.length = length
    self.reversed = reversed
  }

  /// Rows in the tile.
  public var rowCount: Int { count * length }
}

/// The recurrence parameters of one selective scan, channels padded to whole vectors.
public struct ScanParameters {
  /// Channels D, padded.
  public let channels: Int
  /// States per channel, padded to a multiple of four (padding: zero rows of `decay`, B and C).
  public let states: Int
  /// A·log₂e, state-major [states, channels]: exp(dt·A) becomes one exp2.
  public let decay: FloatPointer
  /// The skip weight D [channels].
  public let skip: FloatPointer

  /// Collects the pointers.
  public init(channels: Int, states: Int, decay: FloatPointer, skip: FloatPointer) {
    self.channels = channels
    self.states = states
    self.decay = decay
    self.skip = skip
  }
}

/// The per-row inputs of one selective scan over a tile.
public struct ScanInputs {
  /// Convolved and activated input x [rows, channels].
  public let x: FloatPointer
  /// Step sizes dt after softplus [rows, channels].
  public let step: FloatPointer
  /// Gate z before its SiLU; rows are `gateStride` apart.
  public let gate: FloatPointer
  /// Floats between rows of `gate`.
  public let gateStride: Int
  /// B of each row; C lies `outputOffset` floats behind; rows are `projectionStride` apart.
  public let projection: FloatPointer
  /// Floats from B to C in a row.
  public let outputOffset: Int
  /// Floats between rows of `projection`.
  public let projectionStride: Int

  /// Collects the pointers.
  public init(
    x: FloatPointer, step: FloatPointer, gate: FloatPointer, gateStride: Int,
    projection: FloatPointer, outputOffset: Int, projectionStride: Int
  ) {
    self.x = x
    self.step = step
    self.gate = gate
    self.gateStride = gateStride
    self.projection = projection
    self.outputOffset = outputOffset
    self.projectionStride = projectionStride
  }
}

/// Where the backward scan writes.
public struct ScanGradients {
  /// d/dx [rows, channels], overwritten.
  public let x: MutableFloatPointer
  /// d/d(dt before softplus) [rows, channels], overwritten.
  public let step: MutableFloatPointer
  /// d/dz, rows `gateStride` apart, overwritten.
  public let gate: MutableFloatPointer
  /// Floats between rows of `gate`.
  public let gateStride: Int
  /// dB and dC, laid out like `ScanInputs.projection`, overwritten.
  public let projection: MutableFloatPointer
  /// The gated output y·SiLU(z) [rows, channels], recomputed here for out_proj's weight gradient.
  public let gatedOutput: MutableFloatPointer
  /// d/dA, state-major [states, channels], added to.
  public let decay: MutableFloatPointer
  /// d/dD [channels], added to.
  public let skip: MutableFloatPointer
  /// Scratch of `selectiveScanScratchCount` floats.
  public let scratch: MutableFloatPointer

  /// Collects the pointers.
  public init(
    x: MutableFloatPointer, step: MutableFloatPointer, gate: MutableFloatPointer, gateStride: Int,
    projection: MutableFloatPointer, gatedOutput: MutableFloatPointer,
    decay: MutableFloatPointer, skip: MutableFloatPointer, scratch: MutableFloatPointer
  ) {
    self.x = x
    self.step = step
    self.gate = gate
    self.gateStride = gateStride
    self.projection = projection
    self.gatedOutput = gatedOutput
    self.decay = decay
    self.skip = skip
    self.scratch = scratch
  }
}

/// The scan keeps its state every this many steps; backward recomputes the steps between.
public let scanCheckpointInterval = 16

/// Number of kept states for a sequence of `length` steps.
public func scanCheckpointCount(length: Int) -> Int {
  (length + scanCheckpointInterval - 1) / scanCheckpointInterval
}

/// Floats of scratch for `selectiveScanForward` and `selectiveScanBackward`.
public func selectiveScanScratchCount(channels: Int, states: Int) -> Int {
  // For one vector of channels: eight numbers of each step of an interval, four states and decays
  // of each; products for dB and dC of all states; and the carried states or their gradients of all
  // channels, with one number for each channel.
  // The rest is room between them.
  let interval = scanCheckpointInterval * laneCount
  return (8 + 4 + 4 + 2 * states) * interval + (states + 1) * channels + 16 * laneCount
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

  /// Collects the numbers.
  public init(
    learningRate: Float, beta1: Double, beta2: Double, epsilon: Float,
    correction1: Float, correction2: Float, gradientScale: Float
  ) {
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
  /// What the machine has to offer, for logs: "AVX-512" or "AVX2".
  static var instructionSet: String { get }

  // MARK: Products

  /// C[m, n] = A[m, k]·B[k, n], started as `start` says. `n` is a multiple of `laneCount`.
  static func matrixProduct(
    _ m: Int, _ n: Int, _ k: Int, _ a: StridedMatrix, _ b: FloatPointer, bRowStride: Int,
    _ c: MutableFloatPointer, cRowStride: Int, _ start: ProductStart)

  /// out[j] += Σ_i x[i, j]
  static func addColumnSums(
    _ x: FloatPointer, rowStride: Int, rows: Int, columns: Int, to out: MutableFloatPointer)

  /// out[j, i] = x[i, j] of [rows, columns]; what lies between out's rows is left.
  static func transpose(
    _ x: FloatPointer, rows: Int, columns: Int, to out: MutableFloatPointer, rowStride: Int)

  // MARK: Normalisation

  /// out = (x − mean)·inverse·weight + bias for each row; keeps mean and 1/σ of each row.
  static func layerNormForward(
    _ x: FloatPointer, rows: Int, features: Int, stride: Int, weight: FloatPointer,
    bias: FloatPointer, epsilon: Float, out: MutableFloatPointer, mean: MutableFloatPointer,
    inverse: MutableFloatPointer)

  /// d/dx into `dx`; d/dweight and d/dbias added.
  static func layerNormBackward(
    _ x: FloatPointer, _ dout: FloatPointer, rows: Int, features: Int, stride: Int,
    weight: FloatPointer, mean: FloatPointer, inverse: FloatPointer, dx: MutableFloatPointer,
    dweight: MutableFloatPointer, dbias: MutableFloatPointer)

  /// Mean and 1/σ over all rows and features of one group.
  static func groupStatistics(
    _ x: FloatPointer, rows: Int, features: Int, stride: Int, epsilon: Float
  ) -> (mean: Float, inverse: Float)

  /// out = (x − mean)·inverse·weight + bias with one mean for all rows; `features` is padded.
  static func groupNormForward(
    _ x: FloatPointer, rows: Int, features: Int, stride: Int, mean: Float, inverse: Float,
    weight: FloatPointer, bias: FloatPointer, out: MutableFloatPointer, outStride: Int)

  /// d/dx into `dx`; d/dweight and d/dbias added. `count` is the number of true elements.
  static func groupNormBackward(
    _ x: FloatPointer, xStride: Int, _ dout: FloatPointer, doutStride: Int, rows: Int,
    features: Int, count: Int, mean: Float, inverse: Float, weight: FloatPointer,
    dx: MutableFloatPointer, dxStride: Int, dweight: MutableFloatPointer,
    dbias: MutableFloatPointer)

  /// d/dweight and d/dbias of the same, added; without the rest of the backward step.
  static func groupNormSums(
    _ x: FloatPointer, xStride: Int, _ dout: FloatPointer, doutStride: Int, rows: Int,
    features: Int, mean: Float, inverse: Float, dweight: MutableFloatPointer,
    dbias: MutableFloatPointer)

  /// d/dx of the same, added, from the means of dout·weight and of that times the normalised x.
  static func addGroupNormInputGradient(
    _ x: FloatPointer, _ dout: FloatPointer, rows: Int, features: Int, stride: Int,
    mean: Float, inverse: Float, weight: FloatPointer, meanOfGradient: Float,
    meanOfProduct: Float, to dx: MutableFloatPointer)

  // MARK: Mamba

  /// out = SiLU(causal depthwise convolution of x); weight [taps, channels].
  static func causalConv1dForward(
    _ x: FloatPointer, stride: Int, _ sequences: TileSequences, channels: Int, taps: Int,
    weight: FloatPointer, bias: FloatPointer, out: MutableFloatPointer)

  /// Gradient of the above; `dx` (rows `dxStride` apart) overwritten and may be `x`, the rest added
  /// to. `scratch` is `sequences.length` vectors.
  static func causalConv1dBackward(
    _ x: FloatPointer, stride: Int, _ dout: FloatPointer, _ sequences: TileSequences,
    channels: Int, taps: Int, weight: FloatPointer, bias: FloatPointer,
    dx: MutableFloatPointer, dxStride: Int, dweight: MutableFloatPointer,
    dbias: MutableFloatPointer, scratch: MutableFloatPointer)

  /// x = softplus(x) in place.
  static func softplus(_ x: MutableFloatPointer, count: Int)

  /// Gated scan of a tile, scratch as below; `checkpoints` [sequences, intervals, states, channels] when not nil.
  static func selectiveScanForward(
    _ inputs: ScanInputs, _ sequences: TileSequences, _ parameters: ScanParameters,
    out: MutableFloatPointer, checkpoints: MutableFloatPointer?, scratch: MutableFloatPointer)

  /// Gradients of the gated scan of a tile, from the gradient of its output.
  ///
  /// Row by row the gradients of x, dt, z, B and C may take the place of `dout`, dt, z, B and C.
  static func selectiveScanBackward(
    _ inputs: ScanInputs, _ dout: FloatPointer, _ sequences: TileSequences,
    _ parameters: ScanParameters, checkpoints: FloatPointer, _ gradients: ScanGradients)

  // MARK: LSTM

  /// One step: gates from x_t and h_{t−1} in `input` [rows, N + H], the records, and h_t into
  /// `state`, whose rows are as far apart. `weights` [blocks, N + H, 64], `bias` [blocks, 64].
  static func lstmStepForward(
    _ step: LSTMStep, input: FloatPointer, weights: FloatPointer, bias: FloatPointer,
    state: MutableFloatPointer)

  /// Its gradients; those of the gates before their functions take the gates' places.
  static func lstmStepBackward(_ step: LSTMStep, _ gradients: LSTMStepGradients)

  /// h_t again, from the records.
  static func lstmState(_ step: LSTMStep, state: MutableFloatPointer)

  // MARK: Decoder

  /// x = tanh(x) in place.
  static func tanh(_ x: MutableFloatPointer, count: Int)

  /// dx = dout·(1 − y²), y being tanh's output; may work in place.
  static func tanhBackward(
    _ y: FloatPointer, _ dout: FloatPointer, count: Int, dx: MutableFloatPointer)

  /// out = a·σ(b), rows of a and b `stride` apart, `columns` padded.
  static func gatedLinearUnit(
    _ a: FloatPointer, _ b: FloatPointer, stride: Int, rows: Int, columns: Int,
    out: MutableFloatPointer, outStride: Int)

  /// Gradients of the above.
  static func gatedLinearUnitBackward(
    _ a: FloatPointer, _ b: FloatPointer, stride: Int, _ dout: FloatPointer, doutStride: Int,
    rows: Int, columns: Int, da: MutableFloatPointer, db: MutableFloatPointer)

  // MARK: Cross-band MLP

  /// out = residual + GELU(x), exact (erf); `count` is whole vectors, out may be either input.
  static func gaussianErrorUnit(
    _ x: FloatPointer, plus residual: FloatPointer, count: Int, out: MutableFloatPointer)

  /// dx = dout·GELU'(x); dx may be either input.
  static func gaussianErrorUnitBackward(
    _ x: FloatPointer, _ dout: FloatPointer, count: Int, dx: MutableFloatPointer)

  // MARK: Loss and optimiser

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
