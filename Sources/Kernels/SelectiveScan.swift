import KernelAPI

// The selective state space of Mamba with skip and gate, along a sequence in logical order:
//   a[t, n] = exp(dt[t]·A[n]),  h[t, n] = a[t, n]·h[t−1, n] + dt[t]·x[t]·B[t, n],
//   y[t] = Σ_n h[t, n]·C[t, n] + D·x[t],   out[t] = y[t]·SiLU(z[t]).
// All of it for each channel; B and C are shared by the channels of a row.
//
// Backward, from dout, with s = σ(z), dy = dout·z·s and g[t, n] the gradient of h[t, n]:
//   g[t, n] = dy[t]·C[t, n] + a[t+1, n]·g[t+1, n]
//   dC[t, n] = Σ_channels dy·h[t, n],   dB[t, n] = Σ_channels g[t, n]·dt·x
//   with q[n] = a[t, n]·g[t, n]·h[t−1, n]:  dA[n] += q[n]·dt,
//   d(dt) = Σ_n q[n]·A[n] + x·Σ_n g[n]·B[n],   dx = dt·Σ_n g[n]·B[n] + D·dy,   dD += dy·x
//   dz = dout·y·s·(1 + z·(1 − s)),   d(before softplus) = d(dt)·(1 − e^−dt).
// The states [t, channel, n] never exist over a whole sequence: the forward scan keeps one state
// every `scanCheckpointInterval` steps and backward computes the steps between again.
// Source: Gu and Dao 2023, algorithm 2; gradients by the chain rule.

private let naturalLog2: Float = 0.693_147_2

extension Kernels {
  /// Equations above.
  ///
  /// Interval by interval, and there for one vector of channels after the other: first the steps'
  /// own numbers, then four states at a time through the interval, with state and decay in
  /// registers, then the gate.
  public static func selectiveScanForward(
    _ inputs: ScanInputs, _ sequences: TileSequences, _ parameters: ScanParameters,
    out: MutableFloatPointer, checkpoints: MutableFloatPointer?, scratch: MutableFloatPointer
  ) {
    let channels = parameters.channels
    let states = parameters.states
    let sign = sequences.reversed ? -1 : 1
    let intervals = scanCheckpointCount(length: sequences.length)
    let steps = IntervalSteps(base: scratch)
    let carried = scratch + 3 * scanCheckpointInterval * laneCount  // [states, channels]
    let fastest = carried + states * channels  // [channels]: the most negative decay of each
    zero(fastest, count: channels)
    for n in 0..<states {
      for channel in stride(from: 0, to: channels, by: laneCount) {
        let decay = load(parameters.decay + n * channels + channel)
        let least = load(fastest + channel)
        store(least.replacing(with: decay, where: decay .< least), fastest + channel)
      }
    }
    for sequence in 0..<sequences.count {
      let first =
        sequence * sequences.length + (sequences.reversed ? sequences.length - 1 : 0)
      zero(carried, count: states * channels)
      for interval in 0..<intervals {
        let begin = interval * scanCheckpointInterval
        let count = min(scanCheckpointInterval, sequences.length - begin)
        let firstRow = first + begin * sign
        let projection = inputs.projection + firstRow * inputs.projectionStride
        let kept = checkpoints.map {
          $0 + (sequence * intervals + interval) * states * channels
        }
        for channel in stride(from: 0, to: channels, by: laneCount) {
          let skip = load(parameters.skip + channel)
          var longest = Vector(repeating: 0)
          for t in 0..<count {
            let at = (firstRow + t * sign) * channels + channel
            let x = load(inputs.x + at)
            let step = load(inputs.step + at)
            longest = longest.replacing(with: step, where: longest .< step)
            store(step, steps[.step, t])
            store(step * x, steps[.input, t])
            store(skip * x, steps[.y, t])
          }
          // Where no dt·A·log₂e goes below −126, which is nearly always, exp2 need not be held.
          let areSmall = laneMinimum(longest * load(fastest + channel)) > -126
          var n = 0
          while n < states {
            @inline(__always)
            func scan(areHeld: Bool) {
              scanForward(
                n, count, projection, sign * inputs.projectionStride, inputs.outputOffset,
                parameters.decay + channel, channels, steps, carried: carried + channel,
                kept: kept.map { $0 + channel }, areHeld: areHeld)
            }
            if areSmall { scan(areHeld: false) } else { scan(areHeld: true) }
            n += 4
          }
          for t in 0..<count {
            let row = firstRow + t * sign
            let z = load(inputs.gate + row * inputs.gateStride + channel)
            store(load(steps[.y, t]) * (z * sigmoid(z)), out + row * channels + channel)
          }
        }
      }
    }
  }

  /// States n…n + 3 of one vector of channels through an interval.
  @inline(__always)
  private static func scanForward(
    _ n: Int, _ count: Int, _ projection: FloatPointer, _ rowStride: Int, _ outputOffset: Int,
    _ decay: FloatPointer, _ channels: Int, _ steps: IntervalSteps, carried: MutableFloatPointer,
    kept: MutableFloatPointer?, areHeld: Bool
  ) {
    let decays = Four(decay + n * channels, channels)
    var h = Four(carried + n * channels, channels)
    // Here, a few lines at a time: they go to memory, and more would fill the store buffer.
    if let kept { h.write(kept + n * channels, channels) }
    var b = projection + n
    for t in 0..<count {
      let step = load(steps[.step, t])
      let input = load(steps[.input, t])
      let c = b + outputOffset
      h = h.advanced(decays.factors(step, areHeld: areHeld), input, b)
      let y = load(steps[.y, t]).addingProduct(h.v0, Vector(repeating: c[0]))
        .addingProduct(h.v1, Vector(repeating: c[1])).addingProduct(h.v2, Vector(repeating: c[2]))
        .addingProduct(h.v3, Vector(repeating: c[3]))
      store(y, steps[.y, t])
      b += rowStride
    }
    h.write(carried + n * channels, channels)
  }

  /// Equations above; `checkpoints` are those of the forward scan.
  ///
  /// Interval by interval from the end, and there for one vector of channels after the other: the
  /// steps' own numbers, then four states at a time forward and back through the interval, with state,
  /// gradient and decay in registers, then what all states have to say about a step.
  public static func selectiveScanBackward(
    _ inputs: ScanInputs, _ dout: FloatPointer, _ sequences: TileSequences,
    _ parameters: ScanParameters, checkpoints: FloatPointer, _ gradients: ScanGradients
  ) {
    let channels = parameters.channels
    let states = parameters.states
    let sign = sequences.reversed ? -1 : 1
    let intervals = scanCheckpointCount(length: sequences.length)
    let scratch = BackwardScanScratch(gradients.scratch, channels: channels, states: states)
    for sequence in 0..<sequences.count {
      let first =
        sequence * sequences.length + (sequences.reversed ? sequences.length - 1 : 0)
      zero(scratch.carried, count: states * channels)
      var interval = intervals
      while interval > 0 {
        interval -= 1
        let begin = interval * scanCheckpointInterval
        let count = min(scanCheckpointInterval, sequences.length - begin)
        let kept = checkpoints + (sequence * intervals + interval) * states * channels
        zero(scratch.productB, count: count * states * laneCount)
        zero(scratch.productC, count: count * states * laneCount)
        let firstRow = first + begin * sign
        let projection = inputs.projection + firstRow * inputs.projectionStride
        // The interval that comes after this one: the one before, or the next sequence's last.
        var next: (kept: FloatPointer, row: Int)?
        if interval > 0 {
          next = (kept - states * channels, firstRow - scanCheckpointInterval * sign)
        } else if sequence + 1 < sequences.count {
          next = (
            kept + (2 * intervals - 1) * states * channels,
            first + (sequences.length + (intervals - 1) * scanCheckpointInterval * sign)
          )
        }
        for channel in stride(from: 0, to: channels, by: laneCount) {
          prepareSteps(inputs, dout, parameters, scratch, channel, firstRow, sign, count)
          var n = 0
          while n < states {
            if let next {
              prefetchKept(inputs, next.kept, channel, channels, next.row, sign, n, states)
            }
            scanBackward(
              n, count, projection, sign * inputs.projectionStride, inputs.outputOffset,
              parameters.decay + channel, kept + channel, channels, states, scratch,
              carried: scratch.carried + channel, dA: gradients.decay + channel)
            n += 4
          }
          finishSteps(inputs, parameters, gradients, scratch, channel, firstRow, sign, count)
        }
        // One lane sum for each (step, state), after all channels.
        for t in 0..<count {
          let target = gradients.projection + (firstRow + t * sign) * inputs.projectionStride
          sumLanes(scratch.productB + t * states * laneCount, states, to: target)
          sumLanes(
            scratch.productC + t * states * laneCount, states, to: target + inputs.outputOffset)
        }
      }
    }
  }

  /// Asks for a part of what forward kept for the interval from `firstRow` on, which is next: it comes
  /// from memory, in an order that the processor does not foresee. A few lines at a time: more would
  /// wait for each other.
  @inline(__always)
  private static func prefetchKept(
    _ inputs: ScanInputs, _ kept: FloatPointer, _ channel: Int, _ channels: Int, _ firstRow: Int,
    _ sign: Int, _ n: Int, _ states: Int
  ) {
    for i in n..<n + 4 { cachePrefetch(kept + i * channels + channel) }
    var t = scanCheckpointInterval * n / states
    let end = scanCheckpointInterval * (n + 4) / states
    while t < end {
      let row = firstRow + t * sign
      t += 1
      cachePrefetch(inputs.step + row * channels + channel)
      cachePrefetch(inputs.gate + row * inputs.gateStride + channel)
      if channel < inputs.projectionStride {
        cachePrefetch(inputs.projection + row * inputs.projectionStride + channel)
      }
    }
  }

  /// dt, dt·x and dy of each step of an interval, and D·x, where y starts.
  @inline(__always)
  private static func prepareSteps(
    _ inputs: ScanInputs, _ dout: FloatPointer, _ parameters: ScanParameters,
    _ scratch: BackwardScanScratch, _ channel: Int, _ firstRow: Int, _ sign: Int, _ count: Int
  ) {
    let skip = load(parameters.skip + channel)
    let one = Vector(repeating: 1)
    for t in 0..<count {
      let row = firstRow + t * sign
      let at = row * parameters.channels + channel
      let x = load(inputs.x + at)
      let step = load(inputs.step + at)
      let z = load(inputs.gate + row * inputs.gateStride + channel)
      let s = sigmoid(z)
      let silu = z * s
      let upstream = load(dout + at)
      store(step, scratch.steps[.step, t])
      store(step * x, scratch.steps[.input, t])
      store(upstream * silu, scratch.steps[.dy, t])
      store(silu, scratch.steps[.silu, t])
      store(upstream * (s * one.addingProduct(z, one - s)), scratch.steps[.slope, t])
      store(skip * x, scratch.steps[.y, t])
      store(Vector(repeating: 0), scratch.steps[.inputGradient, t])
      store(Vector(repeating: 0), scratch.steps[.decayGradient, t])
    }
  }

  /// States n…n + 3 of one vector of channels, forward and back through an interval.
  @inline(__always)
  private static func scanBackward(
    _ n: Int, _ count: Int, _ projection: FloatPointer, _ rowStride: Int, _ outputOffset: Int,
    _ decay: FloatPointer, _ kept: FloatPointer, _ channels: Int, _ states: Int,
    _ scratch: BackwardScanScratch, carried: MutableFloatPointer, dA: MutableFloatPointer
  ) {
    let steps = scratch.steps
    let decays = Four(decay + n * channels, channels)
    var h = Four(kept + n * channels, channels)
    var b = projection + n
    h.write(scratch.states, laneCount)
    var now = scratch.states
    var factors = scratch.decays
    for t in 0..<count {
      let step = load(steps[.step, t])
      let input = load(steps[.input, t])
      let a = decays.factors(step)
      a.write(factors, laneCount)
      h = h.advanced(a, input, b)
      now += 4 * laneCount
      h.write(now, laneCount)
      factors += 4 * laneCount
      b += rowStride
    }
    var back = Four(carried + n * channels, channels)
    var sums = Four(dA + n * channels, channels)
    var pb = scratch.productB + (count * states + n) * laneCount
    var pc = scratch.productC + (count * states + n) * laneCount
    var t = count
    while t > 0 {
      t -= 1
      b -= rowStride
      now -= 4 * laneCount
      factors -= 4 * laneCount
      pb -= states * laneCount
      pc -= states * laneCount
      let dy = load(steps[.dy, t])
      let input = load(steps[.input, t])
      let step = load(steps[.step, t])
      let before = Four(now, laneCount)
      let c = b + outputOffset
      var y = load(steps[.y, t])
      var inputGradient = load(steps[.inputGradient, t])
      var decayGradient = load(steps[.decayGradient, t])
      @inline(__always)
      func state(
        _ i: Int, _ back: inout Vector, _ sum: inout Vector, _ after: Vector, _ before: Vector,
        _ decay: Vector
      ) {
        let cn = Vector(repeating: c[i])
        let pb = pb + i * laneCount
        let pc = pc + i * laneCount
        let g = back.addingProduct(dy, cn)
        y = y.addingProduct(after, cn)
        store(load(pc).addingProduct(dy, after), pc)
        store(load(pb).addingProduct(g, input), pb)
        inputGradient = inputGradient.addingProduct(g, Vector(repeating: b[i]))
        back = g * load(factors + i * laneCount)
        let q = back * before
        decayGradient = decayGradient.addingProduct(q, decay)
        sum = sum.addingProduct(q, step)
      }
      state(0, &back.v0, &sums.v0, h.v0, before.v0, decays.v0)
      state(1, &back.v1, &sums.v1, h.v1, before.v1, decays.v1)
      state(2, &back.v2, &sums.v2, h.v2, before.v2, decays.v2)
      state(3, &back.v3, &sums.v3, h.v3, before.v3, decays.v3)
      h = before
      store(y, steps[.y, t])
      store(inputGradient, steps[.inputGradient, t])
      store(decayGradient, steps[.decayGradient, t])
    }
    back.write(carried + n * channels, channels)
    sums.write(dA + n * channels, channels)
  }

  /// What the sums over states make of a step's gradients.
  @inline(__always)
  private static func finishSteps(
    _ inputs: ScanInputs, _ parameters: ScanParameters, _ gradients: ScanGradients,
    _ scratch: BackwardScanScratch, _ channel: Int, _ firstRow: Int, _ sign: Int, _ count: Int
  ) {
    let skip = load(parameters.skip + channel)
    var dskip = load(gradients.skip + channel)
    for t in 0..<count {
      let row = firstRow + t * sign
      let at = row * parameters.channels + channel
      let x = load(inputs.x + at)
      let step = load(scratch.steps[.step, t])
      let dy = load(scratch.steps[.dy, t])
      let y = load(scratch.steps[.y, t])
      let inputGradient = load(scratch.steps[.inputGradient, t])
      dskip = dskip.addingProduct(dy, x)
      store((dy * skip).addingProduct(inputGradient, step), gradients.x + at)
      let dstep = (inputGradient * x).addingProduct(
        load(scratch.steps[.decayGradient, t]), Vector(repeating: naturalLog2))
      store(
        dstep * oneMinusExp2OfNonPositive(step * Vector(repeating: -1.442_695_04)),
        gradients.step + at)
      store(
        y * load(scratch.steps[.slope, t]),
        gradients.gate + row * gradients.gateStride + channel)
      store(y * load(scratch.steps[.silu, t]), gradients.gatedOutput + at)
    }
    store(dskip, gradients.skip + channel)
  }

  @inline(__always)
  private static func sumLanes(
    _ vectors: MutableFloatPointer, _ states: Int, to out: MutableFloatPointer
  ) {
    var n = 0
    while n + laneCount <= states {
      store(laneSums(of16: vectors + n * laneCount), out + n)
      n += laneCount
    }
    while n < states {
      out[n] = laneSum(load(vectors + n * laneCount))
      n += 1
    }
  }
}

/// The same quantity of four states.
private struct Four {
  var v0: Vector
  var v1: Vector
  var v2: Vector
  var v3: Vector

  @inline(__always)
  init(_ v0: Vector, _ v1: Vector, _ v2: Vector, _ v3: Vector) {
    self.v0 = v0
    self.v1 = v1
    self.v2 = v2
    self.v3 = v3
  }

  /// Vectors `stride` floats apart.
  @inline(__always)
  init(_ p: FloatPointer, _ stride: Int) {
    self.init(load(p), load(p + stride), load(p + 2 * stride), load(p + 3 * stride))
  }

  /// Vectors `stride` floats apart.
  @inline(__always)
  init(_ p: MutableFloatPointer, _ stride: Int) { self.init(FloatPointer(p), stride) }

  /// exp(step·A) of these decays.
  @inline(__always)
  func factors(_ step: Vector, areHeld: Bool = true) -> Four {
    Four(
      exp2OfNonPositive(step * v0, isHeld: areHeld), exp2OfNonPositive(step * v1, isHeld: areHeld),
      exp2OfNonPositive(step * v2, isHeld: areHeld), exp2OfNonPositive(step * v3, isHeld: areHeld))
  }

  /// These states one step on: a·h + input·b.
  @inline(__always)
  func advanced(_ a: Four, _ input: Vector, _ b: FloatPointer) -> Four {
    Four(
      (input * Vector(repeating: b[0])).addingProduct(a.v0, v0),
      (input * Vector(repeating: b[1])).addingProduct(a.v1, v1),
      (input * Vector(repeating: b[2])).addingProduct(a.v2, v2),
      (input * Vector(repeating: b[3])).addingProduct(a.v3, v3))
  }

  @inline(__always)
  func write(_ p: MutableFloatPointer, _ stride: Int) {
    store(v0, p)
    store(v1, p + stride)
    store(v2, p + 2 * stride)
    store(v3, p + 3 * stride)
  }
}

/// The numbers of each step of an interval for one vector of channels.
private struct IntervalSteps {
  enum Quantity: Int {
    // The forward scan has room for the first three.
    case step, input, y, dy, silu, slope, inputGradient, decayGradient
  }

  let base: MutableFloatPointer

  @inline(__always)
  subscript(_ quantity: Quantity, _ t: Int) -> MutableFloatPointer {
    base + (quantity.rawValue * scanCheckpointInterval + t) * laneCount
  }
}

/// The parts of the backward scan's scratch. The products lie a few lines beside multiples of a
/// page: loads and stores a whole number of pages apart would wait for each other.
private struct BackwardScanScratch {
  let steps: IntervalSteps
  /// [step + 1, 4, 16]: states before each step and after the last.
  let states: MutableFloatPointer
  /// [step, 4, 16]: a.
  let decays: MutableFloatPointer
  /// [step, state, 16]: Σ over channel vectors of g·dt·x.
  let productB: MutableFloatPointer
  /// The same of dy·h.
  let productC: MutableFloatPointer
  /// [states, channels]: a[t+1]·g[t+1].
  let carried: MutableFloatPointer

  init(_ base: MutableFloatPointer, channels: Int, states count: Int) {
    let interval = scanCheckpointInterval * laneCount
    let product = count * interval
    steps = IntervalSteps(base: base)
    states = base + 8 * interval
    decays = states + 4 * interval + 4 * laneCount
    productB = decays + 4 * interval
    productC = productB + product + 4 * laneCount
    carried = productC + product + 4 * laneCount
  }
}
