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
  /// Equations above; `h` is scratch of one vector for each state.
  public static func selectiveScanForward(
    _ inputs: ScanInputs, _ sequences: TileSequences, _ parameters: ScanParameters,
    out: MutableFloatPointer, checkpoints: MutableFloatPointer?, scratch h: MutableFloatPointer
  ) {
    let channels = parameters.channels
    let states = parameters.states
    let sign = sequences.reversed ? -1 : 1
    let intervals = scanCheckpointCount(length: sequences.length)
    for sequence in 0..<sequences.count {
      let first =
        sequence * sequences.length + (sequences.reversed ? sequences.length - 1 : 0)
      for channel in stride(from: 0, to: channels, by: laneCount) {
        let decay = parameters.decay + channel
        let skip = load(parameters.skip + channel)
        for n in 0..<states { store(Vector(repeating: 0), h + n * laneCount) }
        for t in 0..<sequences.length {
          if let checkpoints, t % scanCheckpointInterval == 0 {
            let kept =
              checkpoints
              + ((sequence * intervals + t / scanCheckpointInterval) * states) * channels + channel
            for n in 0..<states { store(load(h + n * laneCount), kept + n * channels) }
          }
          let row = first + t * sign
          let x = load(inputs.x + row * channels + channel)
          let step = load(inputs.step + row * channels + channel)
          let b = inputs.projection + row * inputs.projectionStride
          let c = b + inputs.outputOffset
          let input = step * x
          var even = skip * x
          var odd = Vector(repeating: 0)
          for n in stride(from: 0, to: states, by: 2) {
            let h0 = (input * Vector(repeating: b[n])).addingProduct(
              exp2OfNonPositive(step * load(decay + n * channels)), load(h + n * laneCount))
            let h1 = (input * Vector(repeating: b[n + 1])).addingProduct(
              exp2OfNonPositive(step * load(decay + (n + 1) * channels)),
              load(h + (n + 1) * laneCount))
            store(h0, h + n * laneCount)
            store(h1, h + (n + 1) * laneCount)
            even = even.addingProduct(h0, Vector(repeating: c[n]))
            odd = odd.addingProduct(h1, Vector(repeating: c[n + 1]))
          }
          let z = load(inputs.gate + row * inputs.gateStride + channel)
          store((even + odd) * (z * sigmoid(z)), out + row * channels + channel)
        }
      }
    }
  }

  /// Equations above; `checkpoints` are those of the forward scan.
  public static func selectiveScanBackward(
    _ inputs: ScanInputs, _ dout: FloatPointer, _ sequences: TileSequences,
    _ parameters: ScanParameters, checkpoints: FloatPointer, _ gradients: ScanGradients
  ) {
    let channels = parameters.channels
    let states = parameters.states
    let sign = sequences.reversed ? -1 : 1
    let intervals = scanCheckpointCount(length: sequences.length)
    let block = scanCheckpointInterval * states * laneCount
    let h = gradients.scratch  // [step, state, 16]: h[t]
    let a = h + block  // [step, state, 16]
    let productB = a + block  // [step, state, 16]: Σ over channel vectors of g·dt·x
    let productC = productB + block  // the same of dy·h
    let carried = productC + block  // [states, channels]: a[t+1]·g[t+1]
    for sequence in 0..<sequences.count {
      let first =
        sequence * sequences.length + (sequences.reversed ? sequences.length - 1 : 0)
      for i in stride(from: 0, to: states * channels, by: laneCount) {
        store(Vector(repeating: 0), carried + i)
      }
      for interval in stride(from: intervals - 1, through: 0, by: -1) {
        let begin = interval * scanCheckpointInterval
        let count = min(scanCheckpointInterval, sequences.length - begin)
        let kept = checkpoints + (sequence * intervals + interval) * states * channels
        for i in stride(from: 0, to: 2 * block, by: laneCount) {
          store(Vector(repeating: 0), productB + i)
        }
        for channel in stride(from: 0, to: channels, by: laneCount) {
          let decay = parameters.decay + channel
          // Forward again through the interval.
          for t in 0..<count {
            let row = first + (begin + t) * sign
            let step = load(inputs.step + row * channels + channel)
            let input = step * load(inputs.x + row * channels + channel)
            let b = inputs.projection + row * inputs.projectionStride
            let before =
              t == 0 ? kept + channel : FloatPointer(h + (t - 1) * states * laneCount)
            let beforeStride = t == 0 ? channels : laneCount
            let now = h + t * states * laneCount
            let decays = a + t * states * laneCount
            for n in 0..<states {
              let an = exp2OfNonPositive(step * load(decay + n * channels))
              store(an, decays + n * laneCount)
              store(
                (input * Vector(repeating: b[n])).addingProduct(
                  an, load(before + n * beforeStride)), now + n * laneCount)
            }
          }
          // And back.
          let skip = load(parameters.skip + channel)
          var dskip = load(gradients.skip + channel)
          let one = Vector(repeating: 1)
          for t in stride(from: count - 1, through: 0, by: -1) {
            let row = first + (begin + t) * sign
            let x = load(inputs.x + row * channels + channel)
            let step = load(inputs.step + row * channels + channel)
            let b = inputs.projection + row * inputs.projectionStride
            let c = b + inputs.outputOffset
            let now = h + t * states * laneCount
            let decays = a + t * states * laneCount
            let before =
              t == 0 ? kept + channel : FloatPointer(h + (t - 1) * states * laneCount)
            let beforeStride = t == 0 ? channels : laneCount
            let pb = productB + t * states * laneCount
            let pc = productC + t * states * laneCount

            let z = load(inputs.gate + row * inputs.gateStride + channel)
            let s = sigmoid(z)
            let silu = z * s
            let upstream = load(dout + row * channels + channel)
            let dy = upstream * silu
            let input = step * x
            var y = skip * x
            var inputGradient = Vector(repeating: 0)  // Σ g·B
            var decayGradient = Vector(repeating: 0)  // Σ q·A·log₂e
            for n in 0..<states {
              let cn = Vector(repeating: c[n])
              let hn = load(now + n * laneCount)
              y = y.addingProduct(hn, cn)
              let g = load(carried + n * channels + channel).addingProduct(dy, cn)
              store(load(pc + n * laneCount).addingProduct(dy, hn), pc + n * laneCount)
              store(load(pb + n * laneCount).addingProduct(g, input), pb + n * laneCount)
              inputGradient = inputGradient.addingProduct(g, Vector(repeating: b[n]))
              let back = g * load(decays + n * laneCount)
              store(back, carried + n * channels + channel)
              let q = back * load(before + n * beforeStride)
              decayGradient = decayGradient.addingProduct(q, load(decay + n * channels))
              let dA = gradients.decay + n * channels + channel
              store(load(dA).addingProduct(q, step), dA)
            }
            dskip = dskip.addingProduct(dy, x)
            store(
              (dy * skip).addingProduct(inputGradient, step),
              gradients.x + row * channels + channel)
            let dstep = (inputGradient * x).addingProduct(
              decayGradient, Vector(repeating: naturalLog2))
            store(
              dstep * oneMinusExp2OfNonPositive(step * Vector(repeating: -1.442_695_04)),
              gradients.step + row * channels + channel)
            store(
              upstream * y * (s * one.addingProduct(z, one - s)),
              gradients.gate + row * gradients.gateStride + channel)
            store(y * silu, gradients.gatedOutput + row * channels + channel)
          }
          store(dskip, gradients.skip + channel)
        }
        // One lane sum for each (step, state), after all channels.
        for t in 0..<count {
          let row = first + (begin + t) * sign
          let target = gradients.projection + row * inputs.projectionStride
          sumLanes(productB + t * states * laneCount, states, to: target)
          sumLanes(productC + t * states * laneCount, states, to: target + inputs.outputOffset)
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
