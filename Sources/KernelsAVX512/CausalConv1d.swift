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

extension Kernels {
  /// Equations above; four taps, the usual number, have a loop of their own.
  public static func causalConv1dForward(
    _ x: FloatPointer, stride: Int, _ sequences: TileSequences, channels: Int, taps: Int,
    weight: FloatPointer, bias: FloatPointer, out: MutableFloatPointer
  ) {
    let sign = sequences.reversed ? -1 : 1
    for sequence in 0..<sequences.count {
      let first = sequence * sequences.length + (sequences.reversed ? sequences.length - 1 : 0)
      for channel in Swift.stride(from: 0, to: channels, by: laneCount) {
        let source = x + first * stride + channel
        let target = out + first * channels + channel
        let b = load(bias + channel)
        let w = weight + channel
        let step = sign * stride
        let head = taps == 4 ? min(3, sequences.length) : sequences.length
        for t in 0..<head {
          let v = convolve(source, step, t, taps, w, channels, b)
          store(v * sigmoid(v), target + t * sign * channels)
        }
        if head == sequences.length { continue }
        // The usual four taps, with the last three inputs kept in registers.
        let w0 = load(w)
        let w1 = load(w + channels)
        let w2 = load(w + 2 * channels)
        let w3 = load(w + 3 * channels)
        var x0 = load(source)
        var x1 = load(source + step)
        var x2 = load(source + 2 * step)
        for t in head..<sequences.length {
          let x3 = load(source + t * step)
          var v = b.addingProduct(w0, x0)
          v = v.addingProduct(w1, x1)
          v = v.addingProduct(w2, x2)
          v = v.addingProduct(w3, x3)
          store(v * sigmoid(v), target + t * sign * channels)
          x0 = x1
          x1 = x2
          x2 = x3
        }
      }
    }
  }

  /// Equations above; `dv` is scratch of `length` vectors.
  public static func causalConv1dBackward(
    _ x: FloatPointer, stride: Int, _ dout: FloatPointer, _ sequences: TileSequences,
    channels: Int, taps: Int, weight: FloatPointer, bias: FloatPointer,
    dx: MutableFloatPointer, dxStride: Int, dweight: MutableFloatPointer,
    dbias: MutableFloatPointer, scratch dv: MutableFloatPointer
  ) {
    let sign = sequences.reversed ? -1 : 1
    let length = sequences.length
    let one = Vector(repeating: 1)
    for sequence in 0..<sequences.count {
      let first = sequence * length + (sequences.reversed ? length - 1 : 0)
      for channel in Swift.stride(from: 0, to: channels, by: laneCount) {
        let source = x + first * stride + channel
        let upstream = dout + first * channels + channel
        let target = dx + first * dxStride + channel
        let b = load(bias + channel)
        let w = weight + channel
        let step = sign * stride
        // dv of one vector of channels, [length, 16], then its correlations with x and w.
        var db = Vector(repeating: 0)
        for t in 0..<length {
          let v = convolve(source, step, t, taps, w, channels, b)
          let s = sigmoid(v)
          let d = load(upstream + t * sign * channels) * (s * one.addingProduct(v, one - s))
          store(d, dv + t * laneCount)
          db += d
        }
        store(load(dbias + channel) + db, dbias + channel)
        for j in 0..<taps {
          let shift = taps - 1 - j
          let wj = load(w + j * channels)
          var dw = Vector(repeating: 0)
          for t in Swift.stride(from: shift, to: length, by: 1) {
            dw = dw.addingProduct(load(dv + t * laneCount), load(source + (t - shift) * step))
          }
          store(load(dweight + j * channels + channel) + dw, dweight + j * channels + channel)
          for t in 0..<length {
            let target = target + t * sign * dxStride
            let d = t + shift < length ? load(dv + (t + shift) * laneCount) : Vector(repeating: 0)
            store(j == 0 ? wj * d : load(target).addingProduct(wj, d), target)
          }
        }
      }
    }
  }
}
