import Files
import KernelAPI
import Tensor
import Testing
import TestSupport

/// LayerNorm and GroupNorm kernels against the `Double` reference and its differences.
struct NormalizationTests {
  static let features = [1, 5, 8, 15, 16, 17, 24, 38, 128]
  /// Numbers of about one, small ones, and ones far from zero, where a variance taken from squares
  /// would cancel.
  static let ranges: [ClosedRange<Float>] = [-1...1, -1e-3...1e-3, 99...101]

  /// The cost of rounding: x − mean is exact to an ulp of x, and is divided by the deviation.
  private func tolerance(_ range: ClosedRange<Float>) -> Double {
    range.lowerBound > 0 ? 2e-4 : 5e-6
  }

  @Test(arguments: availableKernels, ranges)
  func layerNorm(kernel: any KernelSet.Type, range: ClosedRange<Float>) {
    for features in Self.features {
      let (rows, stride) = (5, paddedToLanes(features))
      let x = KernelBuffer(rows: rows, width: features, stride: stride, range, seed: 1, "x")
      let weight = KernelBuffer(rows: 1, width: features, stride: stride, 0.5...1.5, seed: 1, "w")
      let bias = KernelBuffer(rows: 1, width: features, stride: stride, seed: 1, "b")
      let out = KernelBuffer(rows * stride, repeating: 7)
      let (mean, inverse) = (KernelBuffer(rows), KernelBuffer(rows))
      let moments = RowMoments(mean: mean.base, inverse: inverse.base)
      kernel.layerNormForward(
        x.matrix(features, stride: stride),
        AffineVectors(weight: weight.pointer, bias: bias.pointer), epsilon: 1e-5,
        out: out.matrix(features, stride: stride), moments: moments)
      #expect(out.isIntact && mean.isIntact && inverse.isIntact)
      let w = weight.elements.prefix(features).map(Double.init)
      let b = bias.elements.prefix(features).map(Double.init)
      func exact(_ row: [Double]) -> [Double] { Reference.normalise(row, w, b) }
      let inputs = x.elements.rows(stride).map { $0.prefix(features).map(Double.init) }
      for (row, result) in zip(inputs, out.elements.rows(stride)) {
        expectClose(
          Array(result.prefix(features)), exact(row).map(Float.init), tolerance(range),
          "\(features) features in \(range)")
        #expect(result.dropFirst(features).allSatisfy { $0 == 0 })
      }

      let dout = KernelBuffer(rows: rows, width: features, stride: stride, seed: 2, "dout")
      let dx = KernelBuffer(rows * stride, repeating: 7)
      let (dweight, dbias) = (
        KernelBuffer(stride, repeating: 1), KernelBuffer(stride, repeating: 1)
      )
      kernel.layerNormBackward(
        x.matrix(features, stride: stride), dout.matrix(features, stride: stride),
        weight: weight.pointer, moments: moments, dx: dx.matrix(features, stride: stride),
        gradients: AffineGradients(weight: dweight.base, bias: dbias.base))
      #expect(dx.isIntact && dweight.isIntact && dbias.isIntact)
      let upstream = dout.elements.rows(stride).map { $0.prefix(features).map(Double.init) }
      var expected = (dx: [Double](), dweight: [Double](), dbias: [Double]())
      for row in 0..<rows {
        for j in 0..<features {
          var moved = inputs[row]
          // Each number is moved by a fraction of what the numbers differ by.
          let step = 1e-3 * Double(range.upperBound - range.lowerBound)
          expected.dx.append(
            fivePointDerivative(at: moved[j], step: step) {
              moved[j] = $0
              return zip(exact(moved), upstream[row]).reduce(0) { $0 + $1.0 * $1.1 }
            })
        }
      }
      let normalised = inputs.map { Reference.normalise($0, w.map { _ in 1 }, w.map { _ in 0 }) }
      for j in 0..<features {
        expected.dweight.append(
          1 + (0..<rows).reduce(0) { $0 + upstream[$1][j] * normalised[$1][j] })
        expected.dbias.append(1 + (0..<rows).reduce(0) { $0 + upstream[$1][j] })
      }
      let actual = dx.elements.rows(stride).flatMap { $0.prefix(features) }
      // The gradient of few numbers is a difference of terms that nearly cancel.
      let scale = Double(inverse.elements.max() ?? 0)
      for (a, e) in zip(actual, expected.dx) {
        #expect(abs(Double(a) - e) <= 4 * tolerance(range) * scale, "\(features) in \(range)")
      }
      #expect(dx.elements.rows(stride).allSatisfy { $0.dropFirst(features).allSatisfy { $0 == 0 } })
      expectClose(
        Array(dweight.elements.prefix(features)), expected.dweight.map(Float.init),
        tolerance(range), "dweight of \(features) in \(range)")
      expectClose(
        Array(dbias.elements.prefix(features)), expected.dbias.map(Float.init), 1e-6,
        "dbias of \(features)")
    }
  }

  @Test(arguments: availableKernels, ranges)
  func groupNorm(kernel: any KernelSet.Type, range: ClosedRange<Float>) {
    for features in Self.features {
      for rows in [1, 2, 31] where rows * features > 1 {
        let stride = paddedToLanes(features)
        let outStride = stride + 16
        let x = KernelBuffer(rows: rows, width: features, stride: stride, range, seed: 1, "x")
        let weight = KernelBuffer(
          rows: 1, width: features, stride: stride, 0.5...1.5, seed: 1, "w")
        let bias = KernelBuffer(rows: 1, width: features, stride: stride, seed: 1, "b")
        let out = KernelBuffer(rows * outStride, repeating: 7)
        let input = x.matrix(features, stride: stride)
        let moments = kernel.groupMoments(input, epsilon: 1e-5)
        kernel.groupNormForward(
          input, AffineVectors(weight: weight.pointer, bias: bias.pointer), moments: moments,
          out: out.matrix(features, stride: outStride))
        #expect(out.isIntact)
        let w = weight.elements.prefix(features).map(Double.init)
        let b = bias.elements.prefix(features).map(Double.init)
        let flat = x.elements.rows(stride).flatMap { $0.prefix(features).map(Double.init) }
        func exact(_ x: [Double]) -> [Double] { Reference.normalise(x, w, b) }
        expectClose(
          out.elements.rows(outStride).flatMap { $0.prefix(features) },
          exact(flat).map(Float.init), tolerance(range), "\(rows) × \(features) in \(range)")

        let dout = KernelBuffer(rows: rows, width: features, stride: outStride, seed: 2, "dout")
        let dx = KernelBuffer(rows * outStride, repeating: 7)
        let dweight = KernelBuffer(stride, repeating: 1)
        let dbias = KernelBuffer(stride, repeating: 1)
        kernel.groupNormBackward(
          input, dout.matrix(features, stride: outStride), weight: weight.pointer,
          moments: moments, dx: dx.matrix(features, stride: outStride),
          gradients: AffineGradients(weight: dweight.base, bias: dbias.base))
        #expect(dx.isIntact && dweight.isIntact && dbias.isIntact)
        let upstream = dout.elements.rows(outStride).flatMap {
          $0.prefix(features).map(Double.init)
        }
        let actual = dx.elements.rows(outStride).flatMap { $0.prefix(features) }
        var random = Random(seed: 1, stream: "\(features), \(rows)")
        for _ in 0..<min(flat.count, 20) {
          let i = Int.random(in: 0..<flat.count, using: &random)
          var moved = flat
          let expected = fivePointDerivative(
            at: flat[i], step: 1e-3 * Double(range.upperBound - range.lowerBound)
          ) {
            moved[i] = $0
            return zip(exact(moved), upstream).reduce(0) { $0 + $1.0 * $1.1 }
          }
          #expect(
            abs(Double(actual[i]) - expected) <= 4 * tolerance(range) * Double(moments.inverse),
            "\(rows) × \(features) in \(range)")
        }
        let normalised = Reference.normalise(flat, w.map { _ in 1 }, w.map { _ in 0 })
        func columnSums(_ values: [Double]) -> [Float] {
          (0..<features).map { j in
            Float((0..<rows).reduce(1) { $0 + values[$1 * features + j] })
          }
        }
        expectClose(
          Array(dweight.elements.prefix(features)),
          columnSums(zip(upstream, normalised).map { $0 * $1 }), tolerance(range),
          "dweight of \(rows) × \(features) in \(range)")
        expectClose(
          Array(dbias.elements.prefix(features)), columnSums(upstream), 1e-6,
          "dbias of \(rows) × \(features)")
      }
    }
  }

  /// The backward step in parts, the sums by some rows at a time, is the whole one.
  @Test(arguments: availableKernels) func groupNormInParts(kernel: any KernelSet.Type) {
    for features in Self.features {
      let (rows, stride) = (31, paddedToLanes(features))
      func padded(_ rows: Int, _ stream: String) -> KernelBuffer {
        KernelBuffer(rows: rows, width: features, stride: stride, seed: 1, stream)
      }
      let (x, dout, weight) = (padded(rows, "x"), padded(rows, "dout"), padded(1, "w"))
      let moments = GroupMoments(mean: 0.1, inverse: 1.7)
      func matrix(_ buffer: KernelBuffer) -> MatrixView { buffer.matrix(features, stride: stride) }
      let whole = (0..<3).map { KernelBuffer($0 == 0 ? rows * stride : stride) }
      kernel.groupNormBackward(
        matrix(x), matrix(dout), weight: weight.pointer, moments: moments, dx: matrix(whole[0]),
        gradients: AffineGradients(weight: whole[1].base, bias: whole[2].base))
      let parts = [
        KernelBuffer(rows * stride, repeating: 2), KernelBuffer(stride), KernelBuffer(stride),
      ]
      for first in Swift.stride(from: 0, to: rows, by: 7) {
        let count = min(7, rows - first)
        kernel.addGroupNormSums(
          matrix(x).rows(from: first, count: count), matrix(dout).rows(from: first, count: count),
          moments: moments, to: AffineGradients(weight: parts[1].base, bias: parts[2].base))
      }
      func weightedMean(_ sums: KernelBuffer) -> Float {
        zip(sums.elements, weight.elements).reduce(0) { $0 + $1.0 * $1.1 } / Float(rows * features)
      }
      kernel.addGroupNormInputGradient(
        matrix(x), matrix(dout), weight: weight.pointer, moments: moments,
        meanOfGradient: weightedMean(parts[2]), meanOfProduct: weightedMean(parts[1]),
        to: matrix(parts[0]))
      for part in parts { #expect(part.isIntact) }
      func isPadding(_ i: Int) -> Bool { i % stride >= features }
      for (part, all) in zip(parts, whole) {
        let added: Float = part.count == stride ? 0 : 2
        expectClose(
          part.elements.enumerated().map { isPadding($0) ? 0 : $1 - added },
          all.elements.enumerated().map { isPadding($0) ? 0 : $1 }, 2e-6, "\(features) features")
      }
    }
  }

  /// Equal numbers: a deviation of √ε, not a division by zero.
  @Test(arguments: availableKernels) func constantInput(kernel: any KernelSet.Type) {
    let x = KernelBuffer(32, repeating: 3)
    let moments = kernel.groupMoments(x.matrix(16), epsilon: 1e-5)
    #expect(moments.mean == 3)
    #expect(abs(moments.inverse - 316.2278) < 1e-3)
  }
}
