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
    _ x: FloatPointer, rows: Int, features: Int, stride: Int, weight: FloatPointer,
    bias: FloatPointer, epsilon: Float, out: MutableFloatPointer, mean: MutableFloatPointer,
    inverse: MutableFloatPointer
  ) {
    let padded = paddedToLanes(features)
    let tail = laneMask(features, padded - laneCount)
    let scale = 1 / Float(features)
    for row in 0..<rows {
      let source = x + row * stride
      let target = out + row * stride
      var sum = Vector(repeating: 0)
      for j in Swift.stride(from: 0, to: padded, by: laneCount) { sum += load(source + j) }
      let mu = laneSum(sum) * scale
      let m = Vector(repeating: mu)
      var squares = Vector(repeating: 0)
      for j in Swift.stride(from: 0, to: padded - laneCount, by: laneCount) {
        let d = load(source + j) - m
        squares = squares.addingProduct(d, d)
      }
      let last = (load(source + padded - laneCount) - m) * tail
      squares = squares.addingProduct(last, last)
      let rstd = inverseRoot(laneSum(squares) * scale + epsilon)
      mean[row] = mu
      inverse[row] = rstd
      let r = Vector(repeating: rstd)
      for j in Swift.stride(from: 0, to: padded, by: laneCount) {
        // Weight and bias are padded with zeros, so the padding of the output is zero.
        store(
          load(bias + j).addingProduct((load(source + j) - m) * r, load(weight + j)), target + j)
      }
    }
  }

  /// Equations above; the padding of `dx` is set to zero.
  public static func layerNormBackward(
    _ x: FloatPointer, _ dout: FloatPointer, rows: Int, features: Int, stride: Int,
    weight: FloatPointer, mean: FloatPointer, inverse: FloatPointer, dx: MutableFloatPointer,
    dweight: MutableFloatPointer, dbias: MutableFloatPointer
  ) {
    let padded = paddedToLanes(features)
    let tail = laneMask(features, padded - laneCount)
    let scale = 1 / Float(features)
    for row in 0..<rows {
      let source = x + row * stride
      let upstream = dout + row * stride
      let target = dx + row * stride
      let m = Vector(repeating: mean[row])
      let r = Vector(repeating: inverse[row])
      var sum = Vector(repeating: 0)
      var product = Vector(repeating: 0)
      for j in Swift.stride(from: 0, to: padded, by: laneCount) {
        let normalised = (load(source + j) - m) * r
        let dy = load(upstream + j)
        let g = dy * load(weight + j)
        sum += g
        product = product.addingProduct(g, normalised)
        store(load(dweight + j).addingProduct(dy, normalised), dweight + j)
        store(load(dbias + j) + dy, dbias + j)
      }
      let meanOfG = Vector(repeating: laneSum(sum) * scale)
      let meanOfProduct = Vector(repeating: laneSum(product) * scale)
      for j in Swift.stride(from: 0, to: padded, by: laneCount) {
        let normalised = (load(source + j) - m) * r
        let g = load(upstream + j) * load(weight + j)
        store(((g - meanOfG) - normalised * meanOfProduct) * r, target + j)
      }
      if padded != features {
        store(load(target + padded - laneCount) * tail, target + padded - laneCount)
      }
    }
  }

  /// Mean and 1/√(variance + epsilon); the padding of `x` must be zero.
  public static func groupStatistics(
    _ x: FloatPointer, rows: Int, features: Int, stride: Int, epsilon: Float
  ) -> (mean: Float, inverse: Float) {
    let padded = paddedToLanes(features)
    let tail = laneMask(features, padded - laneCount)
    let count = Double(rows * features)
    // Row sums are added in double: a row is short, an utterance is not.
    var total = 0.0
    for row in 0..<rows {
      var sum = Vector(repeating: 0)
      for j in Swift.stride(from: 0, to: padded, by: laneCount) {
        sum += load(x + row * stride + j)
      }
      total += Double(laneSum(sum))
    }
    let mean = Float(total / count)
    let m = Vector(repeating: mean)
    var squareTotal = 0.0
    for row in 0..<rows {
      var squares = Vector(repeating: 0)
      for j in Swift.stride(from: 0, to: padded - laneCount, by: laneCount) {
        let d = load(x + row * stride + j) - m
        squares = squares.addingProduct(d, d)
      }
      let last = (load(x + row * stride + padded - laneCount) - m) * tail
      squareTotal += Double(laneSum(squares.addingProduct(last, last)))
    }
    return (mean, inverseRoot(Float(squareTotal / count) + epsilon))
  }

  /// The normalisation alone, from statistics taken before.
  public static func groupNormForward(
    _ x: FloatPointer, rows: Int, features: Int, stride: Int, mean: Float, inverse: Float,
    weight: FloatPointer, bias: FloatPointer, out: MutableFloatPointer, outStride: Int
  ) {
    let m = Vector(repeating: mean)
    let r = Vector(repeating: inverse)
    for j in Swift.stride(from: 0, to: features, by: laneCount) {
      let w = load(weight + j) * r
      let b = load(bias + j)
      for row in 0..<rows {
        store(b.addingProduct(load(x + row * stride + j) - m, w), out + row * outStride + j)
      }
    }
  }

  /// Equations above, with means over `count` elements; the padding of `dx` holds anything.
  public static func groupNormBackward(
    _ x: FloatPointer, xStride: Int, _ dout: FloatPointer, doutStride: Int, rows: Int,
    features: Int, count: Int, mean: Float, inverse: Float, weight: FloatPointer,
    dx: MutableFloatPointer, dxStride: Int, dweight: MutableFloatPointer,
    dbias: MutableFloatPointer
  ) {
    let m = Vector(repeating: mean)
    let r = Vector(repeating: inverse)
    var sum = 0.0
    var product = 0.0
    for j in Swift.stride(from: 0, to: features, by: laneCount) {
      let (dw, db) = groupNormColumn(
        x + j, xStride: xStride, dout + j, doutStride: doutStride, rows: rows, m, r)
      store(load(dweight + j) + dw, dweight + j)
      store(load(dbias + j) + db, dbias + j)
      // Σ g and Σ g·x̂ follow from the sums of each column.
      sum += Double(laneSum(db * load(weight + j)))
      product += Double(laneSum(dw * load(weight + j)))
    }
    let meanOfG = Vector(repeating: Float(sum / Double(count)))
    let meanOfProduct = Vector(repeating: Float(product / Double(count)))
    for j in Swift.stride(from: 0, to: features, by: laneCount) {
      let w = load(weight + j)
      for row in 0..<rows {
        let normalised = (load(x + row * xStride + j) - m) * r
        let g = load(dout + row * doutStride + j) * w
        store(((g - meanOfG) - normalised * meanOfProduct) * r, dx + row * dxStride + j)
      }
    }
  }

  /// Σ dy·x̂ and Σ dy of a vector of columns.
  @inline(__always)
  private static func groupNormColumn(
    _ x: FloatPointer, xStride: Int, _ dout: FloatPointer, doutStride: Int, rows: Int,
    _ mean: Vector, _ inverse: Vector
  ) -> (weight: Vector, bias: Vector) {
    var dw = Vector(repeating: 0)
    var db = Vector(repeating: 0)
    for row in 0..<rows {
      let dy = load(dout + row * doutStride)
      dw = dw.addingProduct(dy, (load(x + row * xStride) - mean) * inverse)
      db += dy
    }
    return (dw, db)
  }

  /// The two sums over the rows given, which may be some of a group's.
  public static func groupNormSums(
    _ x: FloatPointer, xStride: Int, _ dout: FloatPointer, doutStride: Int, rows: Int,
    features: Int, mean: Float, inverse: Float, dweight: MutableFloatPointer,
    dbias: MutableFloatPointer
  ) {
    let m = Vector(repeating: mean)
    let r = Vector(repeating: inverse)
    for j in Swift.stride(from: 0, to: features, by: laneCount) {
      let (dw, db) = groupNormColumn(
        x + j, xStride: xStride, dout + j, doutStride: doutStride, rows: rows, m, r)
      store(load(dweight + j) + dw, dweight + j)
      store(load(dbias + j) + db, dbias + j)
    }
  }

  /// The equation above, row by row: x, dout and dx lie alike.
  public static func addGroupNormInputGradient(
    _ x: FloatPointer, _ dout: FloatPointer, rows: Int, features: Int, stride: Int,
    mean: Float, inverse: Float, weight: FloatPointer, meanOfGradient: Float,
    meanOfProduct: Float, to dx: MutableFloatPointer
  ) {
    let m = Vector(repeating: mean)
    let r = Vector(repeating: inverse)
    let meanOfG = Vector(repeating: meanOfGradient)
    let meanOfGX = Vector(repeating: meanOfProduct)
    for row in 0..<rows {
      let start = row * stride
      var j = 0
      while j < features {
        let normalised = (load(x + (start + j)) - m) * r
        let g = load(dout + (start + j)) * load(weight + j)
        let d = (g - meanOfG) - normalised * meanOfGX
        store(load(dx + (start + j)).addingProduct(d, r), dx + (start + j))
        j += laneCount
      }
    }
  }
}
