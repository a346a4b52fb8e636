import KernelAPI
import Tensor
import Testing
import TestSupport

/// The convolution kernels over tiles of sequences, against textbook loops in `Double`.
struct CausalConv1dTests {
  private static let channels = 32
  private static let stride = 48

  /// y[t] = SiLU(bias + Σ_j w[j]·x[t − (taps − 1) + j]) of one channel of one sequence.
  private func exact(_ x: [Double], _ weight: [Double], _ bias: Double) -> [Double] {
    x.indices.map { t in
      var sum = bias
      for (j, w) in weight.enumerated() where t - (weight.count - 1) + j >= 0 {
        sum += w * x[t - (weight.count - 1) + j]
      }
      return Reference.silu(sum)
    }
  }

  @Test(arguments: availableKernels, [1, 2, 3, 4, 5])
  func matchesReference(kernel: any KernelSet.Type, taps: Int) {
    for length in [1, 2, 3, 4, 5, 9, 31] {
      for reversed in [false, true] {
        let sequences = TileSequences(count: 3, length: length, reversed: reversed)
        let (rows, channels) = (sequences.rowCount, Self.channels)
        let x = KernelBuffer(
          rows: rows, width: channels, stride: Self.stride, -2...2, seed: 1, "x")
        let weight = KernelBuffer(rows: taps, width: channels, stride: channels, seed: 1, "w")
        let bias = KernelBuffer(rows: 1, width: channels, stride: channels, seed: 1, "b")
        let dout = KernelBuffer(rows: rows, width: channels, stride: channels, seed: 1, "dout")
        let out = KernelBuffer(rows * channels, repeating: 7)
        let weights = ConvolutionWeights(weight: weight.matrix(channels), bias: bias.pointer)
        kernel.causalConv1dForward(
          x.matrix(channels, stride: Self.stride), sequences, weights, out: out.matrix(channels))
        let dx = KernelBuffer(rows * Self.stride, repeating: 7)
        let dweight = KernelBuffer(taps * channels, repeating: 1)
        let dbias = KernelBuffer(channels, repeating: 1)
        let scratch = KernelBuffer(length * laneCount)
        kernel.causalConv1dBackward(
          x.matrix(channels, stride: Self.stride), dout.matrix(channels), sequences, weights,
          dx: dx.matrix(channels, stride: Self.stride),
          gradients: ConvolutionGradients(weight: dweight.matrix(channels), bias: dbias.base),
          scratch: scratch.base)
        for buffer in [out, dx, dweight, dbias, scratch] { #expect(buffer.isIntact) }

        var expectedOut = [Double](repeating: 0, count: rows * channels)
        var expectedDx = expectedOut
        var expectedDw = [Double](repeating: 1, count: taps * channels)
        var expectedDb = [Double](repeating: 1, count: channels)
        for channel in 0..<channels {
          let w = (0..<taps).map { Double(weight.base[$0 * channels + channel]) }
          let b = Double(bias.base[channel])
          for sequence in 0..<sequences.count {
            // The tile's rows in the sequence's logical order.
            let order = (0..<length).map {
              sequence * length + (reversed ? length - 1 - $0 : $0)
            }
            let input = order.map { Double(x.base[$0 * Self.stride + channel]) }
            let upstream = order.map { Double(dout.base[$0 * channels + channel]) }
            for (row, y) in zip(order, exact(input, w, b)) {
              expectedOut[row * channels + channel] = y
            }
            func objective(_ x: [Double], _ w: [Double], _ b: Double) -> Double {
              zip(exact(x, w, b), upstream).reduce(0) { $0 + $1.0 * $1.1 }
            }
            // Differences of two channels only: the others run through the same lanes.
            guard channel % 19 == 3 else { continue }
            for (t, row) in order.enumerated() {
              var moved = input
              expectedDx[row * channels + channel] = fivePointDerivative(at: input[t], step: 1e-3) {
                moved[t] = $0
                return objective(moved, w, b)
              }
            }
            for j in 0..<taps {
              var moved = w
              expectedDw[j * channels + channel] += fivePointDerivative(at: w[j], step: 1e-3) {
                moved[j] = $0
                return objective(input, moved, b)
              }
            }
            expectedDb[channel] += fivePointDerivative(at: b, step: 1e-3) {
              objective(input, w, $0)
            }
          }
        }
        let what = "\(taps) taps, length \(length)\(reversed ? " reversed" : "")"
        expectClose(out.elements, expectedOut.map(Float.init), 1e-6, what)
        func column(_ x: [Float], _ stride: Int) -> [Float] {
          x.rows(stride).flatMap { [$0[3], $0[22]] }
        }
        expectClose(
          column(dx.elements, Self.stride), column(expectedDx.map(Float.init), channels), 2e-6,
          "dx, \(what)")
        expectClose(
          column(dweight.elements, channels), column(expectedDw.map(Float.init), channels), 2e-6,
          "dweight, \(what)")
        expectClose(
          column(dbias.elements, channels), column(expectedDb.map(Float.init), channels), 2e-6,
          "dbias, \(what)")
        // Behind the channels of dx nothing is written.
        #expect(
          dx.elements.rows(Self.stride).allSatisfy { $0.dropFirst(channels).allSatisfy { $0 == 7 } }
        )
      }
    }
  }
}
