import Foundation
import KernelAPI
import Tensor
import Testing

/// The element-wise kernels of the decoder and of dt against `Double`.
struct DecoderKernelTests {
  @Test(arguments: availableKernels) func gatedLinearUnit(kernel: any KernelSet.Type) {
    let (rows, columns, stride, outStride) = (7, 48, 112, 64)
    let gates = KernelBuffer(rows: rows, width: 96, stride: stride, -6...6, seed: 1, "gates")
    let dout = KernelBuffer(rows: rows, width: columns, stride: outStride, seed: 1, "dout")
    let (a, b) = (gates.pointer, gates.pointer + columns)
    let out = KernelBuffer(rows * outStride, repeating: 7)
    let gradients = KernelBuffer(rows * stride, repeating: 7)
    func half(_ buffer: KernelBuffer, _ index: Int) -> MatrixView {
      buffer.matrix(2 * columns, stride: stride).columns(from: index * columns, count: columns)
    }
    kernel.gatedLinearUnit(
      half(gates, 0), half(gates, 1), out: out.matrix(columns, stride: outStride))
    kernel.gatedLinearUnitBackward(
      half(gates, 0), half(gates, 1), dout.matrix(columns, stride: outStride),
      da: half(gradients, 0), db: half(gradients, 1))
    #expect(out.isIntact && gradients.isIntact)
    for row in 0..<rows {
      for j in 0..<stride {
        let i = row * stride + j
        guard j < columns else {
          if j >= 2 * columns { #expect(gradients.base[i] == 7) }
          continue
        }
        let (value, gate) = (Double(a[i]), Double(b[i]))
        let upstream = Double(dout.base[row * outStride + j])
        let s = Reference.sigmoid(gate)
        #expect(abs(Double(out.base[row * outStride + j]) - value * s) <= 2e-6)
        #expect(abs(Double(gradients.base[i]) - upstream * s) <= 1e-6)
        let slope = upstream * value * s * (1 - s)
        #expect(abs(Double(gradients.base[i + columns]) - slope) <= 1e-6)
      }
      for j in columns..<outStride { #expect(out.base[row * outStride + j] == 7) }
    }
  }

  /// tanh in place, and its gradient from its output, in place too.
  @Test(arguments: availableKernels) func tanh(kernel: any KernelSet.Type) {
    let x = randomFloats(64, -4...4, seed: 1, stream: "x")
    let upstream = randomFloats(64, -1...1, seed: 1, stream: "dout")
    let y = KernelBuffer(x)
    kernel.tanh(y.base, count: 48)
    let gradient = KernelBuffer(upstream)
    kernel.tanhBackward(y.pointer, gradient.pointer, count: 48, dx: gradient.base)
    #expect(y.elements[48...] == x[48...] && gradient.elements[48...] == upstream[48...])
    for i in 0..<48 {
      let exact = Foundation.tanh(Double(x[i]))
      #expect(abs(Double(y.base[i]) - exact) <= 1e-7)
      #expect(abs(Double(gradient.base[i]) - Double(upstream[i]) * (1 - exact * exact)) <= 3e-7)
    }
  }

  @Test(arguments: availableKernels) func softplus(kernel: any KernelSet.Type) {
    let x = randomFloats(64, -20...20, seed: 1, stream: "x")
    let y = KernelBuffer(x)
    kernel.softplus(y.base, count: 48)
    #expect(y.elements[48...] == x[48...])
    for i in 0..<48 {
      let exact = Reference.softplus(Double(x[i]))
      #expect(abs(Double(y.base[i]) - exact) <= 4e-7 * exact)
    }
  }
}
