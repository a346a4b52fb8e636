import KernelAPI

// The selective state space of Mamba with skip and gate, along a sequence in logical order:
//   h[t, n] = exp(delta[t]·A[n])·h[t−1, n] + delta[t]·x[t]·B[t, n],
//   y[t] = Σ_n h[t, n]·C[t, n] + D·x[t],   out[t] = y[t]·SiLU(z[t]).
// All of it for each channel; B and C are shared by the channels of a row.
//
// Backward, from dout, with s = σ(z), dy = dout·z·s and g[t, n] the gradient of h[t, n]:
//   g[t, n] = dy[t]·C[t, n] + exp(delta[t+1]·A[n])·g[t+1, n]
//   dC[t, n] = Σ_channels dy·h[t, n],   dB[t, n] = Σ_channels g[t, n]·delta·x
//   with q[n] = exp(delta·A[n])·g[t, n]·h[t−1, n]:  dA[n] += q[n]·delta,
//   d(delta) = Σ_n q[n]·A[n] + x·Σ_n g[n]·B[n],   dx = delta·Σ_n g[n]·B[n] + D·dy,   dD += dy·x
//   dz = dout·y·s·(1 + z·(1 − s)),   d(before softplus) = d(delta)·(1 − e^−delta).
// The states [t, channel, n] never exist over a whole sequence: the forward scan keeps one state
// every `scanCheckpointInterval` steps and backward computes the steps between again.
// Source: Gu and Dao 2023, algorithm 2; gradients by the chain rule.

extension Kernels {
  /// The gated scan, by the equations above.
  ///
  /// Interval by interval, and there for one vector of channels after the other: first the steps'
  /// own numbers, then four states at a time through the interval, with state and A in registers,
  /// then the gate.
  public static func selectiveScanForward(
    _ inputs: ScanInputs, _ sequences: TileSequences, _ parameters: ScanParameters,
    out: MatrixView, checkpoints: MatrixView?, scratch: ScanScratch
  ) {
    let states = parameters.a.rows
    let channels = parameters.a.stride
    let steps = IntervalSteps(base: scratch.steps)
    zero(scratch.fastest, count: channels)
    for n in 0..<states {
      for channel in stride(from: 0, to: channels, by: laneCount) {
        let a = load(parameters.a.base + n * channels + channel)
        let least = load(scratch.fastest + channel)
        store(least.replacing(with: a, where: a .< least), scratch.fastest + channel)
      }
    }
    let intervals = scanCheckpointCount(length: sequences.length)
    for sequence in 0..<sequences.count {
      zero(scratch.carried, count: states * channels)
      for index in 0..<intervals {
        let interval = Interval(index, of: sequence, sequences)
        let kept = checkpoints.map { $0.base + (sequence * intervals + index) * states * channels }
        for channel in stride(from: 0, to: channels, by: laneCount) {
          let d = load(parameters.d + channel)
          var longest = Vector(repeating: 0)
          for t in 0..<interval.count {
            let at = interval.row(t) * channels + channel
            let x = load(inputs.x.base + at)
            let delta = load(inputs.delta.base + at)
            longest = longest.replacing(with: delta, where: longest .< delta)
            store(delta, steps[.delta, t])
            store(delta * x, steps[.deltaX, t])
            store(d * x, steps[.y, t])
          }
          // Where no delta·A·log₂e goes below −126, which is nearly always, exp2 need not be held.
          let areSmall = laneMinimum(longest * load(scratch.fastest + channel)) > -126
          let walk = ScanWalk(inputs, parameters, interval, channel: channel, steps)
          var n = 0
          while n < states {
            @inline(__always)
            func scan(areHeld: Bool) {
              walk.forward(
                n, carried: scratch.carried + channel, kept: kept.map { $0 + channel },
                areHeld: areHeld)
            }
            if areSmall { scan(areHeld: false) } else { scan(areHeld: true) }
            n += 4
          }
          for t in 0..<interval.count {
            let row = interval.row(t)
            let z = load(inputs.z.base + row * inputs.z.stride + channel)
            store(
              load(steps[.y, t]) * (z * sigmoid(z)), out.base + row * channels + channel)
          }
        }
      }
    }
  }

  /// The gradients of the gated scan, by the equations above; `checkpoints` are the forward scan's.
  ///
  /// Interval by interval from the end, and there for one vector of channels after the other: the
  /// steps' own numbers, then four states at a time forward and back through the interval, with
  /// state, gradient and A in registers, then the sums over states.
  public static func selectiveScanBackward(
    _ inputs: ScanInputs, _ dout: MatrixView, _ sequences: TileSequences,
    _ parameters: ScanParameters, checkpoints: MatrixView, _ gradients: ScanGradients,
    scratch: ScanScratch
  ) {
    let states = parameters.a.rows
    let channels = parameters.a.stride
    let scan = BackwardScan(
      inputs: inputs, dout: dout, parameters: parameters, gradients: gradients,
      steps: IntervalSteps(base: scratch.steps))
    let intervals = scanCheckpointCount(length: sequences.length)
    for sequence in 0..<sequences.count {
      zero(scratch.carried, count: states * channels)
      var index = intervals
      while index > 0 {
        index -= 1
        let interval = Interval(index, of: sequence, sequences)
        let kept = FloatPointer(
          checkpoints.base + (sequence * intervals + index) * states * channels)
        zero(scratch.productB, count: interval.count * states * laneCount)
        zero(scratch.productC, count: interval.count * states * laneCount)
        // The interval that comes after this one: the one before, or the next sequence's last.
        var next: (kept: FloatPointer, interval: Interval)?
        if index > 0 {
          next = (kept - states * channels, Interval(index - 1, of: sequence, sequences))
        } else if sequence + 1 < sequences.count {
          next = (
            kept + (2 * intervals - 1) * states * channels,
            Interval(intervals - 1, of: sequence + 1, sequences)
          )
        }
        for channel in stride(from: 0, to: channels, by: laneCount) {
          scan.prepare(interval, channel)
          let walk = ScanWalk(inputs, parameters, interval, channel: channel, scan.steps)
          var n = 0
          while n < states {
            if let next { scan.prefetch(next.interval, next.kept, channel, n) }
            walk.backward(
              n, kept: kept + channel, scratch, carried: scratch.carried + channel,
              dA: gradients.a.base + channel)
            n += 4
          }
          scan.finish(interval, channel)
        }
        // One lane sum for each (step, state), after all channels.
        for t in 0..<interval.count {
          let row = interval.row(t)
          sumLanes(
            scratch.productB + t * states * laneCount, states,
            to: gradients.b.base + row * gradients.b.stride)
          sumLanes(
            scratch.productC + t * states * laneCount, states,
            to: gradients.c.base + row * gradients.c.stride)
        }
      }
    }
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

/// Some steps of a sequence between two kept states.
private struct Interval {
  let firstRow: Int
  /// Rows from one step to the next: 1, or −1 where the sequence is walked from its end.
  let sign: Int
  /// Number of steps.
  let count: Int

  /// Interval `index` of a sequence, in logical order.
  @inline(__always)
  init(_ index: Int, of sequence: Int, _ sequences: TileSequences) {
    let begin = index * scanCheckpointInterval
    let first = sequence * sequences.length
    sign = sequences.reversed ? -1 : 1
    firstRow = sequences.reversed ? first + sequences.length - 1 - begin : first + begin
    let left = sequences.length - begin
    count = left < scanCheckpointInterval ? left : scanCheckpointInterval
  }

  @inline(__always)
  func row(_ t: Int) -> Int { firstRow + t * sign }
}

/// One vector of channels on its way through the states of an interval, four at a time.
private struct ScanWalk {
  /// Number of steps.
  private let count: Int
  /// B of the first step; C lies `cOffset` floats behind, the next step's `rowStride`.
  private let b: FloatPointer
  private let cOffset: Int
  private let rowStride: Int
  /// A·log₂e of the channels in state 0; the next state's lies `channels` floats behind.
  private let a: FloatPointer
  private let channels: Int
  private let states: Int
  private let steps: IntervalSteps

  @inline(__always)
  init(
    _ inputs: ScanInputs, _ parameters: ScanParameters, _ interval: Interval, channel: Int,
    _ steps: IntervalSteps
  ) {
    count = interval.count
    b = FloatPointer(inputs.b.base + interval.firstRow * inputs.b.stride)
    cOffset = inputs.c.base - inputs.b.base
    rowStride = interval.sign * inputs.b.stride
    a = FloatPointer(parameters.a.base + channel)
    channels = parameters.a.stride
    states = parameters.a.rows
    self.steps = steps
  }

  /// States n…n + 3.
  @inline(__always)
  func forward(
    _ n: Int, carried: MutableFloatPointer, kept: MutableFloatPointer?, areHeld: Bool
  ) {
    let a = Four(self.a + n * channels, channels)
    var h = Four(carried + n * channels, channels)
    // Here, a few lines at a time: they go to memory, and more would fill the store buffer.
    if let kept { h.write(kept + n * channels, channels) }
    var b = self.b + n
    for t in 0..<count {
      let delta = load(steps[.delta, t])
      let deltaX = load(steps[.deltaX, t])
      let c = b + cOffset
      h = h.advanced(a.decays(delta, areHeld: areHeld), deltaX, b)
      let y = load(steps[.y, t]).addingProduct(h.v0, Vector(repeating: c[0]))
        .addingProduct(h.v1, Vector(repeating: c[1])).addingProduct(h.v2, Vector(repeating: c[2]))
        .addingProduct(h.v3, Vector(repeating: c[3]))
      store(y, steps[.y, t])
      b += rowStride
    }
    h.write(carried + n * channels, channels)
  }

  /// States n…n + 3, forward from those kept and back.
  @inline(__always)
  func backward(
    _ n: Int, kept: FloatPointer, _ scratch: ScanScratch, carried: MutableFloatPointer,
    dA: MutableFloatPointer
  ) {
    let a = Four(self.a + n * channels, channels)
    var h = Four(kept + n * channels, channels)
    var b = self.b + n
    h.write(scratch.states, laneCount)
    var now = scratch.states
    var decays = scratch.decays
    for t in 0..<count {
      let delta = load(steps[.delta, t])
      let deltaX = load(steps[.deltaX, t])
      let decay = a.decays(delta)
      decay.write(decays, laneCount)
      h = h.advanced(decay, deltaX, b)
      now += 4 * laneCount
      h.write(now, laneCount)
      decays += 4 * laneCount
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
      decays -= 4 * laneCount
      pb -= states * laneCount
      pc -= states * laneCount
      let dy = load(steps[.dy, t])
      let deltaX = load(steps[.deltaX, t])
      let delta = load(steps[.delta, t])
      let before = Four(now, laneCount)
      let c = b + cOffset
      var y = load(steps[.y, t])
      var gB = load(steps[.gB, t])
      var qA = load(steps[.qA, t])
      @inline(__always)
      func state(
        _ i: Int, _ back: inout Vector, _ sum: inout Vector, _ after: Vector, _ before: Vector,
        _ a: Vector
      ) {
        let cn = Vector(repeating: c[i])
        let pb = pb + i * laneCount
        let pc = pc + i * laneCount
        let g = back.addingProduct(dy, cn)
        y = y.addingProduct(after, cn)
        store(load(pc).addingProduct(dy, after), pc)
        store(load(pb).addingProduct(g, deltaX), pb)
        gB = gB.addingProduct(g, Vector(repeating: b[i]))
        back = g * load(decays + i * laneCount)
        let q = back * before
        qA = qA.addingProduct(q, a)
        sum = sum.addingProduct(q, delta)
      }
      state(0, &back.v0, &sums.v0, h.v0, before.v0, a.v0)
      state(1, &back.v1, &sums.v1, h.v1, before.v1, a.v1)
      state(2, &back.v2, &sums.v2, h.v2, before.v2, a.v2)
      state(3, &back.v3, &sums.v3, h.v3, before.v3, a.v3)
      h = before
      store(y, steps[.y, t])
      store(gB, steps[.gB, t])
      store(qA, steps[.qA, t])
    }
    back.write(carried + n * channels, channels)
    sums.write(dA + n * channels, channels)
  }
}

/// The parts of the backward scan around the walk through the states, for one vector of channels.
private struct BackwardScan {
  let inputs: ScanInputs
  let dout: MatrixView
  let parameters: ScanParameters
  let gradients: ScanGradients
  let steps: IntervalSteps

  /// delta, delta·x and dy of each step of an interval, and D·x, where y starts.
  @inline(__always)
  func prepare(_ interval: Interval, _ channel: Int) {
    let d = load(parameters.d + channel)
    let one = Vector(repeating: 1)
    for t in 0..<interval.count {
      let row = interval.row(t)
      let at = row * parameters.a.stride + channel
      let x = load(inputs.x.base + at)
      let delta = load(inputs.delta.base + at)
      let z = load(inputs.z.base + row * inputs.z.stride + channel)
      let s = sigmoid(z)
      let silu = z * s
      let upstream = load(dout.base + at)
      store(delta, steps[.delta, t])
      store(delta * x, steps[.deltaX, t])
      store(upstream * silu, steps[.dy, t])
      store(silu, steps[.silu, t])
      store(upstream * (s * one.addingProduct(z, one - s)), steps[.slope, t])
      store(d * x, steps[.y, t])
      store(Vector(repeating: 0), steps[.gB, t])
      store(Vector(repeating: 0), steps[.qA, t])
    }
  }

  /// Asks for a part of what forward kept for `interval`, which is next: it comes from memory, in
  /// an order that the processor does not foresee. A few lines at a time: more would wait for each
  /// other.
  @inline(__always)
  func prefetch(_ interval: Interval, _ kept: FloatPointer, _ channel: Int, _ n: Int) {
    let channels = parameters.a.stride
    let states = parameters.a.rows
    for i in n..<n + 4 { cachePrefetch(kept + i * channels + channel) }
    var t = scanCheckpointInterval * n / states
    let end = scanCheckpointInterval * (n + 4) / states
    while t < end {
      let row = interval.row(t)
      t += 1
      cachePrefetch(inputs.delta.base + row * channels + channel)
      cachePrefetch(inputs.z.base + row * inputs.z.stride + channel)
      if channel < inputs.b.stride {
        cachePrefetch(inputs.b.base + row * inputs.b.stride + channel)
      }
    }
  }

  /// A step's gradients from the sums over states.
  @inline(__always)
  func finish(_ interval: Interval, _ channel: Int) {
    let d = load(parameters.d + channel)
    var dD = load(gradients.d + channel)
    for t in 0..<interval.count {
      let row = interval.row(t)
      let at = row * parameters.a.stride + channel
      let x = load(inputs.x.base + at)
      let delta = load(steps[.delta, t])
      let dy = load(steps[.dy, t])
      let y = load(steps[.y, t])
      let gB = load(steps[.gB, t])
      dD = dD.addingProduct(dy, x)
      store((dy * d).addingProduct(gB, delta), gradients.x.base + at)
      // A·log₂e times ln 2 is A.
      let dDelta = (gB * x).addingProduct(
        load(steps[.qA, t]), Vector(repeating: Float(MathConstants.ln2)))
      store(
        dDelta * oneMinusExp2OfNonPositive(delta * Vector(repeating: -Float(MathConstants.log2E))),
        gradients.delta.base + at)
      store(
        y * load(steps[.slope, t]), gradients.z.base + row * gradients.z.stride + channel)
      store(y * load(steps[.silu, t]), gradients.gatedOutput.base + at)
    }
    store(dD, gradients.d + channel)
  }
}

/// One quantity of four states.
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

  /// exp(delta·A) of these A·log₂e.
  @inline(__always)
  func decays(_ delta: Vector, areHeld: Bool = true) -> Four {
    Four(
      exp2OfNonPositive(delta * v0, isHeld: areHeld),
      exp2OfNonPositive(delta * v1, isHeld: areHeld),
      exp2OfNonPositive(delta * v2, isHeld: areHeld), exp2OfNonPositive(delta * v3, isHeld: areHeld)
    )
  }

  /// The states h one step on: decay·h + delta·x·B.
  @inline(__always)
  func advanced(_ decay: Four, _ deltaX: Vector, _ b: FloatPointer) -> Four {
    Four(
      (deltaX * Vector(repeating: b[0])).addingProduct(decay.v0, v0),
      (deltaX * Vector(repeating: b[1])).addingProduct(decay.v1, v1),
      (deltaX * Vector(repeating: b[2])).addingProduct(decay.v2, v2),
      (deltaX * Vector(repeating: b[3])).addingProduct(decay.v3, v3))
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
    // The forward scan fills the first three.
    case delta, deltaX, y, dy, silu, slope
    // Sums over states of g·B and of q·A·log₂e.
    case gB, qA
  }

  let base: MutableFloatPointer

  @inline(__always)
  subscript(_ quantity: Quantity, _ t: Int) -> MutableFloatPointer {
    base + (quantity.rawValue * scanCheckpointInterval + t) * laneCount
  }
}
