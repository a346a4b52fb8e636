import KernelAPI
import Models
import Tensor

extension KernelBenchmark {
  /// Times the kernels of band split and decoder other than products, for the widest band.
  func timeBandKernels() {
    timeGroupNorm()
    guard let band = bandKinds.last else { return }
    timeTanh(hidden: band.expansion * model.features)
    timeTranspose(rows: band.expansion * model.features, columns: model.features)
    timeGate(mask: 2 * model.decoder.maskTaps * band.width)
    timer.releaseBuffers()
  }

  private func timeGroupNorm() {
    let rows = frames
    let features = model.features
    let stride = paddedToLanes(features)
    let count = rows * features
    let shape = [rows, features]
    let x = FloatPointer(timer.floats(rows * stride))
    let weight = FloatPointer(timer.floats(stride))
    let bias = FloatPointer(timer.floats(stride))
    let out = timer.floats(rows * stride)
    timer.time(
      "GroupNorm statistics", .forward, shape, .groupStatistics(count),
      elements: count
    ) {
      _ = kernels.groupStatistics(
        x, rows: rows, features: features, stride: stride, epsilon: 1e-5)
    }
    timer.time(
      "GroupNorm", .forward, shape, .groupNormForward(count), elements: count
    ) {
      kernels.groupNormForward(
        x, rows: rows, features: stride, stride: stride, mean: 0.1, inverse: 1.5, weight: weight,
        bias: bias, out: out, outStride: stride)
    }
    let dx = timer.floats(rows * stride)
    let dweight = timer.floats(stride)
    let dbias = timer.floats(stride)
    timer.time(
      "GroupNorm", .backward, shape, .groupNormBackward(count), elements: count
    ) {
      kernels.groupNormBackward(
        x, xStride: stride, FloatPointer(out), doutStride: stride, rows: rows, features: stride,
        count: count, mean: 0.1, inverse: 1.5, weight: weight, dx: dx, dxStride: stride,
        dweight: dweight, dbias: dbias)
    }
  }

  /// Times the transposition to the layout of the decoder's first weight.
  private func timeTranspose(rows: Int, columns: Int) {
    let count = rows * columns
    let x = FloatPointer(timer.floats(count))
    let out = timer.floats(columns * paddedToLanes(rows))
    timer.time(
      "transpose", .forward, [rows, columns], .pass(count, arrays: 2), elements: count
    ) {
      kernels.transpose(
        x, rows: rows, columns: columns, to: out, rowStride: paddedToLanes(rows))
    }
  }

  private func timeTanh(hidden: Int) {
    let stride = paddedToLanes(hidden)
    let count = frames * stride
    let x = timer.floats(count)
    let dx = timer.floats(count)
    timer.time(
      "tanh", .forward, [frames, hidden], .tanhForward(frames * hidden),
      elements: frames * hidden
    ) { kernels.tanh(x, count: count) }
    timer.time(
      "tanh", .backward, [frames, hidden], .tanhBackward(frames * hidden),
      elements: frames * hidden
    ) { kernels.tanhBackward(FloatPointer(x), FloatPointer(dx), count: count, dx: dx) }
  }

  private func timeGate(mask: Int) {
    let columns = paddedToLanes(mask)
    let count = frames * mask
    let gates = FloatPointer(timer.floats(2 * frames * columns))
    let out = timer.floats(frames * columns)
    let rows = frames
    timer.time(
      "GLU", .forward, [rows, mask], .gatedLinearUnitForward(count), elements: count
    ) {
      kernels.gatedLinearUnit(
        gates, gates + columns, stride: 2 * columns, rows: rows, columns: columns, out: out,
        outStride: columns)
    }
    let gradients = timer.floats(2 * frames * columns)
    timer.time(
      "GLU", .backward, [rows, mask], .gatedLinearUnitBackward(count), elements: count
    ) {
      kernels.gatedLinearUnitBackward(
        gates, gates + columns, stride: 2 * columns, FloatPointer(out), doutStride: columns,
        rows: rows, columns: columns, da: gradients, db: gradients + columns)
    }
  }

  /// Times the kernels of loss and optimiser: the loss over one utterance, the others over all
  /// parameters.
  func timeTrainingKernels() {
    let bins = frames * model.bins
    let estimate = FloatPointer(timer.floats(2 * bins))
    let target = FloatPointer(timer.floats(2 * bins))
    let gradient = timer.floats(2 * bins)
    timer.time(
      "spectral loss", .forward, [frames, model.bins], .spectralLoss(bins: bins, gradient: true),
      elements: bins
    ) {
      _ = kernels.spectralLoss(
        estimate, target, count: bins, scale: 1 / Float(bins), gradient: gradient)
    }
    timer.releaseBuffers()

    let parameters = SpeechEnhancer(configuration: model, seed: 0).parameters.count
    let count = paddedToLanes(parameters)
    let gradients = FloatPointer(timer.floats(count))
    let values = timer.floats(count)
    func time(_ name: String, _ work: Profile.Work, _ body: () -> Void) {
      timer.time(
        name, .backward, [parameters], work,
        elements: count, body)
    }
    let moments = [timer.floats(count), timer.floats(count, in: 0...1)]
    let step = AdamStep(
      learningRate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, correction1: 0.1,
      correction2: 0.001, gradientScale: 1)
    time("Adam", .adam(count)) {
      kernels.adam(
        step, value: values, gradient: gradients, firstMoment: moments[0],
        secondMoment: moments[1], count: count)
    }
    time("moving average", .pass(count, arrays: 3, operations: 1)) {
      kernels.movingAverage(moments[0], towards: gradients, decay: 0.999, count: count)
    }
    time("gradient norm", .sumOfSquares(count)) {
      _ = kernels.sumOfSquares(gradients, count: count)
    }
    time("sum", .pass(count, arrays: 3)) {
      kernels.sum(gradients, FloatPointer(moments[0]), count: count, out: values)
    }
    time("add", .pass(count, arrays: 3)) { kernels.add(gradients, to: values, count: count) }
    // A number in double precision has the bytes of two floats.
    let sums = timer.doubles(count)
    time("accumulate", .pass(count, arrays: 5)) {
      kernels.accumulate(gradients, to: sums, count: count)
    }
    time("scale", .pass(count, arrays: 3)) {
      kernels.scale(UnsafePointer(sums), by: 0.5, count: count, out: values)
    }
    timer.releaseBuffers()
  }
}
