import Convolution
import KernelAPI
import Tensor

/// A convolution of one utterance, as a network has it.
private struct BenchConvolution {
  let name: String
  let extent: Extent2d
  /// Channels of each input.
  let inputs: [Int]
  let outputs: Int
  let geometry: Convolution2d
  var isTransposed = false

  var channels: Int { inputs.reduce(0, +) }
}

extension KernelBenchmark {
  /// Times the convolutions of the metric discriminator for the model's spectrogram, and those of
  /// SEMamba for an utterance of as many seconds: the operations, with the layout of their weights.
  func timeConvolutions() {
    for convolution in discriminatorConvolutions + denseConvolutions { time(convolution) }
  }

  private var discriminatorConvolutions: [BenchConvolution] {
    let geometry = Convolution2d(
      kernel: Extent2d(4, 4), stride: Extent2d(2, 2), padding: Extent2d(1, 1))
    var extent = Extent2d(model.bins, frames)
    return [(2, 16), (16, 32), (32, 64), (64, 128)].compactMap { inputs, outputs in
      let convolution = BenchConvolution(
        name: "discriminator conv", extent: extent, inputs: [inputs], outputs: outputs,
        geometry: geometry)
      extent = geometry.outputExtent(of: extent)
      return extent.height > 0 && extent.width > 0 ? convolution : nil
    }
  }

  /// SEMamba's first and last dense layer and its convolutions of stride 2: 100 bins of 64
  /// channels, hop 100 at 16 kHz.
  private var denseConvolutions: [BenchConvolution] {
    let frames = 1 + Int(160 * seconds)
    let narrow = Convolution2d(kernel: Extent2d(1, 3), stride: Extent2d(1, 2))
    let dense = [0, 3].map { layer in
      BenchConvolution(
        name: "dense conv", extent: Extent2d(frames, 100),
        inputs: Array(repeating: 64, count: layer + 1), outputs: 64,
        geometry: Convolution2d(
          kernel: Extent2d(3, 3), dilation: Extent2d(1 << layer, 1),
          padding: Extent2d(1 << layer, 1)))
    }
    return dense + [
      BenchConvolution(
        name: "narrowing conv", extent: Extent2d(frames, 201), inputs: [64], outputs: 64,
        geometry: narrow),
      BenchConvolution(
        name: "widening conv", extent: Extent2d(frames, 100), inputs: [64], outputs: 64,
        geometry: narrow, isTransposed: true),
    ]
  }

  private func tensor(_ shape: [Int], differentiates: Bool) -> Tensor {
    let tensor = Tensor(shape: shape, requiresGradient: differentiates)
    tensor.base.update(from: timer.floats(tensor.count), count: tensor.count)
    timer.releaseBuffers()
    return tensor
  }

  private func time(_ convolution: BenchConvolution) {
    let (extent, kernel) = (convolution.extent, convolution.geometry.kernel)
    let output =
      convolution.isTransposed
      ? convolution.geometry.transposedExtent(of: extent)
      : convolution.geometry.outputExtent(of: extent)
    let small = convolution.isTransposed ? extent : output
    let channels =
      convolution.isTransposed
      ? [convolution.channels, convolution.outputs] : [convolution.outputs, convolution.channels]
    let depth = convolution.channels * kernel.height * kernel.width
    let work = Profile.Work.product(small.height * small.width, convolution.outputs, depth)
    let shape = [small.height * small.width, convolution.outputs, depth]
    let upstream = tensor(
      [1, output.height, output.width, convolution.outputs], differentiates: false)
    for pass in [KernelFigures.Pass.forward, .inputGradient, .weightGradient] {
      let inputs = convolution.inputs.map {
        tensor([1, extent.height, extent.width, $0], differentiates: pass == .inputGradient)
      }
      let weight = tensor(
        channels + [kernel.height, kernel.width], differentiates: pass == .weightGradient)
      func forward(_ tape: Tape) -> Tensor {
        convolution.isTransposed
          ? transposedConvolution2d(
            inputs[0], weight: .tensor(weight), geometry: convolution.geometry, tape)
          : convolution2d(
            inputs, weight: .tensor(weight), geometry: convolution.geometry, tape)
      }
      timer.time(convolution.name, pass, shape, work, elements: shape[0] * shape[1]) {
        if pass == .forward { return { _ = forward(.inference) } }
        // Backward alone: the tape is made before.
        let tape = Tape()
        let out = forward(tape)
        out.gradient = upstream.storage
        for input in inputs { input.gradient = nil }
        return { tape.backward() }
      }
    }
  }
}
