/// Neighbouring numbers of each pixel's neighbourhood that a convolution multiplies with as many
/// neighbouring rows of its weights: channels of one tap, or of several side by side.
public struct ConvolutionSegment {
  /// The segment of the row's first pixel.
  public let base: FloatPointer
  /// Floats from a pixel's segment to that of the next pixel.
  public let step: Int
  /// Numbers in it.
  public let count: Int
  /// The row of weights for its first number.
  public let weight: Int

  /// A segment of every pixel of a row, in memory that belongs to the caller.
  public init(base: FloatPointer, step: Int, count: Int, weight: Int) {
    self.base = base
    self.step = step
    self.count = count
    self.weight = weight
  }
}

/// The relation of a convolution to what its output held before.
public enum ConvolutionStart {
  /// y = W·x
  case overwrite
  /// y += W·x
  case accumulate
  /// y = W·x + bias, with one bias for each channel and zeros behind them to whole vectors.
  case bias(FloatPointer)
}

/// Neighbouring pixels of a convolution's output and where their inputs lie.
public struct ConvolutionRow {
  /// Inputs of a pixel.
  public let segments: UnsafePointer<ConvolutionSegment>
  /// Number of segments.
  public let segmentCount: Int
  /// Weights in panels of `KernelSet.convolutionPanelWidth` channels and a narrower last one of
  /// whole vectors; a panel is [depth, channels].
  public let weights: FloatPointer
  /// Rows of a panel.
  public let depth: Int
  /// Output of the first pixel.
  public let target: MutableFloatPointer
  /// Floats from a pixel's output to that of the next one.
  public let targetStep: Int
  /// Number of pixels.
  public let count: Int
  /// Channels of the output.
  public let channels: Int
  /// Relation to the output's former numbers.
  public let start: ConvolutionStart

  /// A row of pixels whose memory belongs to the caller.
  public init(
    segments: UnsafePointer<ConvolutionSegment>, segmentCount: Int, weights: FloatPointer,
    depth: Int, target: MutableFloatPointer, targetStep: Int, count: Int, channels: Int,
    start: ConvolutionStart
  ) {
    self.segments = segments
    self.segmentCount = segmentCount
    self.weights = weights
    self.depth = depth
    self.target = target
    self.targetStep = targetStep
    self.count = count
    self.channels = channels
    self.start = start
  }
}

/// Neighbouring pixels of a convolution's output, whose gradients are multiplied with numbers of
/// their neighbourhoods.
public struct ConvolutionPixels {
  /// First number of the first pixel's neighbourhood.
  public let source: FloatPointer
  /// Gradient of the first pixel, in whole vectors.
  public let gradient: FloatPointer
  /// Number of pixels.
  public let count: Int

  /// Pixels whose numbers and gradients the caller keeps in memory.
  public init(source: FloatPointer, gradient: FloatPointer, count: Int) {
    self.source = source
    self.gradient = gradient
    self.count = count
  }
}

/// Sums over pixels for the gradient of some of a convolution's weights.
public struct ConvolutionSums {
  /// The pixels, in the order in which they are added.
  public let pixels: UnsafePointer<ConvolutionPixels>
  /// Number of elements of `pixels`.
  public let pixelCount: Int
  /// Floats from a pixel's neighbourhood to that of the next pixel.
  public let sourceStep: Int
  /// Floats from a pixel's gradient to that of the next pixel.
  public let gradientStep: Int
  /// Sums of the first number of the neighbourhoods: one for each channel, in whole vectors.
  public let sums: MutableFloatPointer
  /// Floats from the sums of a number to those of the next one.
  public let sumStep: Int
  /// Neighbouring numbers of a neighbourhood.
  public let count: Int
  /// Channels of the gradient.
  public let channels: Int

  /// Sums whose memory belongs to the caller.
  public init(
    pixels: UnsafePointer<ConvolutionPixels>, pixelCount: Int, sourceStep: Int, gradientStep: Int,
    sums: MutableFloatPointer, sumStep: Int, count: Int, channels: Int
  ) {
    self.pixels = pixels
    self.pixelCount = pixelCount
    self.sourceStep = sourceStep
    self.gradientStep = gradientStep
    self.sums = sums
    self.sumStep = sumStep
    self.count = count
    self.channels = channels
  }
}

/// An instance norm's factors with the PReLU behind it, one number for each channel in whole
/// vectors.
public struct InstanceNormVectors {
  /// Mean over the pixels.
  public let mean: FloatPointer
  /// 1/√(variance + ε).
  public let inverse: FloatPointer
  /// The norm's weight.
  public let weight: FloatPointer
  /// The norm's bias.
  public let bias: FloatPointer
  /// Slope of the PReLU; ones for none.
  public let slope: FloatPointer

  /// Vectors that the caller keeps in memory.
  public init(
    mean: FloatPointer, inverse: FloatPointer, weight: FloatPointer, bias: FloatPointer,
    slope: FloatPointer
  ) {
    self.mean = mean
    self.inverse = inverse
    self.weight = weight
    self.bias = bias
    self.slope = slope
  }
}

/// Sums over pixels of an instance norm's gradients, one number for each channel in whole vectors.
public struct InstanceNormSums {
  /// Σ dz·x̂, the gradient of the weight.
  public let weight: MutableFloatPointer
  /// Σ dz, the gradient of the bias.
  public let bias: MutableFloatPointer
  /// Σ dy·z over z ≤ 0, the gradient of the slope.
  public let slope: MutableFloatPointer

  /// Sums that the caller has set to zero or to earlier ones.
  public init(
    weight: MutableFloatPointer, bias: MutableFloatPointer, slope: MutableFloatPointer
  ) {
    self.weight = weight
    self.bias = bias
    self.slope = slope
  }
}
