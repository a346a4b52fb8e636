import Tensor

/// A pair of numbers for the two spatial axes of an image [H, W].
public struct Extent2d: Sendable, Equatable {
  /// Along the first axis, H.
  public let height: Int
  /// Along the second axis, W.
  public let width: Int

  /// A pair.
  public init(_ height: Int, _ width: Int) {
    self.height = height
    self.width = width
  }
}

/// The geometry of a two-dimensional convolution, with PyTorch's names.
public struct Convolution2d: Sendable, Equatable {
  /// Taps along each axis.
  public let kernel: Extent2d
  /// Input pixels from one output pixel to the next.
  public let stride: Extent2d
  /// Input pixels from one tap to the next.
  public let dilation: Extent2d
  /// Zeros in front of the input and behind it.
  public let padding: Extent2d

  /// A geometry; all numbers but those of the padding are at least 1.
  public init(
    kernel: Extent2d, stride: Extent2d = Extent2d(1, 1), dilation: Extent2d = Extent2d(1, 1),
    padding: Extent2d = Extent2d(0, 0)
  ) {
    for extent in [kernel, stride, dilation] {
      precondition(
        extent.height > 0 && extent.width > 0,
        "Convolution2d: kernel \(kernel), stride \(stride), dilation \(dilation)")
    }
    precondition(padding.height >= 0 && padding.width >= 0, "Convolution2d: padding \(padding)")
    self.kernel = kernel
    self.stride = stride
    self.dilation = dilation
    self.padding = padding
  }

  /// Number of taps.
  var taps: Int { kernel.height * kernel.width }
  var rows: ConvolutionAxis {
    ConvolutionAxis(
      kernel: kernel.height, stride: stride.height, dilation: dilation.height,
      padding: padding.height)
  }
  var columns: ConvolutionAxis {
    ConvolutionAxis(
      kernel: kernel.width, stride: stride.width, dilation: dilation.width,
      padding: padding.width)
  }

  /// The image that a convolution makes of one of `input` pixels: ⌊(n + 2·padding −
  /// dilation·(kernel − 1) − 1)/stride⌋ + 1 along each axis. Not positive if the kernel is larger
  /// than the padded input.
  public func outputExtent(of input: Extent2d) -> Extent2d {
    Extent2d(rows.outputCount(of: input.height), columns.outputCount(of: input.width))
  }

  /// The image that a transposed convolution makes of one of `input` pixels: (n − 1)·stride −
  /// 2·padding + dilation·(kernel − 1) + 1 along each axis.
  public func transposedExtent(of input: Extent2d) -> Extent2d {
    Extent2d(rows.transposedCount(of: input.height), columns.transposedCount(of: input.width))
  }
}

/// The weight of a convolution, [out, in, height, width], or of a transposed one, [in, out, height,
/// width].
public enum ConvolutionWeight {
  /// A trained parameter.
  case parameter(Parameter)
  /// The output of an operation; its gradient is added to the tensor's.
  case tensor(Tensor)

  /// Extent of every axis.
  public var shape: [Int] {
    switch self {
    case .parameter(let parameter): parameter.shape
    case .tensor(let tensor): tensor.shape
    }
  }

  var value: UnsafeMutablePointer<Float> {
    switch self {
    case .parameter(let parameter): parameter.value
    case .tensor(let tensor): tensor.base
    }
  }

  /// Where the gradient is added to; nil if none is asked for.
  func gradient() -> UnsafeMutablePointer<Float>? {
    switch self {
    case .parameter(let parameter): parameter.gradient
    case .tensor(let tensor): tensor.requiresGradient ? tensor.gradientStorage().base : nil
    }
  }

  var parameters: [Parameter] {
    if case .parameter(let parameter) = self { [parameter] } else { [] }
  }
}
