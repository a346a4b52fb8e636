import KernelAPI
import Models
import Tensor

extension KernelBenchmark {
  /// Times the products over a chunk of steps.
  func timeLSTMProducts(_ lstm: LSTMTrunkConfiguration) {
    let features = model.features
    let units = lstm.expansion * features
    let (wide, hidden) = (paddedToLanes(features), paddedToLanes(units))
    let rows = 180
    timeProduct("LSTM fc", .forward, rows, features, units, .rows(stride: wide + hidden))
    timeProduct("LSTM fc", .inputGradient, rows, units, features, .rows(stride: wide))
    timeProduct(
      "LSTM fc", .weightGradient, features, units, rows, .columns(stride: wide), .accumulate)
    timeProduct(
      "LSTM block", .weightGradient, wide + hidden, 4 * laneCount, rows,
      .columns(stride: wide + hidden), .accumulate)
  }

  /// Times steps over as many sequences as run side by side along time and along bands.
  func timeLSTMKernels(_ lstm: LSTMTrunkConfiguration) {
    for count in [model.bands.count, frames] {
      timeStep(
        rows: lstmSequencesTogether(of: count), units: lstm.expansion * model.features)
    }
  }

  private func timeStep(rows: Int, units: Int) {
    let features = model.features
    let (inputs, hidden) = (paddedToLanes(features), paddedToLanes(units))
    let (width, gates) = (inputs + hidden, 4 * hidden)
    let records = timer.floats(2 * rows * hidden / laneCount * lstmRecordCount)
    let step = LSTMStep(
      rows: rows, inputs: inputs, hidden: hidden, records: records + rows * lstmRecordCount,
      previous: FloatPointer(records), blockStride: 2 * rows * lstmRecordCount)
    let input = FloatPointer(timer.floats(rows * width))
    let weights = FloatPointer(timer.floats(gates * width, in: -0.1...0.1))
    let bias = FloatPointer(timer.floats(gates))
    let state = timer.floats(rows * width)
    let shape = [rows, width, gates]
    let product = Profile.Work.product(rows, 4 * units, features + units)
    timer.time(
      "LSTM step", .forward, shape, product + .lstmForward(rows * units), elements: rows * units
    ) {
      kernels.lstmStepForward(
        step, input: input, weights: weights, bias: bias, state: state)
    }
    let gradients = LSTMStepGradients(
      hidden: FloatPointer(timer.floats(rows * hidden)),
      next: FloatPointer(timer.floats(rows * width)),
      cell: timer.floats(rows * hidden), weights: weights, gates: timer.floats(rows * gates),
      input: timer.floats(rows * width), state: state)
    timer.time(
      "LSTM step", .backward, shape, product + .lstmBackward(rows * units), elements: rows * units
    ) { kernels.lstmStepBackward(step, gradients) }
    timer.time(
      "LSTM state", .forward, [rows, units], .tanhForward(rows * units), elements: rows * units
    ) { kernels.lstmState(step, state: state) }
    timer.releaseBuffers()
  }
}
