import Foundation
import KernelAPI
import Tensor
import Testing

/// The vector functions against `Double`, in units of the last place of the exact result.
struct ElementaryTests {
  struct Bound: Sendable, CustomTestStringConvertible {
    let function: ElementaryFunction
    let range: ClosedRange<Float>
    /// Largest error allowed.
    let ulps: Double

    init(_ function: ElementaryFunction, _ range: ClosedRange<Float>, _ ulps: Double) {
      self.function = function
      self.range = range
      self.ulps = ulps
    }

    var testDescription: String { "\(function) in \(range)" }
  }

  /// Behind each bound the largest error at 10⁸ points, the same on both instruction sets.
  static let bounds: [Bound] = [
    Bound(.exp, -87...87, 1.1),  // 1.030
    Bound(.exp2, -126...0, 2.1),  // 2.022
    Bound(.oneMinusExp2, -126 ... -1e-30, 11.1),  // 11.015
    Bound(.log2, .leastNormalMagnitude ... .greatestFiniteMagnitude, 3.7),  // 3.608
    Bound(.sigmoid, -87...87, 2.5),  // 2.470
    Bound(.tanh, -1e30...1e30, 1.4),  // 1.333
    Bound(.softplus, -87...1e30, 3.5),  // 3.446
    Bound(.erf, -1e30...1e30, 1.2),  // 1.158
  ]

  @Test(arguments: availableKernels, bounds)
  func accuracy(kernel: any KernelSet.Type, bound: Bound) {
    let x = floats(in: bound.range, about: 2_000_000)
    let y = kernel.values(of: bound.function, x)
    var worst = 0.0
    var worstAt: Float = 0
    for (x, y) in zip(x, y) {
      let exact = bound.function.exact(Double(x))
      let error = abs(Double(y) - exact) / Double(Float(exact).ulp)
      if !(error <= worst) {
        worst = error
        worstAt = x
      }
    }
    #expect(worst <= bound.ulps, "at \(worstAt)")
  }

  static let notNumbers: [UInt32] = [
    0x7fc0_0000, 0xffc0_0000, 0x7fc0_0001, 0x7fff_ffff, 0xffc1_2345, 0x7f80_0001, 0x7fc0_01ff,
  ]

  /// Whatever its sign and payload, a NaN stays one, but for exp2, which keeps the plain one: its
  /// argument's other factor, delta, shows a NaN by itself, and A has no other (`NotANumberTests`).
  @Test(arguments: availableKernels, ElementaryFunction.allCases)
  func keepsNaN(kernel: any KernelSet.Type, function: ElementaryFunction) {
    for bits in function == .exp2 ? [0x7fc0_0000] : Self.notNumbers {
      let x = Float(bitPattern: bits)
      #expect(kernel.values(of: function, [1, x, 0.5])[1].isNaN, "\(String(bits, radix: 16))")
    }
  }

  /// Exponentials are held inside ±87 (2^x above 2^−126), so that nothing overflows on the way.
  @Test(arguments: availableKernels) func extremes(kernel: any KernelSet.Type) {
    let large: [Float] = [88, 1e4, .greatestFiniteMagnitude, .infinity]
    let least = kernel.values(of: .exp, [-87])[0]
    let most = kernel.values(of: .exp, [87])[0]
    for x in large {
      #expect(kernel.values(of: .exp, [x, -x]) == [most, least])
      #expect(kernel.values(of: .exp2, [-2 * x]) == [.leastNormalMagnitude])
      #expect(kernel.values(of: .tanh, [x, -x]) == [1, -1])
      #expect(kernel.values(of: .erf, [x, -x]) == [1, -1])
      let sigmoid = kernel.values(of: .sigmoid, [x, -x])
      #expect(sigmoid[0] == 1)
      #expect(sigmoid[1] >= 0 && sigmoid[1] <= 2e-38)
      let softplus = kernel.values(of: .softplus, [x, -x])
      #expect(softplus[0] == x)
      #expect(softplus[1] >= 0 && softplus[1] <= 2e-38)
    }
    #expect(least > 0 && most.isFinite)
  }

  @Test(arguments: availableKernels) func exactPoints(kernel: any KernelSet.Type) {
    #expect(kernel.values(of: .exp, [0, -0.0]) == [1, 1])
    #expect(kernel.values(of: .exp2, [0, -1, -2, -10]) == [1, 0.5, 0.25, 0x1p-10])
    #expect(kernel.values(of: .log2, [1, 2, 0.25, 0x1p100]) == [0, 1, -2, 100])
    #expect(kernel.values(of: .sigmoid, [0]) == [0.5])
    #expect(kernel.values(of: .tanh, [0, -0.0]) == [0, 0])
    #expect(kernel.values(of: .erf, [0, -0.0]) == [0, 0])
  }

  @Test(arguments: availableKernels, [ElementaryFunction.tanh, .erf])
  func oddFunctions(kernel: any KernelSet.Type, function: ElementaryFunction) {
    let x = floats(in: 0...20, about: 100_000)
    let positive = kernel.values(of: function, x)
    let negative = kernel.values(of: function, x.map { -$0 })
    #expect(zip(positive, negative).allSatisfy { $0 == -$1 })
  }

  /// About `count` floats of a range, spaced evenly in the order of all floats, with both ends.
  private func floats(in range: ClosedRange<Float>, about count: Int) -> [Float] {
    func ordinal(_ x: Float) -> Int {
      let bits = Int(x.bitPattern & 0x7fff_ffff)
      return x.sign == .minus ? -bits : bits
    }
    func float(_ ordinal: Int) -> Float {
      Float(bitPattern: UInt32(abs(ordinal)) | (ordinal < 0 ? 0x8000_0000 : 0))
    }
    let (low, high) = (ordinal(range.lowerBound), ordinal(range.upperBound))
    let step = max(1, (high - low) / count)
    return stride(from: low, to: high, by: step).map(float) + [range.upperBound]
  }
}

extension KernelSet {
  /// A function of any number of values.
  static func values(of function: ElementaryFunction, _ x: [Float]) -> [Float] {
    let input = Storage(count: paddedToLanes(x.count))
    for (i, value) in x.enumerated() { input.base[i] = value }
    let out = Storage(count: input.count)
    elementary(function, FloatPointer(input.base), count: input.count, out: out.base)
    return Array(out.buffer[..<x.count])
  }
}

extension ElementaryFunction {
  /// The function in double precision.
  fileprivate func exact(_ x: Double) -> Double {
    switch self {
    case .exp: Foundation.exp(x)
    case .exp2: Foundation.exp2(x)
    case .oneMinusExp2: -expm1(x * log(2))
    case .log2: Foundation.log2(x)
    case .sigmoid:
      x < 0 ? Foundation.exp(x) / (1 + Foundation.exp(x)) : 1 / (1 + Foundation.exp(-x))
    case .tanh: Foundation.tanh(x)
    case .softplus: max(x, 0) + log1p(Foundation.exp(-abs(x)))
    case .erf: Foundation.erf(x)
    }
  }
}
