import KernelAPI
import Tensor
import Testing
import TestSupport

/// Every kernel gives the same bits with AVX2 and with AVX-512: both do the same operations in the
/// same order. So what is tested of the chosen set holds for the other, and machines of both kinds
/// may train together.
@Suite(.enabled(if: availableKernels.count > 1, "this machine has no AVX-512"))
struct InstructionSetAgreementTests {
  /// Runs `body` with both and compares what it wrote.
  private func expectSameBits(
    _ what: String, sourceLocation: SourceLocation = #_sourceLocation,
    _ body: (any KernelSet.Type) -> [Float]
  ) {
    let results = availableKernels.map { body($0).map(\.bitPattern) }
    #expect(results[0] == results[1], "\(what)", sourceLocation: sourceLocation)
  }

  private func matrix(
    _ rows: Int, _ width: Int, _ stream: String, _ range: ClosedRange<Float> = -1...1
  ) -> KernelBuffer {
    KernelBuffer(rows: rows, width: width, stride: width, range, seed: 1, stream)
  }

  @Test func twoDifferentSets() {
    #expect(Set(availableKernels.map { $0.instructionSet }) == ["AVX2", "AVX-512"])
  }

  @Test(arguments: ElementaryFunction.allCases) func elementary(function: ElementaryFunction) {
    let range: ClosedRange<Float> =
      switch function {
      case .exp2, .oneMinusExp2: -130...0
      case .log2: 1e-10...1e10
      default: -100...100
      }
    for scale in [Float(1), 0.01] {
      let x = randomFloats(100_000, range, seed: 1, stream: "x").map { $0 * scale }
      expectSameBits("\(function)") { $0.values(of: function, x) }
    }
  }

  @Test(arguments: [1, 5, 6, 7, 12, 13, 31, 251], [16, 48, 64, 160])
  func matrixProduct(m: Int, n: Int) {
    for byColumns in [false, true] {
      let problem = MatrixProductTests.Problem(m: m, n: n, k: 131, byColumns: byColumns)
      for start in MatrixProductTests.Start.allCases {
        expectSameBits("\(m) × \(n), \(start)") { kernel in
          let c = KernelBuffer(problem.c.elements)
          kernel.matrixProduct(
            problem.left, problem.right, into: problem.output(c), problem.start(start))
          return c.elements
        }
      }
    }
  }

  @Test func addColumnSums() {
    let x = matrix(251, 128, "x")
    expectSameBits("sums") { kernel in
      let out = KernelBuffer(128)
      kernel.addColumnSums(x.matrix(128), to: out.base)
      return out.elements
    }
  }

  @Test(arguments: [5, 16, 24, 128]) func normalisation(features: Int) {
    let (rows, stride) = (31, paddedToLanes(features))
    func padded(_ rows: Int, _ stream: String) -> KernelBuffer {
      KernelBuffer(rows: rows, width: features, stride: stride, seed: 1, stream)
    }
    let (x, dout, weight, bias) = (
      padded(rows, "x"), padded(rows, "dout"), padded(1, "w"), padded(1, "b")
    )
    func matrix(_ buffer: KernelBuffer) -> MatrixView { buffer.matrix(features, stride: stride) }
    let norm = AffineVectors(weight: weight.pointer, bias: bias.pointer)
    expectSameBits("LayerNorm of \(features)") { kernel in
      let (out, mean, inverse) = (
        KernelBuffer(rows * stride), KernelBuffer(rows), KernelBuffer(rows)
      )
      let moments = RowMoments(mean: mean.base, inverse: inverse.base)
      kernel.layerNormForward(matrix(x), norm, epsilon: 1e-5, out: matrix(out), moments: moments)
      let (dx, dw, db) = (KernelBuffer(rows * stride), KernelBuffer(stride), KernelBuffer(stride))
      kernel.layerNormBackward(
        matrix(x), matrix(dout), weight: norm.weight, moments: moments, dx: matrix(dx),
        gradients: AffineGradients(weight: dw.base, bias: db.base))
      return [out, mean, inverse, dx, dw, db].flatMap(\.elements)
    }
    expectSameBits("GroupNorm of \(features)") { kernel in
      let moments = kernel.groupMoments(matrix(x), epsilon: 1e-5)
      let out = KernelBuffer(rows * stride)
      kernel.groupNormForward(matrix(x), norm, moments: moments, out: matrix(out))
      let (dx, dw, db) = (KernelBuffer(rows * stride), KernelBuffer(stride), KernelBuffer(stride))
      kernel.groupNormBackward(
        matrix(x), matrix(dout), weight: norm.weight, moments: moments, dx: matrix(dx),
        gradients: AffineGradients(weight: dw.base, bias: db.base))
      return [moments.mean, moments.inverse] + [out, dx, dw, db].flatMap(\.elements)
    }
  }

  @Test(arguments: [1, 3, 4, 5], [false, true]) func convolution(taps: Int, reversed: Bool) {
    let sequences = TileSequences(count: 3, length: 31, reversed: reversed)
    let (rows, channels) = (sequences.rowCount, 48)
    let (x, dout) = (matrix(rows, channels, "x"), matrix(rows, channels, "dout"))
    let (weight, bias) = (matrix(taps, channels, "w"), matrix(1, channels, "b"))
    expectSameBits("\(taps) taps") { kernel in
      let (out, dx) = (KernelBuffer(rows * channels), KernelBuffer(rows * channels))
      let (dw, db) = (KernelBuffer(taps * channels), KernelBuffer(channels))
      let scratch = KernelBuffer(31 * laneCount)
      let weights = ConvolutionWeights(weight: weight.matrix(channels), bias: bias.pointer)
      kernel.causalConv1dForward(
        x.matrix(channels), sequences, weights, out: out.matrix(channels))
      kernel.causalConv1dBackward(
        x.matrix(channels), dout.matrix(channels), sequences, weights, dx: dx.matrix(channels),
        gradients: ConvolutionGradients(weight: dw.matrix(channels), bias: db.base),
        scratch: scratch.base)
      return [out, dx, dw, db].flatMap(\.elements)
    }
  }

  /// Rows of an image with taps that leave out some, and the sums for the weights.
  @Test(arguments: [1, 3, 17, 31], [1, 16, 24, 48, 100]) func convolutionRow(
    count: Int, channels: Int
  ) {
    let (depth, inputs, padded) = (29, 13, paddedToLanes(channels))
    let (x, dout) = (matrix(count + 4, inputs, "x"), matrix(count, padded, "dout"))
    let (weights, bias) = (matrix(depth, padded, "w"), matrix(1, padded, "b"))
    let start = matrix(count, channels, "start")
    for form in 0..<3 {
      expectSameBits("\(count) pixels, \(channels) channels") { kernel in
        // The panels of both sets differ in width.
        let packed = KernelBuffer(depth * padded)
        var (place, channel) = (0, 0)
        while channel < padded {
          let width = min(kernel.convolutionPanelWidth, padded - channel)
          for row in 0..<depth {
            for j in 0..<width {
              packed.base[place] = weights.base[row * padded + channel + j]
              place += 1
            }
          }
          channel += width
        }
        let segments = [
          ConvolutionSegment(base: x.pointer, step: inputs, count: 7, weight: 0),
          ConvolutionSegment(base: x.pointer + 2 * inputs, step: inputs, count: 13, weight: 16),
        ]
        let out = KernelBuffer(start.elements)
        let starts = [ConvolutionStart.overwrite, .accumulate, .bias(bias.pointer)]
        segments.withUnsafeBufferPointer { segments in
          guard let base = segments.baseAddress else { return }
          kernel.convolutionRow(
            ConvolutionRow(
              segments: base, segmentCount: 2, weights: packed.pointer, depth: depth,
              target: out.base, targetStep: channels, count: count, channels: channels,
              start: starts[form]))
        }
        let sums = KernelBuffer(inputs * padded)
        let pixels = [
          ConvolutionPixels(source: x.pointer, gradient: dout.pointer, count: count),
          ConvolutionPixels(source: x.pointer + inputs, gradient: dout.pointer, count: count / 2),
        ]
        pixels.withUnsafeBufferPointer { pixels in
          guard let base = pixels.baseAddress else { return }
          kernel.addConvolutionSums(
            ConvolutionSums(
              pixels: base, pixelCount: 2, sourceStep: inputs, gradientStep: padded,
              sums: sums.base, sumStep: padded, count: inputs, channels: channels))
        }
        let overlapping = KernelBuffer(3 * count + 11)
        kernel.addOverlapping(
          MatrixView(dout.base, rows: count, columns: 11, stride: padded), width: 11,
          to: overlapping.base, step: 3)
        for buffer in [out, sums, overlapping] { #expect(buffer.isIntact) }
        return [out, sums, overlapping].flatMap(\.elements)
      }
    }
  }

  @Test(arguments: [1, 2, 9, 40]) func instanceNorm(pixels: Int) {
    let (x, dout) = (matrix(pixels, 48, "x", -2...2), matrix(pixels, 48, "dout"))
    let vectors = ["mean", "inverse", "weight", "bias", "slope", "product", "gradient"].map {
      matrix(1, 48, $0)
    }
    let norm = InstanceNormVectors(
      mean: vectors[0].pointer, inverse: vectors[1].pointer, weight: vectors[2].pointer,
      bias: vectors[3].pointer, slope: vectors[4].pointer)
    expectSameBits("\(pixels) pixels") { kernel in
      let (out, dx) = (KernelBuffer(pixels * 48), KernelBuffer(pixels * 48))
      let sums = (0..<4).map { _ in KernelBuffer(48) }
      kernel.instanceNormForward(x.matrix(48), norm, out: out.matrix(48))
      kernel.addSquaredDeviations(x.matrix(48), mean: norm.mean, to: sums[0].base)
      kernel.addInstanceNormSums(
        x.matrix(48), dout.matrix(48), norm,
        to: InstanceNormSums(weight: sums[1].base, bias: sums[2].base, slope: sums[3].base))
      kernel.instanceNormInputGradient(
        x.matrix(48), dout.matrix(48), norm, meanOfProduct: vectors[5].pointer,
        meanOfGradient: vectors[6].pointer, dx: dx.matrix(48))
      for buffer in [out, dx] + sums { #expect(buffer.isIntact) }
      return ([out, dx] + sums).flatMap(\.elements)
    }
  }

  @Test(arguments: [1, 17, 100], [Float(0), 1e-10]) func compressedMagnitude(
    count: Int, epsilon: Float
  ) {
    let (x, dout) = (matrix(count, 2, "X"), matrix(count, 1, "dout"))
    x.base[0] = 0
    x.base[1] = 0
    expectSameBits("\(count) bins") { kernel in
      let (out, dx) = (KernelBuffer(count), KernelBuffer(2 * count))
      kernel.compressedMagnitude(
        x.pointer, count: count, exponent: 0.3, epsilon: epsilon, out: out.base)
      kernel.addCompressedMagnitudeGradient(
        x.pointer, dout.pointer, count: count, exponent: 0.3, epsilon: epsilon, to: dx.base)
      #expect(out.isIntact && dx.isIntact)
      return out.elements + dx.elements
    }
  }

  @Test(arguments: [4, 12, 16, 20], [false, true]) func selectiveScan(states: Int, reversed: Bool) {
    let sequences = TileSequences(count: 2, length: 35, reversed: reversed)
    let (rows, channels) = (sequences.rowCount, 48)
    let offset = paddedToLanes(states)
    let (x, delta) = (matrix(rows, channels, "x"), matrix(rows, channels, "dt", 1e-4...1))
    let (z, dout) = (matrix(rows, channels, "z", -4...4), matrix(rows, channels, "dout"))
    let bAndC = matrix(rows, 2 * offset, "B, C")
    let (a, d) = (matrix(states, channels, "A", -20 ... -0.5), matrix(1, channels, "D"))
    func halves(_ buffer: KernelBuffer) -> (b: MatrixView, c: MatrixView) {
      let both = buffer.matrix(2 * offset)
      return (both.columns(from: 0, count: states), both.columns(from: offset, count: states))
    }
    let inputs = ScanInputs(
      x: x.matrix(channels), delta: delta.matrix(channels), z: z.matrix(channels),
      b: halves(bAndC).b, c: halves(bAndC).c)
    let parameters = ScanParameters(a: a.matrix(channels), d: d.pointer)
    expectSameBits("\(states) states") { kernel in
      let count = sequences.count * scanCheckpointCount(length: sequences.length)
      let checkpoints = KernelBuffer(count * states * channels)
      let scratch = ScanRoom(channels: channels, states: states)
      let out = KernelBuffer(rows * channels)
      kernel.selectiveScanForward(
        inputs, sequences, parameters, out: out.matrix(channels),
        checkpoints: checkpoints.matrix(channels), scratch: scratch.parts)
      let perRow = (0..<4).map { _ in KernelBuffer(rows * channels) }
      let dBAndC = KernelBuffer(rows * 2 * offset)
      let (dA, dD) = (KernelBuffer(states * channels), KernelBuffer(channels))
      kernel.selectiveScanBackward(
        inputs, dout.matrix(channels), sequences, parameters,
        checkpoints: checkpoints.matrix(channels),
        ScanGradients(
          x: perRow[0].matrix(channels), delta: perRow[1].matrix(channels),
          z: perRow[2].matrix(channels), b: halves(dBAndC).b, c: halves(dBAndC).c,
          gatedOutput: perRow[3].matrix(channels), a: dA.matrix(channels), d: dD.base),
        scratch: scratch.parts)
      let written = [out, checkpoints, dBAndC, dA, dD] + perRow
      for buffer in written { #expect(buffer.isIntact) }
      #expect(scratch.isIntact)
      // The backward scan makes the gated output once more, adding the states in another order.
      expectClose(perRow[3].elements, out.elements, 1e-6, "gated output")
      return written.flatMap(\.elements)
    }
  }

  @Test(arguments: [1, 6, 7, 36], [false, true]) func lstm(rows: Int, isFirst: Bool) {
    let (inputs, hidden) = (16, 48)
    let (width, gates, blocks) = (inputs + hidden, 4 * hidden, hidden / laneCount)
    let blockStride = 2 * rows * lstmRecordCount
    let (input, bias) = (matrix(rows, width, "x"), matrix(1, gates, "b"))
    let weights = matrix(gates, width, "W", -0.3...0.3)
    let before = matrix(blocks, blockStride, "records")
    let (dhidden, next) = (matrix(rows, hidden, "dh"), matrix(rows, width, "next"))
    expectSameBits("\(rows) rows") { kernel in
      let records = KernelBuffer(before.elements)
      // The records of the step before stand in front of the step's.
      let step = LSTMStep(
        rows: rows, inputs: inputs, hidden: hidden, records: records.base + rows * lstmRecordCount,
        previous: isFirst ? nil : records.pointer, blockStride: blockStride)
      let states = (0..<3).map { _ in KernelBuffer(rows * width) }
      kernel.lstmStepForward(
        step, input: input.pointer, weights: weights.pointer, bias: bias.pointer,
        state: states[0].base)
      let kept = records.elements
      kernel.lstmState(step, state: states[1].base)
      let (cell, scratch) = (KernelBuffer(rows * hidden), KernelBuffer(rows * gates))
      let dinput = KernelBuffer(rows * width)
      kernel.lstmStepBackward(
        step,
        LSTMStepGradients(
          hidden: dhidden.pointer, next: isFirst ? next.pointer + inputs : nil, cell: cell.base,
          weights: weights.pointer, gates: scratch.base, input: dinput.base, state: states[2].base))
      // The state comes out of its records as it went in.
      #expect(states[1].elements == states[0].elements && states[2].elements == states[0].elements)
      let written = states + [records, cell, scratch, dinput]
      for buffer in written { #expect(buffer.isIntact) }
      return written.flatMap(\.elements) + kept
    }
  }

  @Test func decoder() {
    let (a, b) = (matrix(9, 64, "a", -5...5), matrix(9, 64, "b", -5...5))
    let dout = matrix(9, 64, "dout")
    expectSameBits("GLU, tanh, softplus") { kernel in
      let buffers = (0..<3).map { _ in KernelBuffer(9 * 64) }
      kernel.gatedLinearUnit(a.matrix(64), b.matrix(64), out: buffers[0].matrix(64))
      kernel.gatedLinearUnitBackward(
        a.matrix(64), b.matrix(64), dout.matrix(64), da: buffers[1].matrix(64),
        db: buffers[2].matrix(64))
      let (tanh, softplus) = (KernelBuffer(a.elements), KernelBuffer(b.elements))
      kernel.tanh(tanh.base, count: 9 * 64)
      kernel.softplus(softplus.base, count: 9 * 64)
      let dtanh = KernelBuffer(9 * 64)
      kernel.tanhBackward(tanh.pointer, dout.pointer, count: 9 * 64, dx: dtanh.base)
      return (buffers + [tanh, softplus, dtanh]).flatMap(\.elements)
    }
  }

  @Test func gaussianErrorUnit() {
    let (x, y, dout) = (matrix(9, 64, "x", -5...5), matrix(9, 64, "y"), matrix(9, 64, "dout"))
    expectSameBits("GELU") { kernel in
      let (out, dx) = (KernelBuffer(9 * 64), KernelBuffer(9 * 64))
      kernel.gaussianErrorUnit(x.pointer, plus: y.pointer, count: 9 * 64, out: out.base)
      kernel.gaussianErrorUnitBackward(x.pointer, dout.pointer, count: 9 * 64, dx: dx.base)
      return out.elements + dx.elements
    }
  }

  @Test(arguments: [1, 17, 257, 1000], [Float(1e-12), 1]) func spectralLoss(
    count: Int, size: Float
  ) {
    let (y, s) = (matrix(count, 2, "Y", -size...size), matrix(count, 2, "S"))
    expectSameBits("\(count) bins") { kernel in
      let gradient = KernelBuffer(2 * count)
      let sums = kernel.spectralLoss(
        y.pointer, s.pointer, count: count, scale: 0.3, gradient: gradient.base)
      #expect(gradient.isIntact)
      return gradient.elements + [Float(sums.complex), Float(sums.magnitude)]
    }
  }

  @Test func optimiser() {
    let (start, gradient) = (matrix(100, 16, "x"), matrix(100, 16, "g"))
    expectSameBits("Adam, moving average, sum of squares") { kernel in
      let value = KernelBuffer(start.elements)
      let (m, v, average) = (KernelBuffer(1600), KernelBuffer(1600), KernelBuffer(1600))
      for step in 1...3 {
        kernel.adam(
          AdamStep(
            learningRate: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-8,
            correction1: [0.1, 0.19, 0.271][step - 1],
            correction2: [0.001, 0.001999, 0.002997][step - 1], gradientScale: 0.7),
          value: value.base, gradient: gradient.pointer, firstMoment: m.base,
          secondMoment: v.base, count: 1600)
        kernel.movingAverage(average.base, towards: value.pointer, decay: 0.9, count: 1600)
      }
      return [value, m, v, average].flatMap(\.elements)
        + [Float(kernel.sumOfSquares(gradient.pointer, count: 1597))]
    }
  }
}
