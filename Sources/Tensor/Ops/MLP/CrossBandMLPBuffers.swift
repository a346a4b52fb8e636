import KernelAPI

/// The weights of a `crossBandMLP` as the kernels want them.
struct PackedMLP {
  /// [in, out]
  let transposed: PaddedMatrix
  /// [out, in]
  let weight: PaddedMatrix
  let bias: PaddedMatrix
  let norm1: (weight: PaddedMatrix, bias: PaddedMatrix)
  let norm2: (weight: PaddedMatrix, bias: PaddedMatrix)

  init(_ parameters: CrossBandMLPParameters, features: Int) {
    func vector(_ parameter: Parameter) -> PaddedMatrix {
      padded(parameter.value, count: features)
    }
    transposed = PaddedMatrix(
      transposing: parameters.weight.value, rows: features, columns: features)
    weight = PaddedMatrix(parameters.weight.value, rows: features, columns: features)
    bias = vector(parameters.bias)
    norm1 = (vector(parameters.norm1.weight), vector(parameters.norm1.bias))
    norm2 = (vector(parameters.norm2.weight), vector(parameters.norm2.bias))
  }
}

/// The gradient sums of one thread, or of all: rows padded.
final class MLPGradients {
  private let storage: Storage
  private let features: Int
  private let stride: Int

  /// Zeros.
  init(features: Int) {
    self.features = features
    stride = paddedToLanes(features)
    storage = Storage(count: (features + 5) * stride)
  }

  /// [out, in]
  var weight: MutableFloatPointer { storage.base }
  /// The vectors, in the order of `CrossBandMLPParameters.all`: 0 is the Linear's bias.
  func vector(_ index: Int) -> MutableFloatPointer { storage.base + (features + index) * stride }

  /// Adds the sums to those of `total` and becomes zero.
  func move(to total: MLPGradients) {
    kernels.add(FloatPointer(storage.base), to: total.storage.base, count: storage.count)
    storage.buffer.update(repeating: 0)
  }

  /// Adds the sums to the parameters' gradients.
  func finish(_ parameters: CrossBandMLPParameters) {
    for row in 0..<features {
      kernels.add(
        FloatPointer(weight + row * stride), to: parameters.weight.gradient + row * features,
        count: features)
    }
    for (index, parameter) in parameters.all.dropFirst().enumerated() {
      kernels.add(FloatPointer(vector(index)), to: parameter.gradient, count: features)
    }
  }
}

/// The rows of one tile on their way, and what LayerNorm divides by.
final class MLPScratch {
  private let storage: Storage
  let input: MutableFloatPointer
  let linear: MutableFloatPointer
  let normalised: MutableFloatPointer
  let sum: MutableFloatPointer
  let out: MutableFloatPointer
  let mean1: MutableFloatPointer
  let inverse1: MutableFloatPointer
  let mean2: MutableFloatPointer
  let inverse2: MutableFloatPointer

  init(rows: Int, stride: Int) {
    let (wide, column) = (rows * stride, paddedToLanes(rows))
    storage = Storage(uninitialized: 5 * wide + 4 * column)
    input = storage.base
    linear = input + wide
    normalised = linear + wide
    sum = normalised + wide
    out = sum + wide
    mean1 = out + wide
    inverse1 = mean1 + column
    mean2 = inverse1 + column
    inverse2 = mean2 + column
  }
}
