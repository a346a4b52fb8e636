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
    let x = timer.matrix(rows: rows, columns: features)
    let norm = AffineVectors(weight: timer.floats(stride), bias: timer.floats(stride))
    let moments = GroupMoments(mean: 0.1, inverse: 1.5)
    let out = timer.matrix(rows: rows, columns: features)
    timer.time(
      "GroupNorm statistics", .forward, shape, .groupStatistics(count),
      elements: count
    ) { _ = kernels.groupMoments(x, epsilon: 1e-5) }
    timer.time(
      "GroupNorm", .forward, shape, .groupNormForward(count), elements: count
    ) { kernels.groupNormForward(x, norm, moments: moments, out: out) }
    let dx = timer.matrix(rows: rows, columns: features)
    let gradients = AffineGradients(weight: timer.floats(stride), bias: timer.floats(stride))
    timer.time(
      "GroupNorm", .backward, shape, .groupNormBackward(count), elements: count
    ) {
      kernels.groupNormBackward(
        x, out, weight: norm.weight, moments: moments, dx: dx, gradients: gradients)
    }
  }

  /// Times the transposition to the layout of the decoder's first weight.
  private func timeTranspose(rows: Int, columns: Int) {
    let count = rows * columns
    let x = timer.matrix(rows: rows, columns: columns, stride: columns)
    let out = timer.matrix(rows: columns, columns: rows)
    timer.time(
      "transpose", .forward, [rows, columns], .pass(count, arrays: 2), elements: count
    ) { kernels.transpose(x, into: out) }
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
    func halves() -> [MatrixView] {
      let both = timer.matrix(rows: frames, columns: 2 * columns)
      return [0, columns].map { both.columns(from: $0, count: mask) }
    }
    let gates = halves()
    let out = timer.matrix(rows: frames, columns: mask)
    timer.time(
      "GLU", .forward, [frames, mask], .gatedLinearUnitForward(count), elements: count
    ) { kernels.gatedLinearUnit(gates[0], gates[1], out: out) }
    let gradients = halves()
    timer.time(
      "GLU", .backward, [frames, mask], .gatedLinearUnitBackward(count), elements: count
    ) {
      kernels.gatedLinearUnitBackward(
        gates[0], gates[1], out, da: gradients[0], db: gradients[1])
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
