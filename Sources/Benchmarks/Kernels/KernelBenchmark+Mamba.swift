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
    let columns = timer.matrix(rows: time.rowCount, columns: channels)
    let sums = timer.floats(channels)
    timer.time(
      "bias gradient", .backward, [time.rowCount, channels],
      .pass(count, arrays: 1, operations: 1), elements: count
    ) { kernels.addColumnSums(columns, to: sums) }
  }

  private func timeScan(_ sequences: TileSequences, channels: Int, states: Int) {
    let rows = sequences.rowCount
    let scanStates = paddedScanStates(states)
    let rankWidth = paddedToLanes((model.features + 15) / 16)
    let stateWidth = paddedToLanes(states)
    func matrix(_ range: ClosedRange<Float> = -1...1) -> MatrixView {
      MatrixView(timer.floats(rows * channels, in: range), rows: rows, columns: channels)
    }
    /// z beside x, and B and C behind delta, as the projections write them.
    func projections() -> (z: MatrixView, b: MatrixView, c: MatrixView) {
      let both = timer.matrix(rows: rows, columns: 2 * channels)
      let projected = timer.matrix(rows: rows, columns: rankWidth + 2 * stateWidth)
      return (
        both.columns(from: channels, count: channels),
        projected.columns(from: rankWidth, count: states),
        projected.columns(from: rankWidth + stateWidth, count: states)
      )
    }
    let (z, b, c) = projections()
    let inputs = ScanInputs(x: matrix(), delta: matrix(0.001...0.1), z: z, b: b, c: c)
    let a = timer.matrix(rows: scanStates, columns: channels)
    for state in 0..<scanStates {
      // A = −1, −2, …, times log₂e, as at initialisation; no decay where there is no state.
      let value = state < states ? -Float(MathConstants.log2E) * Float(state + 1) : 0
      a.row(state).update(repeating: value, count: channels)
    }
    let parameters = ScanParameters(a: a, d: timer.floats(channels))
    let out = matrix()
    let checkpoints = timer.matrix(
      rows: sequences.count * scanCheckpointCount(length: sequences.length) * scanStates,
      columns: channels)
    func carve(_ parts: inout SlabCarver) -> ScanScratch {
      ScanScratch(&parts, channels: channels, states: scanStates)
    }
    let slab = Slab(for: carve)
    let scratch = slab.carve(carve)
    let shape = [sequences.count, sequences.length, channels]
    timer.time(
      "scan + gate", .forward, shape,
      .scanForward(rows * channels, states: states),
      elements: rows * channels, states: states
    ) {
      kernels.selectiveScanForward(
        inputs, sequences, parameters, out: out, checkpoints: checkpoints, scratch: scratch)
    }
    let (dz, db, dc) = projections()
    let gradients = ScanGradients(
      x: matrix(), delta: matrix(), z: dz, b: db, c: dc, gatedOutput: matrix(),
      a: timer.matrix(rows: scanStates, columns: channels), d: timer.floats(channels))
    let dout = matrix()
    timer.time(
      "scan + gate", .backward, shape,
      .scanBackward(rows * channels, states: states),
      elements: rows * channels, states: states
    ) {
      kernels.selectiveScanBackward(
        inputs, dout, sequences, parameters, checkpoints: checkpoints, gradients,
        scratch: scratch)
    }
    // Pointers alone keep no storage alive.
    withExtendedLifetime(slab) { timer.releaseBuffers() }
  }

  private func timeConvolution(_ sequences: TileSequences, channels: Int, taps: Int) {
    let rows = sequences.rowCount
    let count = rows * channels
    let x = timer.matrix(rows: rows, columns: channels, stride: 2 * channels)
    let weights = ConvolutionWeights(
      weight: timer.matrix(rows: taps, columns: channels), bias: timer.floats(channels))
    let out = timer.matrix(rows: rows, columns: channels)
    let shape = [sequences.count, sequences.length, channels]
    timer.time(
      "conv1d + SiLU", .forward, shape,
      .convolutionForward(count, taps: taps), elements: count
    ) { kernels.causalConv1dForward(x, sequences, weights, out: out) }
    let dx = timer.matrix(rows: rows, columns: channels, stride: 2 * channels)
    let gradients = ConvolutionGradients(
      weight: timer.matrix(rows: taps, columns: channels), bias: timer.floats(channels))
    let scratch = timer.floats(sequences.length * laneCount)
    timer.time(
      "conv1d + SiLU", .backward, shape,
      .convolutionBackward(count, taps: taps), elements: count
    ) {
      kernels.causalConv1dBackward(
        x, out, sequences, weights, dx: dx, gradients: gradients, scratch: scratch)
    }
    timer.releaseBuffers()
  }

  private func timeLayerNorm(rows: Int) {
    let features = model.features
    let stride = paddedToLanes(features)
    let x = timer.matrix(rows: rows, columns: features)
    let norm = AffineVectors(weight: timer.floats(stride), bias: timer.floats(stride))
    let out = timer.matrix(rows: rows, columns: features)
    let moments = RowMoments(mean: timer.floats(rows), inverse: timer.floats(rows))
    let count = rows * features
    timer.time(
      "LayerNorm", .forward, [rows, features], .layerNormForward(count),
      elements: count
    ) { kernels.layerNormForward(x, norm, epsilon: 1e-5, out: out, moments: moments) }
    let dx = timer.matrix(rows: rows, columns: features)
    let gradients = AffineGradients(weight: timer.floats(stride), bias: timer.floats(stride))
    timer.time(
      "LayerNorm", .backward, [rows, features], .layerNormBackward(count),
      elements: count
    ) {
      kernels.layerNormBackward(
        x, out, weight: norm.weight, moments: moments, dx: dx, gradients: gradients)
    }
  }
}
