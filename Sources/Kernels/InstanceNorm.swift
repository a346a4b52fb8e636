import KernelAPI

// Instance norm over the pixels of one utterance, channel by channel, with a PReLU behind it:
//   x̂ = (x − μ)/σ,  z = x̂·w + b,  y = z > 0 ? z : s·z.
// Backward, with dz = dy where z > 0 and s·dy elsewhere, and means over the pixels:
//   dx = (dz − mean(dz) − x̂·mean(dz·x̂))·w/σ,  dw = Σ dz·x̂,  db = Σ dz,  ds = Σ dy·z where z ≤ 0.
// Source: Ulyanov et al. 2016, He et al. 2015.

/// The vectors of sixteen channels.
private struct ChannelVectors {
  let mean: Vector
  let inverse: Vector
  /// weight·inverse
  let scale: Vector
  let bias: Vector
  let slope: Vector

  @inline(__always)
  init(_ norm: InstanceNormVectors, _ column: Int) {
    mean = load(norm.mean + column)
    inverse = load(norm.inverse + column)
    scale = load(norm.weight + column) * inverse
    bias = load(norm.bias + column)
    slope = load(norm.slope + column)
  }

  /// z, by one formula in forward and backward, so that its sign is the same.
  @inline(__always)
  func value(_ x: Vector) -> Vector { bias.addingProduct(x - mean, scale) }
}

extension Kernels {
  /// Sums of squares, pixel after pixel.
  public static func addSquaredDeviations(
    _ x: MatrixView, mean: FloatPointer, to out: MutableFloatPointer
  ) {
    var column = 0
    while column < x.paddedColumns {
      let m = load(mean + column)
      var even = Vector(repeating: 0)
      var odd = Vector(repeating: 0)
      var row = FloatPointer(x.base + column)
      for _ in 0..<x.rows / 2 {
        let (a, b) = (load(row) - m, load(row + x.stride) - m)
        even = even.addingProduct(a, a)
        odd = odd.addingProduct(b, b)
        row += 2 * x.stride
      }
      if x.rows % 2 == 1 {
        let a = load(row) - m
        even = even.addingProduct(a, a)
      }
      store(load(out + column) + (even + odd), out + column)
      column += laneCount
    }
  }

  /// y of every pixel.
  public static func instanceNormForward(
    _ x: MatrixView, _ norm: InstanceNormVectors, out: MatrixView
  ) {
    let zero = Vector(repeating: 0)
    var column = 0
    while column < x.paddedColumns {
      let channels = ChannelVectors(norm, column)
      var source = FloatPointer(x.base + column)
      var target = out.base + column
      for _ in 0..<x.rows {
        let z = channels.value(load(source))
        store((z * channels.slope).replacing(with: z, where: z .> zero), target)
        source += x.stride
        target += out.stride
      }
      column += laneCount
    }
  }

  /// The three sums.
  public static func addInstanceNormSums(
    _ x: MatrixView, _ dout: MatrixView, _ norm: InstanceNormVectors, to sums: InstanceNormSums
  ) {
    let zero = Vector(repeating: 0)
    var column = 0
    while column < x.paddedColumns {
      let channels = ChannelVectors(norm, column)
      var dw = Vector(repeating: 0)
      var db = Vector(repeating: 0)
      var ds = Vector(repeating: 0)
      var source = FloatPointer(x.base + column)
      var upstream = FloatPointer(dout.base + column)
      for _ in 0..<x.rows {
        let value = load(source)
        let dy = load(upstream)
        let z = channels.value(value)
        let isPositive = z .> zero
        let dz = (dy * channels.slope).replacing(with: dy, where: isPositive)
        dw = dw.addingProduct(dz, (value - channels.mean) * channels.inverse)
        db += dz
        ds = ds.addingProduct(dy, z.replacing(with: zero, where: isPositive))
        source += x.stride
        upstream += dout.stride
      }
      store(load(sums.weight + column) + dw, sums.weight + column)
      store(load(sums.bias + column) + db, sums.bias + column)
      store(load(sums.slope + column) + ds, sums.slope + column)
      column += laneCount
    }
  }

  /// dx of every pixel.
  public static func instanceNormInputGradient(
    _ x: MatrixView, _ dout: MatrixView, _ norm: InstanceNormVectors, meanOfProduct: FloatPointer,
    meanOfGradient: FloatPointer, dx: MatrixView
  ) {
    let zero = Vector(repeating: 0)
    var column = 0
    while column < x.paddedColumns {
      let channels = ChannelVectors(norm, column)
      let product = load(meanOfProduct + column)
      let gradient = load(meanOfGradient + column)
      var source = FloatPointer(x.base + column)
      var upstream = FloatPointer(dout.base + column)
      var target = dx.base + column
      for _ in 0..<x.rows {
        let value = load(source)
        let dy = load(upstream)
        let dz = (dy * channels.slope)
          .replacing(with: dy, where: channels.value(value) .> zero)
        let normalised = (value - channels.mean) * channels.inverse
        store(((dz - gradient) - normalised * product) * channels.scale, target)
        source += x.stride
        upstream += dout.stride
        target += dx.stride
      }
      column += laneCount
    }
  }
}
