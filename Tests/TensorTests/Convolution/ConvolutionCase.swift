import Convolution
import Tensor
import Testing

/// A convolution, or a transposed one, of inputs that are taken side by side along channels.
struct ConvolutionCase: OperationCase {
  let batch: Int
  let extent: Extent2d
  /// Channels of each input.
  let inputs: [Int]
  let outputs: Int
  let geometry: Convolution2d
  var isTransposed = false
  var hasBias = true
  /// Whether the weight is a tensor instead of a parameter.
  var hasTensorWeight = false

  private var channels: Int { inputs.reduce(0, +) }
  private var weightName: String { hasTensorWeight ? "in.weight" : "param.weight" }
  private var outputExtent: Extent2d {
    isTransposed ? geometry.transposedExtent(of: extent) : geometry.outputExtent(of: extent)
  }

  var arrays: [NamedArray] {
    let kernel = [geometry.kernel.height, geometry.kernel.width]
    let bound = 1.5 / Float(channels * kernel[0] * kernel[1]).squareRoot()
    let weight = NamedArray(
      weightName, (isTransposed ? [channels, outputs] : [outputs, channels]) + kernel,
      -bound...bound)
    return inputs.enumerated().map {
      NamedArray("in.x\($0)", [batch, extent.height, extent.width, $1], -1...1)
    } + [weight] + (hasBias ? [NamedArray("param.bias", [outputs], -0.5...0.5)] : [])
  }
  var outputShape: [Int] { [batch, outputExtent.height, outputExtent.width, outputs] }
  var work: Int {
    let pixels =
      isTransposed
      ? extent.height * extent.width : outputExtent.height * outputExtent.width
    return batch * pixels * channels * outputs * geometry.kernel.height * geometry.kernel.width
  }
  var testDescription: String {
    "\(batch) × \(extent), \(inputs) to \(outputs), \(geometry)"
      + (isTransposed ? ", transposed" : "") + (hasTensorWeight ? ", tensor" : "")
  }

  func reference(_ values: [String: [Double]]) -> [Double] {
    let shape = [batch, extent.height, extent.width, channels]
    var x: [Double] = []
    for pixel in 0..<batch * extent.height * extent.width {
      for (index, count) in inputs.enumerated() {
        x += (values["in.x\(index)"] ?? [])[pixel * count..<(pixel + 1) * count]
      }
    }
    let weight = values[weightName] ?? []
    let bias = values["param.bias"]
    return isTransposed
      ? Reference.transposedConvolution2d(
        x, shape, weight, bias: bias, geometry, output: outputShape)
      : Reference.convolution2d(x, shape, weight, bias: bias, geometry, output: outputShape)
  }

  func apply(
    _ inputs: [String: Tensor], _ parameters: [String: Parameter], _ tape: Tape
  ) -> Tensor {
    let x = self.inputs.indices.map { index -> Tensor in
      guard let x = inputs["x\(index)"] else { preconditionFailure("missing input") }
      return x
    }
    let weight =
      inputs["weight"].map(ConvolutionWeight.tensor) ?? .parameter(parameter(parameters, "weight"))
    let bias = hasBias ? parameter(parameters, "bias") : nil
    return isTransposed
      ? transposedConvolution2d(x[0], weight: weight, bias: bias, geometry: geometry, tape)
      : convolution2d(x, weight: weight, bias: bias, geometry: geometry, tape)
  }
}
