import KernelAPI

// LayerNorm, y = (x − μ)/σ·w + b over the features of each row, and GroupNorm with one group,
// the same with one μ and σ for all rows of an utterance. Biased variance.
//
// Backward, with x̂ = (x − μ)/σ, g = dy·w and means over the n normalised elements:
//   dx = (g − mean(g) − x̂·mean(g·x̂))/σ,  dw = Σ dy·x̂,  db = Σ dy.
// Source: Ba et al. 2016, Wu and He 2018; gradients by the chain rule through μ and σ.

/// 1 in the first `features − column` lanes, 0 behind: keeps padding out of variances.
@inline(__always)
private func laneMask(_ features: Int, _ column: Int) -> Vector {
  if features - column >= laneCount { return Vector(repeating: 1) }
  var mask = Vector(repeating: 0)
  for lane in 0..<max(0, features - column) { mask[lane] = 1 }
  return mask
}

@inline(__always)
private func inverseRoot(_ x: Float) -> Float { 1 / x.squareRoot() }

extension Kernels {
  /// Weight and bias are padded with zeros, so that the padding of the output is zero too.
  public static func layerNormForward(
    _ x: MatrixView, _ norm: AffineVectors, epsilon: Float, out: MatrixView, moments: RowMoments
  ) {
    let padded = x.paddedColumns
    let tail = laneMask(x.columns, padded - laneCount)
    let scale = 1 / Float(x.columns)
    for row in 0..<x.rows {
      let source = x.base + row * x.stride
      let target = out.base + row * out.stride
      var sum = Vector(repeating: 0)
      for j in stride(from: 0, to: padded, by: laneCount) { sum += load(source + j) }
      let mu = laneSum(sum) * scale
      let m = Vector(repeating: mu)
      var squares = Vector(repeating: 0)
      for j in stride(from: 0, to: padded - laneCount, by: laneCount) {
        let d = load(source + j) - m
        squares = squares.addingProduct(d, d)
      }
      let last = (load(source + padded - laneCount) - m) * tail
      squares = squares.addingProduct(last, last)
      let rstd = inverseRoot(laneSum(squares) * scale + epsilon)
      moments.mean[row] = mu
      moments.inverse[row] = rstd
      let r = Vector(repeating: rstd)
      for j in stride(from: 0, to: padded, by: laneCount) {
        store(
          load(norm.bias + j).addingProduct((load(source + j) - m) * r, load(norm.weight + j)),
          target + j)
      }
    }
  }

  /// The gradients of LayerNorm, by the equations above; the padding of `dx` is set to zero.
  public static func layerNormBackward(
    _ x: MatrixView, _ dout: MatrixView, weight: FloatPointer, moments: RowMoments, dx: MatrixView,
    gradients: AffineGradients
  ) {
    let padded = x.paddedColumns
    let tail = laneMask(x.columns, padded - laneCount)
    let scale = 1 / Float(x.columns)
    for row in 0..<x.rows {
      let source = x.base + row * x.stride
      let upstream = dout.base + row * dout.stride
      let target = dx.base + row * dx.stride
      let m = Vector(repeating: moments.mean[row])
      let r = Vector(repeating: moments.inverse[row])
      var sum = Vector(repeating: 0)
      var product = Vector(repeating: 0)
      for j in stride(from: 0, to: padded, by: laneCount) {
        let normalised = (load(source + j) - m) * r
        let dy = load(upstream + j)
        let g = dy * load(weight + j)
        sum += g
        product = product.addingProduct(g, normalised)
        store(load(gradients.weight + j).addingProduct(dy, normalised), gradients.weight + j)
        store(load(gradients.bias + j) + dy, gradients.bias + j)
      }
      let meanOfG = Vector(repeating: laneSum(sum) * scale)
      let meanOfProduct = Vector(repeating: laneSum(product) * scale)
      for j in stride(from: 0, to: padded, by: laneCount) {
        let normalised = (load(source + j) - m) * r
        let g = load(upstream + j) * load(weight + j)
        store(((g - meanOfG) - normalised * meanOfProduct) * r, target + j)
      }
      if padded != x.columns {
        store(load(target + padded - laneCount) * tail, target + padded - laneCount)
      }
    }
  }

  /// Mean and 1/√(variance + epsilon); the padding of `x` must be zero.
  public static func groupMoments(_ x: MatrixView, epsilon: Float) -> GroupMoments {
    let padded = x.paddedColumns
    let tail = laneMask(x.columns, padded - laneCount)
    let count = Double(x.rows * x.columns)
    // Row sums are added in double: a row is short, an utterance is not.
    var total = 0.0
    for row in 0..<x.rows {
      var sum = Vector(repeating: 0)
      for j in stride(from: 0, to: padded, by: laneCount) {
        sum += load(x.base + row * x.stride + j)
      }
      total += Double(laneSum(sum))
    }
    let mean = Float(total / count)
    let m = Vector(repeating: mean)
    var squareTotal = 0.0
    for row in 0..<x.rows {
      let source = x.base + row * x.stride
      var squares = Vector(repeating: 0)
      for j in stride(from: 0, to: padded - laneCount, by: laneCount) {
        let d = load(source + j) - m
        squares = squares.addingProduct(d, d)
      }
      let last = (load(source + padded - laneCount) - m) * tail
      squareTotal += Double(laneSum(squares.addingProduct(last, last)))
    }
    return GroupMoments(
      mean: mean, inverse: inverseRoot(Float(squareTotal / count) + epsilon))
  }

  /// The normalisation alone, from moments taken before.
  public static func groupNormForward(
    _ x: MatrixView, _ norm: AffineVectors, moments: GroupMoments, out: MatrixView
  ) {
    let m = Vector(repeating: moments.mean)
    let r = Vector(repeating: moments.inverse)
    for j in stride(from: 0, to: x.paddedColumns, by: laneCount) {
      let w = load(norm.weight + j) * r
      let b = load(norm.bias + j)
      for row in 0..<x.rows {
        store(
          b.addingProduct(load(x.base + row * x.stride + j) - m, w),
          out.base + row * out.stride + j)
      }
    }
  }

  /// The gradients of GroupNorm, by the equations above, with means over the elements of `x`; the
  /// padding of `dx` holds anything.
  public static func groupNormBackward(
    _ x: MatrixView, _ dout: MatrixView, weight: FloatPointer, moments: GroupMoments,
    dx: MatrixView, gradients: AffineGradients
  ) {
    let m = Vector(repeating: moments.mean)
    let r = Vector(repeating: moments.inverse)
    var sum = 0.0
    var product = 0.0
    for j in stride(from: 0, to: x.paddedColumns, by: laneCount) {
      let (dw, db) = groupNormColumn(x, dout, j, m, r)
      store(load(gradients.weight + j) + dw, gradients.weight + j)
      store(load(gradients.bias + j) + db, gradients.bias + j)
      // Σ g and Σ g·x̂ follow from the sums of each column.
      sum += Double(laneSum(db * load(weight + j)))
      product += Double(laneSum(dw * load(weight + j)))
    }
    let count = Double(x.rows * x.columns)
    let meanOfG = Vector(repeating: Float(sum / count))
    let meanOfProduct = Vector(repeating: Float(product / count))
    for j in stride(from: 0, to: x.paddedColumns, by: laneCount) {
      let w = load(weight + j)
      for row in 0..<x.rows {
        let normalised = (load(x.base + row * x.stride + j) - m) * r
        let g = load(dout.base + row * dout.stride + j) * w
        store(((g - meanOfG) - normalised * meanOfProduct) * r, dx.base + row * dx.stride + j)
      }
    }
  }

  /// Σ dy·x̂ and Σ dy of the vector of columns at `column`.
  @inline(__always)
  private static func groupNormColumn(
    _ x: MatrixView, _ dout: MatrixView, _ column: Int, _ mean: Vector, _ inverse: Vector
  ) -> (weight: Vector, bias: Vector) {
    var dw = Vector(repeating: 0)
    var db = Vector(repeating: 0)
    for row in 0..<x.rows {
      let dy = load(dout.base + row * dout.stride + column)
      dw = dw.addingProduct(dy, (load(x.base + row * x.stride + column) - mean) * inverse)
      db += dy
    }
    return (dw, db)
  }

  /// The two sums over the rows given, which may be some of a group's.
  public static func addGroupNormSums(
    _ x: MatrixView, _ dout: MatrixView, moments: GroupMoments, to gradients: AffineGradients
  ) {
    let m = Vector(repeating: moments.mean)
    let r = Vector(repeating: moments.inverse)
    for j in stride(from: 0, to: x.paddedColumns, by: laneCount) {
      let (dw, db) = groupNormColumn(x, dout, j, m, r)
      store(load(gradients.weight + j) + dw, gradients.weight + j)
      store(load(gradients.bias + j) + db, gradients.bias + j)
    }
  }

  /// The equation above, row by row: x, dout and dx lie alike.
  public static func addGroupNormInputGradient(
    _ x: MatrixView, _ dout: MatrixView, weight: FloatPointer, moments: GroupMoments,
    meanOfGradient: Float, meanOfProduct: Float, to dx: MatrixView
  ) {
    let m = Vector(repeating: moments.mean)
    let r = Vector(repeating: moments.inverse)
    let meanOfG = Vector(repeating: meanOfGradient)
    let meanOfGX = Vector(repeating: meanOfProduct)
    let padded = x.paddedColumns
    for row in 0..<x.rows {
      let start = row * x.stride
      var j = 0
      while j < padded {
        let normalised = (load(x.base + (start + j)) - m) * r
        let g = load(dout.base + (start + j)) * load(weight + j)
        let d = (g - meanOfG) - normalised * meanOfGX
        store(load(dx.base + (start + j)).addingProduct(d, r), dx.base + (start + j))
        j += laneCount
      }
    }
  }
}
