import KernelAPI
import Tensor

/// The spectral norm W/σ of a weight, with σ = uᵀWv of W as a matrix [out, everything else].
///
/// With `iterates`, one power iteration moves the state first: v = Wᵀu/|Wᵀu|, u = Wv/|Wv|. For
/// backward, u and v are constants: dW = G/σ − (⟨G, W⟩/σ²)·u·vᵀ, with the u, v and σ of this call,
/// so that several calls may precede one backward. Source: Miyato et al. 2018; the hook of
/// torch.nn.utils.spectral_norm.
///
/// - Parameters:
///   - weight: W, [out, …].
///   - u: Left vector of length 1, [out].
///   - v: Right vector of length 1, [everything else].
///   - iterates: Whether u and v move.
///   - differentiates: Whether backward adds the gradient of W.
///   - tape: The tape that records the backward step.
/// - Returns: W/σ, of the weight's shape.
public func spectralNorm(
  _ weight: Parameter, u: Parameter, v: Parameter, iterates: Bool, differentiates: Bool = true,
  _ tape: Tape
) -> Tensor {
  let (rows, columns) = (weight.shape[0], weight.count / weight.shape[0])
  precondition(
    u.count == rows && v.count == columns,
    "spectralNorm: weight \(weight.shape), u \(u.shape), v \(v.shape)")
  let matrix = SpectralMatrix(weight.value, rows: rows, columns: columns)
  if iterates {
    matrix.normalise(matrix.transposedTimes(u.value), into: v.value)
    matrix.normalise(matrix.times(v.value), into: u.value)
  }
  var sigma = 0.0
  for (row, product) in matrix.times(v.value).enumerated() {
    sigma += Double(u.value[row]) * Double(product)
  }
  let out = Tensor(shape: weight.shape, requiresGradient: differentiates)
  let scale = Float(1 / sigma)
  for index in 0..<weight.count { out.base[index] = weight.value[index] * scale }
  guard differentiates else { return out }
  let (u, v) = (u.elements, v.elements)
  tape.record(using: [weight]) {
    guard let upstream = out.gradient else { return }
    var product = 0.0
    for row in 0..<rows {
      product += matrix.dot(upstream.base + row * columns, weight.value + row * columns)
    }
    let factor = -product / (sigma * sigma)
    for row in 0..<rows {
      let ofRow = Float(factor * Double(u[row]))
      let gradient = weight.gradient + row * columns
      let g = upstream.base + row * columns
      for column in 0..<columns { gradient[column] += g[column] * scale + ofRow * v[column] }
    }
    out.gradient = nil
  }
  return out
}

/// A matrix times vectors.
private struct SpectralMatrix {
  private let base: MutableFloatPointer
  private let rows: Int
  private let columns: Int

  init(_ base: MutableFloatPointer, rows: Int, columns: Int) {
    self.base = base
    self.rows = rows
    self.columns = columns
  }

  /// Σ x·y, in double precision by eight sums, whose additions need not wait for each other.
  func dot(_ x: MutableFloatPointer, _ y: MutableFloatPointer) -> Double {
    var sums = SIMD8<Double>()
    var index = 0
    while index + 8 <= columns {
      for lane in 0..<8 { sums[lane] += Double(x[index + lane]) * Double(y[index + lane]) }
      index += 8
    }
    var sum = (sums[0] + sums[4]) + (sums[1] + sums[5]) + (sums[2] + sums[6]) + (sums[3] + sums[7])
    while index < columns {
      sum += Double(x[index]) * Double(y[index])
      index += 1
    }
    return sum
  }

  /// W·v
  func times(_ v: MutableFloatPointer) -> [Double] {
    (0..<rows).map { dot(base + $0 * columns, v) }
  }

  /// Wᵀ·u
  func transposedTimes(_ u: MutableFloatPointer) -> [Double] {
    var result = Array(repeating: 0.0, count: columns)
    result.withUnsafeMutableBufferPointer { result in
      for row in 0..<rows {
        let factor = Double(u[row])
        let source = base + row * columns
        for column in 0..<columns { result[column] += factor * Double(source[column]) }
      }
    }
    return result
  }

  /// out = x/max(|x|, 1e-12)
  func normalise(_ x: [Double], into out: MutableFloatPointer) {
    let length = x.reduce(0) { $0 + $1 * $1 }.squareRoot()
    for (index, element) in x.enumerated() { out[index] = Float(element / max(length, 1e-12)) }
  }
}
