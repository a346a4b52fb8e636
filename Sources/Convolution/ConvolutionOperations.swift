import KernelAPI
import Tensor

/// The two-dimensional convolution y[h, w] = Σ W[i, j]·x[h·stride + i·dilation − padding, …] + b
/// (a correlation, as in PyTorch), where x is 0 outside of the image.
///
/// - Parameters:
///   - inputs: Tensors [B, H, W, C] that differ in channels only; they are taken side by side along
///     channels, first to last.
///   - weight: [out, in, height, width], where `in` is the number of all channels.
///   - bias: [out].
///   - geometry: Kernel, stride, dilation and padding.
///   - tape: The tape that records the backward step.
/// - Returns: [B, H', W', out], with the extent of `Convolution2d.outputExtent`.
public func convolution2d(
  _ inputs: [Tensor], weight: ConvolutionWeight, bias: Parameter? = nil, geometry: Convolution2d,
  _ tape: Tape
) -> Tensor {
  precondition(
    !inputs.isEmpty && inputs.allSatisfy { $0.shape.count == 4 },
    "convolution2d: expected [B, H, W, C], got \(inputs.map(\.shape))")
  let first = inputs[0].shape
  precondition(
    inputs.allSatisfy { Array($0.shape[..<3]) == Array(first[..<3]) },
    "convolution2d: inputs \(inputs.map(\.shape)) differ")
  let channels = inputs.reduce(0) { $0 + $1.shape[3] }
  let kernel = [geometry.kernel.height, geometry.kernel.width]
  precondition(
    weight.shape.count == 4 && Array(weight.shape[1...]) == [channels] + kernel,
    "convolution2d: \(channels) channels and kernel \(kernel), weight \(weight.shape)")
  if let bias {
    precondition(
      bias.count == weight.shape[0], "convolution2d: weight \(weight.shape), bias \(bias.shape)")
  }
  let extent = geometry.outputExtent(of: Extent2d(first[1], first[2]))
  precondition(
    extent.height > 0 && extent.width > 0,
    "convolution2d: kernel \(kernel) with padding \(geometry.padding) is larger than \(first)")
  let op = ConvolutionOperation(weight, bias, geometry, tape.execution)
  let out = Tensor(uninitialized: [first[0], extent.height, extent.width, weight.shape[0]])
  op.measure(.forward, out) { op.gather(inputs.map { ($0.base, $0.shape) }, out) }
  tape.record(using: weight.parameters + (bias.map { [$0] } ?? [])) {
    guard let upstream = out.gradient else { return }
    op.measure(.backward, out) {
      op.addBias(upstream.base, out.shape)
      op.addWeight(
        inputs.map { ($0.base, $0.shape) }, (FloatPointer(upstream.base), out.shape))
      op.scatter(upstream.base, out.shape, to: inputs)
    }
    out.gradient = nil
  }
  return out
}

/// The transposed convolution, which is the gradient of `convolution2d` as a map: each input pixel
/// adds its number times the kernel to the output, and b is added.
///
/// - Parameters:
///   - input: [B, H, W, C].
///   - weight: [in, out, height, width].
///   - bias: [out].
///   - geometry: Kernel, stride, dilation and padding of the convolution that goes the other way.
///   - tape: The tape that records the backward step.
/// - Returns: [B, H', W', out], with the extent of `Convolution2d.transposedExtent`.
public func transposedConvolution2d(
  _ input: Tensor, weight: ConvolutionWeight, bias: Parameter? = nil, geometry: Convolution2d,
  _ tape: Tape
) -> Tensor {
  let shape = input.shape
  precondition(
    shape.count == 4, "transposedConvolution2d: expected [B, H, W, C], got \(shape)")
  let kernel = [geometry.kernel.height, geometry.kernel.width]
  precondition(
    weight.shape.count == 4 && weight.shape[0] == shape[3] && Array(weight.shape[2...]) == kernel,
    "transposedConvolution2d: \(shape[3]) channels and kernel \(kernel), weight \(weight.shape)")
  if let bias {
    precondition(
      bias.count == weight.shape[1],
      "transposedConvolution2d: weight \(weight.shape), bias \(bias.shape)")
  }
  let extent = geometry.transposedExtent(of: Extent2d(shape[1], shape[2]))
  precondition(
    extent.height > 0 && extent.width > 0 && shape[1] > 0 && shape[2] > 0,
    "transposedConvolution2d: nothing is left of \(shape) with kernel \(kernel) and padding "
      + "\(geometry.padding)")
  let op = ConvolutionOperation(weight, bias, geometry, tape.execution)
  let out = Tensor(uninitialized: [shape[0], extent.height, extent.width, weight.shape[1]])
  op.measure(.forward, input) {
    op.scatter(input.base, shape, into: out.base, out.shape, channels: 0..<out.shape[3], nil)
  }
  tape.record(using: weight.parameters + (bias.map { [$0] } ?? [])) {
    guard let upstream = out.gradient else { return }
    op.measure(.backward, input) {
      op.addBias(upstream.base, out.shape)
      op.addWeight([(upstream.base, out.shape)], (FloatPointer(input.base), shape))
      if input.requiresGradient {
        let isFirst = input.gradient == nil
        let gradient = input.gradient ?? Storage(uninitialized: input.count)
        op.gather([(upstream.base, out.shape)], into: gradient.base, shape, accumulates: !isFirst)
        input.gradient = gradient
      }
    }
    out.gradient = nil
  }
  return out
}

/// Passes of both operations: the convolution that the weight stands for, the way back through it,
/// and the gradients of weight and bias.
private struct ConvolutionOperation {
  private let weight: ConvolutionWeight
  private let bias: Parameter?
  private let geometry: Convolution2d
  private let execution: Execution
  private let layout: WeightLayout

  init(
    _ weight: ConvolutionWeight, _ bias: Parameter?, _ geometry: Convolution2d,
    _ execution: Execution
  ) {
    self.weight = weight
    self.bias = bias
    self.geometry = geometry
    self.execution = execution
    layout = WeightLayout(weight.shape)
  }

  /// Measures a pass, `small` being the image on the convolution's side of fewer pixels.
  func measure(_ pass: Profile.Pass, _ small: Tensor, _ body: () -> Void) {
    let pixels = small.shape[0] * small.shape[1] * small.shape[2]
    let depth = layout.inputs * layout.taps
    execution.profile.measure(
      .convolution2d, pass, .product(pixels, layout.outputs * (pass == .forward ? 1 : 2), depth),
      body)
  }

  typealias Batch = (base: MutableFloatPointer, shape: [Int])

  /// out = W·inputs + bias
  func gather(_ inputs: [Batch], _ out: Tensor) {
    let bias = bias.map { PaddedMatrix($0.value, count: $0.count) }
    gather(
      inputs, into: out.base, out.shape,
      bias.map { .bias(FloatPointer($0.view.base)) } ?? .overwrite)
    withExtendedLifetime(bias) {}
  }

  /// out (+)= W·inputs
  func gather(
    _ inputs: [Batch], into out: MutableFloatPointer, _ shape: [Int], accumulates: Bool
  ) {
    gather(inputs, into: out, shape, accumulates ? .accumulate : .overwrite)
  }

  private func gather(
    _ inputs: [Batch], into out: MutableFloatPointer, _ shape: [Int], _ start: ConvolutionStart
  ) {
    let correlation = Correlation(
      source(inputs, shape), layout.byInput(weight.value), kernelWidth: layout.kernel.width)
    for utterance in 0..<shape[0] {
      correlation.run(
        inputs.map { Image($0.base, $0.shape, utterance: utterance) },
        Image(out, shape, utterance: utterance), start, threads: execution.threads)
    }
  }

  /// The inputs as the convolution to a batch of `shape` reads them.
  private func source(_ inputs: [Batch], _ shape: [Int]) -> ImageSource {
    ImageSource(
      Extent2d(inputs[0].shape[1], inputs[0].shape[2]), channels: inputs.map { $0.shape[3] },
      rows: [geometry.rows.forward(outputs: shape[1])],
      columns: [geometry.columns.forward(outputs: shape[2])])
  }

  /// Adds the gradients of all inputs that ask for one, each of which has some of the channels.
  func scatter(_ dout: MutableFloatPointer, _ shape: [Int], to inputs: [Tensor]) {
    var channel = 0
    for input in inputs {
      let channels = channel..<channel + input.shape[3]
      channel = channels.upperBound
      guard input.requiresGradient else { continue }
      let existing = input.gradient
      let gradient = existing ?? Storage(uninitialized: input.count)
      scatter(
        dout, shape, into: gradient.base, input.shape, channels: channels,
        existing == nil ? .overwrite : .accumulate)
      input.gradient = gradient
    }
  }

  /// out (+)= Wᵀ·small of some of the channels; without `start` the bias is added.
  func scatter(
    _ small: MutableFloatPointer, _ smallShape: [Int], into out: MutableFloatPointer,
    _ shape: [Int], channels: Range<Int>, _ start: ConvolutionStart?
  ) {
    let bias = start == nil ? bias.map { PaddedMatrix($0.value, count: $0.count) } : nil
    let start = start ?? bias.map { .bias(FloatPointer($0.view.base)) } ?? .overwrite
    defer { withExtendedLifetime(bias) {} }
    if bias == nil && ColumnScatter.isFaster(layout, geometry, channels: channels.count) {
      let scatter = ColumnScatter(layout, geometry, weight.value, inputs: channels)
      var accumulates = false
      if case .accumulate = start { accumulates = true }
      for utterance in 0..<shape[0] {
        scatter.run(
          Image(small, smallShape, utterance: utterance),
          Image(out, shape, utterance: utterance), accumulates: accumulates)
      }
      return
    }
    let source = ImageSource(
      Extent2d(smallShape[1], smallShape[2]), channels: [smallShape[3]],
      rows: geometry.rows.adjoint(inputs: shape[1]),
      columns: geometry.columns.adjoint(inputs: shape[2]))
    let correlation = Correlation(
      source, layout.byOutput(weight.value, inputs: channels), kernelWidth: layout.kernel.width)
    for utterance in 0..<shape[0] {
      correlation.run(
        [Image(small, smallShape, utterance: utterance)],
        Image(out, shape, utterance: utterance), start, threads: execution.threads)
    }
  }

  /// Adds the weight's gradient, from the image that the convolution reads and that which it
  /// writes, one of which is a gradient.
  func addWeight(_ inputs: [Batch], _ small: (base: FloatPointer, shape: [Int])) {
    guard let gradient = weight.gradient() else { return }
    let (shape, base) = (small.shape, MutableFloatPointer(mutating: small.base))
    let sums = WeightGradient(layout, source(inputs, shape))
    for utterance in 0..<shape[0] {
      let images = inputs.map { Image($0.base, $0.shape, utterance: utterance) }
      Image(base, shape, utterance: utterance).pixels.withPadding {
        sums.add(images, $0, to: gradient, threads: execution.threads)
      }
    }
  }

  /// Adds the bias's gradient, the sum over all pixels of `dout`.
  func addBias(_ dout: MutableFloatPointer, _ shape: [Int]) {
    guard let bias else { return }
    for utterance in 0..<shape[0] {
      Image(dout, shape, utterance: utterance).pixels.withPadding { pixels in
        let sums = ChannelSums(columns: pixels.columns)
        sums.add(pixels.rows, execution.threads) { rows, sums in
          kernels.addColumnSums(pixels.rows(from: rows.lowerBound, count: rows.count), to: sums)
        }
        for channel in 0..<bias.count { bias.gradient[channel] += Float(sums.total[channel]) }
      }
    }
  }
}
