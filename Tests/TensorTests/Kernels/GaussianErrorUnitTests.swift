import Foundation
import KernelAPI
import Tensor
import Testing

/// GELU with its residual, and its slope, against `Double`.
struct GaussianErrorUnitTests {
  @Test(arguments: availableKernels, [Float(0.01), 1, 6, 40])
  func valuesAndSlopes(kernel: any KernelSet.Type, largest: Float) {
    let x = KernelBuffer(randomFloats(1024, -largest...largest, seed: 1, stream: "x"))
    let residual = KernelBuffer(randomFloats(1024, -1...1, seed: 1, stream: "residual"))
    let upstream = KernelBuffer(randomFloats(1024, -1...1, seed: 1, stream: "dout"))
    let (out, dx) = (KernelBuffer(1024, repeating: 7), KernelBuffer(1024, repeating: 7))
    let count = 1024 - laneCount
    kernel.gaussianErrorUnit(
      x.pointer, plus: residual.pointer, count: count, out: out.base)
    kernel.gaussianErrorUnitBackward(x.pointer, upstream.pointer, count: count, dx: dx.base)
    #expect(out.isIntact && dx.isIntact)
    #expect((out.elements + dx.elements).filter { $0 == 7 }.count == 2 * laneCount)
    for i in 0..<count {
      let exact = Double(x.base[i])
      let value = Double(residual.base[i]) + Reference.gelu(exact)
      #expect(abs(Double(out.base[i]) - value) <= 1.5e-7 * (1 + abs(exact)), "of \(exact)")
      let density = exp(-exact * exact / 2) / (2 * Double.pi).squareRoot()
      let slope = (1 + erf(exact / 2.squareRoot())) / 2 + exact * density
      #expect(abs(Double(dx.base[i]) - Double(upstream.base[i]) * slope) <= 2e-7, "at \(exact)")
    }
  }

  /// Either output may take the place of either input.
  @Test(arguments: availableKernels) func inPlace(kernel: any KernelSet.Type) {
    let x = randomFloats(64, -4...4, seed: 2, stream: "x")
    let y = randomFloats(64, -1...1, seed: 2, stream: "y")
    let runs: [(KernelBuffer, KernelBuffer, KernelBuffer) -> Void] = [
      { kernel.gaussianErrorUnit($0.pointer, plus: $1.pointer, count: 64, out: $2.base) },
      { kernel.gaussianErrorUnitBackward($0.pointer, $1.pointer, count: 64, dx: $2.base) },
    ]
    for run in runs {
      let (a, b, out) = (KernelBuffer(x), KernelBuffer(y), KernelBuffer(64))
      run(a, b, out)
      let expected = out.elements
      run(a, b, b)
      #expect(b.elements == expected)
      let other = KernelBuffer(y)
      run(a, other, a)
      #expect(a.elements == expected)
    }
  }

  /// Far from zero GELU is x or 0 and its slope 1 or 0; no NaN gets lost.
  @Test(arguments: availableKernels) func extremes(kernel: any KernelSet.Type) {
    let x: [Float] = [20, 1e4, 1e30, .greatestFiniteMagnitude, .infinity, -20, -1e30]
    let input = KernelBuffer(x + Array(repeating: Float.nan, count: 9))
    let (zeros, ones) = (KernelBuffer(16), KernelBuffer(16, repeating: 1))
    let (out, slope) = (KernelBuffer(16), KernelBuffer(16))
    kernel.gaussianErrorUnit(input.pointer, plus: zeros.pointer, count: 16, out: out.base)
    kernel.gaussianErrorUnitBackward(input.pointer, ones.pointer, count: 16, dx: slope.base)
    #expect(Array(out.elements[..<7]) == Array(x[..<5]) + [0, 0])
    #expect(zip(slope.elements, [1, 1, 1, 1, 1, 0, 0]).allSatisfy { abs($0 - $1) < 1e-30 })
    let rest = Array(out.elements[7...] + slope.elements[7...])
    #expect(rest.count == 18 && rest.allSatisfy { $0.isNaN })
  }
}
