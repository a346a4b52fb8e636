import KernelAPI
import Models
import Tensor

extension KernelBenchmark {
  /// Times the kernels of Mamba along time and along bands, as the blocks of a layer run.
  func timeMambaKernels(_ mamba: MambaConfiguration) {
    let bands = model.bands.count
    let time = TileSequences(count: 1, length: frames, reversed: false)
    let band = TileSequences(
      count: min(frames, max(1, 256 / bands)), length: bands, reversed: false)
    let channels = paddedToLanes(mamba.expansion * model.features)
    for sequences in [time, band] {
      timeScan(sequences, channels: channels, states: mamba.stateSize)
    }
    // Another published size, whose rows do not fill whole vectors.
    if mamba.stateSize != 12 { timeScan(time, channels: channels, states: 12) }
    for sequences in [time, band] {
      timeConvolution(sequences, channels: channels, taps: mamba.convolutionTaps)
    }
    let count = time.rowCount * channels
    let step = timer.floats(count)
    timer.time(
      "softplus", .forward, [time.rowCount, channels], .softplus(count),
      elements: count
    ) { kernels.softplus(step, count: count) }
    timeLayerNorm(rows: time.rowCount)
    let columns = timer.floats(count)
    let sums = timer.floats(channels)
    timer.time(
      "bias gradient", .backward, [time.rowCount, channels],
      .pass(count, arrays: 1, operations: 1), elements: count
    ) {
      kernels.addColumnSums(
        FloatPointer(columns), rowStride: channels, rows: time.rowCount, columns: channels,
        to: sums)
    }
  }

  private func timeScan(_ sequences: TileSequences, channels: Int, states: Int) {
    let rows = sequences.rowCount
    let scanStates = (states + 3) / 4 * 4
    let stateStride = paddedToLanes(states)
    let rankStride = paddedToLanes((model.features + 15) / 16)
    let projectionStride = rankStride + 2 * stateStride
    let gate = timer.floats(rows * 2 * channels)
    let projection = timer.floats(rows * projectionStride)
    let inputs = ScanInputs(
      x: FloatPointer(timer.floats(rows * channels)),
      step: FloatPointer(timer.floats(rows * channels, in: 0.001...0.1)),
      gate: FloatPointer(gate + channels), gateStride: 2 * channels,
      projection: FloatPointer(projection + rankStride), outputOffset: stateStride,
      projectionStride: projectionStride)
    let decay = timer.floats(scanStates * channels)
    for index in 0..<scanStates * channels {
      // A = −1, −2, …, times log₂e, as at initialisation; no decay where there is no state.
      let state = index / channels
      decay[index] = state < states ? -1.442_695 * Float(state + 1) : 0
    }
    let parameters = ScanParameters(
      channels: channels, states: scanStates, decay: FloatPointer(decay),
      skip: FloatPointer(timer.floats(channels)))
    let out = timer.floats(rows * channels)
    let checkpoints = timer.floats(
      sequences.count * scanCheckpointCount(length: sequences.length) * scanStates * channels)
    let scratch = timer.floats(
      selectiveScanScratchCount(channels: channels, states: scanStates))
    let shape = [sequences.count, sequences.length, channels]
    timer.time(
      "scan + gate", .forward, shape,
      .scanForward(rows * channels, states: states),
      elements: rows * channels, states: states
    ) {
      kernels.selectiveScanForward(
        inputs, sequences, parameters, out: out, checkpoints: checkpoints, scratch: scratch)
    }
    let gradients = ScanGradients(
      x: timer.floats(rows * channels), step: timer.floats(rows * channels),
      gate: timer.floats(rows * 2 * channels) + channels, gateStride: 2 * channels,
      projection: timer.floats(rows * projectionStride) + rankStride,
      gatedOutput: timer.floats(rows * channels), decay: timer.floats(scanStates * channels),
      skip: timer.floats(channels), scratch: scratch)
    let dout = FloatPointer(timer.floats(rows * channels))
    timer.time(
      "scan + gate", .backward, shape,
      .scanBackward(rows * channels, states: states),
      elements: rows * channels, states: states
    ) {
      kernels.selectiveScanBackward(
        inputs, dout, sequences, parameters, checkpoints: FloatPointer(checkpoints), gradients)
    }
    timer.releaseBuffers()
  }

  private func timeConvolution(_ sequences: TileSequences, channels: Int, taps: Int) {
    let rows = sequences.rowCount
    let count = rows * channels
    let x = FloatPointer(timer.floats(2 * count))
    let weight = FloatPointer(timer.floats(taps * channels))
    let bias = FloatPointer(timer.floats(channels))
    let out = timer.floats(count)
    let shape = [sequences.count, sequences.length, channels]
    timer.time(
      "conv1d + SiLU", .forward, shape,
      .convolutionForward(count, taps: taps), elements: count
    ) {
      kernels.causalConv1dForward(
        x, stride: 2 * channels, sequences, channels: channels, taps: taps, weight: weight,
        bias: bias, out: out)
    }
    let dx = timer.floats(2 * count)
    let dweight = timer.floats(taps * channels)
    let dbias = timer.floats(channels)
    let scratch = timer.floats(sequences.length * laneCount)
    timer.time(
      "conv1d + SiLU", .backward, shape,
      .convolutionBackward(count, taps: taps), elements: count
    ) {
      kernels.causalConv1dBackward(
        x, stride: 2 * channels, FloatPointer(out), sequences, channels: channels, taps: taps,
        weight: weight, bias: bias, dx: dx, dxStride: 2 * channels, dweight: dweight,
        dbias: dbias, scratch: scratch)
    }
    timer.releaseBuffers()
  }

  private func timeLayerNorm(rows: Int) {
    let features = model.features
    let stride = paddedToLanes(features)
    let x = FloatPointer(timer.floats(rows * stride))
    let weight = FloatPointer(timer.floats(stride))
    let bias = FloatPointer(timer.floats(stride))
    let out = timer.floats(rows * stride)
    let mean = timer.floats(rows)
    let inverse = timer.floats(rows)
    let count = rows * features
    timer.time(
      "LayerNorm", .forward, [rows, features], .layerNormForward(count),
      elements: count
    ) {
      kernels.layerNormForward(
        x, rows: rows, features: features, stride: stride, weight: weight, bias: bias,
        epsilon: 1e-5, out: out, mean: mean, inverse: inverse)
    }
    let dx = timer.floats(rows * stride)
    let dweight = timer.floats(stride)
    let dbias = timer.floats(stride)
    timer.time(
      "LayerNorm", .backward, [rows, features], .layerNormBackward(count),
      elements: count
    ) {
      kernels.layerNormBackward(
        x, FloatPointer(out), rows: rows, features: features, stride: stride, weight: weight,
        mean: FloatPointer(mean), inverse: FloatPointer(inverse), dx: dx, dweight: dweight,
        dbias: dbias)
    }
  }
}
