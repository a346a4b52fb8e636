import KernelAPI

// Depthwise causal convolution with SiLU, along a sequence in its logical order:
//   v[t] = bias + Σ_j w[j]·x[t − (taps − 1) + j],   y = v·σ(v).
// Backward: dv = dy·σ(v)·(1 + v·(1 − σ(v))), dx[t] = Σ_j w[j]·dv[t + (taps − 1) − j],
//   dw[j] = Σ_t dv[t]·x[t − (taps − 1) + j], dbias = Σ_t dv[t].
// v is computed again from x: cheaper than keeping it. Source: mamba_ssm's conv1d.

/// v at step `t` of one vector of channels; `x` points at the logical start.
@inline(__always)
private func convolve(
  _ x: FloatPointer, _ step: Int, _ t: Int, _ taps: Int, _ weight: FloatPointer, _ channels: Int,
  _ bias: Vector
) -> Vector {
  var v = bias
  for j in max(0, taps - 1 - t)..<taps {
    v = v.addingProduct(load(weight + j * channels), load(x + (t - taps + 1 + j) * step))
  }
  return v
}

/// σ(v)·(1 + v·(1 − σ(v))), the slope of SiLU.
@_transparent
private func slopeOfSiLU(_ v: Vector) -> Vector {
  let one = Vector(repeating: 1)
  let s = sigmoid(v)
  return s * one.addingProduct(v, one - s)
}

/// One vector of channels of one sequence, in logical order.
private struct Lane {
  let x: FloatPointer
  let xStep: Int
  let length: Int
  let taps: Int
  let weight: FloatPointer
  let channels: Int
  let bias: Vector

  /// Rows that inputs are asked for ahead of their use: they may come from memory.
  private static var ahead: Int { 32 }

  /// The vector at `channel` of the sequence whose logical start is row `first` of x.
  @inline(__always)
  init(
    _ x: MatrixView, _ sequences: TileSequences, first: Int, _ weights: ConvolutionWeights,
    channel: Int
  ) {
    self.x = FloatPointer(x.base + first * x.stride + channel)
    xStep = sequences.reversed ? -x.stride : x.stride
    length = sequences.length
    taps = weights.weight.rows
    weight = FloatPointer(weights.weight.base + channel)
    channels = weights.weight.stride
    bias = load(weights.bias + channel)
  }

  func forward(_ out: MutableFloatPointer, _ outStep: Int) {
    if taps != 4 {
      for t in 0..<length {
        let v = convolve(x, xStep, t, taps, weight, channels, bias)
        store(v * sigmoid(v), out + t * outStep)
      }
      return
    }
    // The usual four taps: the last three inputs stay in registers.
    let w0 = load(weight)
    let w1 = load(weight + channels)
    let w2 = load(weight + 2 * channels)
    let w3 = load(weight + 3 * channels)
    var x0 = Vector(repeating: 0)
    var x1 = x0
    var x2 = x0
    var source = x
    var target = out
    for _ in 0..<length {
      cachePrefetch(source + Self.ahead * xStep)
      let x3 = load(source)
      let v = bias.addingProduct(w0, x0).addingProduct(w1, x1).addingProduct(w2, x2)
        .addingProduct(w3, x3)
      store(v * sigmoid(v), target)
      x0 = x1
      x1 = x2
      x2 = x3
      source += xStep
      target += outStep
    }
  }

  /// dx may be x. `dbias` and `dweight` [taps, channels] are added to.
  func backward(
    _ dout: FloatPointer, _ doutStep: Int, _ dx: MutableFloatPointer, _ dxStep: Int,
    _ dweight: MutableFloatPointer, _ dbias: MutableFloatPointer, _ dv: MutableFloatPointer
  ) {
    if taps == 4 {
      backwardOfFour(dout, doutStep, dx, dxStep, dweight, dbias)
      return
    }
    // dv of the whole sequence, [length, 16], then its correlations with x and w.
    var db = Vector(repeating: 0)
    for t in 0..<length {
      let v = convolve(x, xStep, t, taps, weight, channels, bias)
      let d = load(dout + t * doutStep) * slopeOfSiLU(v)
      store(d, dv + t * laneCount)
      db += d
    }
    store(load(dbias) + db, dbias)
    for j in 0..<taps {
      let shift = taps - 1 - j
      var dw = load(dweight + j * channels)
      var t = shift
      while t < length {
        dw = dw.addingProduct(load(dv + t * laneCount), load(x + (t - shift) * xStep))
        t += 1
      }
      store(dw, dweight + j * channels)
    }
    for t in 0..<length {
      var d = Vector(repeating: 0)
      for j in max(0, taps - length + t)..<taps {
        d = d.addingProduct(load(weight + j * channels), load(dv + (t + taps - 1 - j) * laneCount))
      }
      store(d, dx + t * dxStep)
    }
  }

  /// The usual four taps in one walk: the last three inputs and gradients stay in registers, and
  /// the gradient of an input is complete three steps after it was read.
  private func backwardOfFour(
    _ dout: FloatPointer, _ doutStep: Int, _ dx: MutableFloatPointer, _ dxStep: Int,
    _ dweight: MutableFloatPointer, _ dbias: MutableFloatPointer
  ) {
    let w0 = load(weight)
    let w1 = load(weight + channels)
    let w2 = load(weight + 2 * channels)
    let w3 = load(weight + 3 * channels)
    let none = Vector(repeating: 0)
    var (x0, x1, x2) = (none, none, none)
    var (d0, d1, d2) = (none, none, none)
    var (dw0, dw1, dw2, dw3) = (none, none, none, none)
    var db = none
    var source = x
    var upstream = dout
    var target = dx - 3 * dxStep
    for t in 0..<length + 3 {
      var d3 = none
      if t < length {
        let x3 = load(source)
        let v = bias.addingProduct(w0, x0).addingProduct(w1, x1).addingProduct(w2, x2)
          .addingProduct(w3, x3)
        d3 = load(upstream) * slopeOfSiLU(v)
        db += d3
        dw0 = dw0.addingProduct(d3, x0)
        dw1 = dw1.addingProduct(d3, x1)
        dw2 = dw2.addingProduct(d3, x2)
        dw3 = dw3.addingProduct(d3, x3)
        x0 = x1
        x1 = x2
        x2 = x3
      }
      if t >= 3 {
        store(
          (w3 * d0).addingProduct(w2, d1).addingProduct(w1, d2).addingProduct(w0, d3), target)
      }
      d0 = d1
      d1 = d2
      d2 = d3
      source += xStep
      upstream += doutStep
      target += dxStep
    }
    store(load(dbias) + db, dbias)
    store(load(dweight) + dw0, dweight)
    store(load(dweight + channels) + dw1, dweight + channels)
    store(load(dweight + 2 * channels) + dw2, dweight + 2 * channels)
    store(load(dweight + 3 * channels) + dw3, dweight + 3 * channels)
  }
}

extension Kernels {
  /// The convolution with SiLU, by the equations above.
  public static func causalConv1dForward(
    _ x: MatrixView, _ sequences: TileSequences, _ weights: ConvolutionWeights, out: MatrixView
  ) {
    let sign = sequences.reversed ? -1 : 1
    for sequence in 0..<sequences.count {
      let first =
        sequence * sequences.length + (sequences.reversed ? sequences.length - 1 : 0)
      for channel in stride(from: 0, to: weights.weight.paddedColumns, by: laneCount) {
        Lane(x, sequences, first: first, weights, channel: channel)
          .forward(out.base + first * out.stride + channel, sign * out.stride)
      }
    }
  }

  /// The gradients by the equations above; `dx` may be `x`, `scratch` holds `sequences.length`
  /// vectors.
  public static func causalConv1dBackward(
    _ x: MatrixView, _ dout: MatrixView, _ sequences: TileSequences, _ weights: ConvolutionWeights,
    dx: MatrixView, gradients: ConvolutionGradients, scratch: MutableFloatPointer
  ) {
    let sign = sequences.reversed ? -1 : 1
    for sequence in 0..<sequences.count {
      let first =
        sequence * sequences.length + (sequences.reversed ? sequences.length - 1 : 0)
      for channel in stride(from: 0, to: weights.weight.paddedColumns, by: laneCount) {
        Lane(x, sequences, first: first, weights, channel: channel).backward(
          FloatPointer(dout.base + first * dout.stride + channel), sign * dout.stride,
          dx.base + first * dx.stride + channel, sign * dx.stride,
          gradients.weight.base + channel, gradients.bias + channel, scratch)
      }
    }
  }
}
