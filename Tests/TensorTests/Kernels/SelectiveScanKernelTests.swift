import Foundation
import KernelAPI
import Tensor
import Testing
import TestSupport

/// What the tests of whole Mambas do not reach: decays that underflow, and gradients that take the
/// places of their inputs.
@Suite struct SelectiveScanKernelTests {
  private let states = 4
  private let channels = 32
  private let sequences = TileSequences(count: 2, length: 35, reversed: true)
  private var rows: Int { sequences.rowCount }
  private let offset = 16

  private func floats(_ count: Int, _ stream: String, _ range: ClosedRange<Float>) -> [Float] {
    randomFloats(count, range, seed: 4, stream: stream)
  }

  private struct Inputs {
    var x: [Float]
    var step: [Float]
    var gate: [Float]
    var projection: [Float]
    var dout: [Float]
    let decay: [Float]
    let skip: [Float]
  }

  private func inputs(longestStep: Float) -> Inputs {
    var step = floats(rows * channels, "dt", 1e-3...1)
    // One channel of one row, so that its vector and interval have to be held and others not.
    step[20 * channels + 3] = longestStep
    return Inputs(
      x: floats(rows * channels, "x", -1...1), step: step,
      gate: floats(rows * channels, "z", -4...4),
      projection: floats(rows * 2 * offset, "B, C", -1...1),
      dout: floats(rows * channels, "dout", -1...1),
      decay: floats(states * channels, "A", -23 ... -1), skip: floats(channels, "D", -1...1))
  }

  private func scanInputs(
    _ x: FloatPointer, _ step: FloatPointer, _ gate: FloatPointer, _ projection: FloatPointer
  ) -> ScanInputs {
    ScanInputs(
      x: x, step: step, gate: gate, gateStride: channels, projection: projection,
      outputOffset: offset, projectionStride: 2 * offset)
  }

  /// Plain loops in double precision.
  private func reference(_ inputs: Inputs) -> [Float] {
    var out = [Float](repeating: 0, count: rows * channels)
    for sequence in 0..<sequences.count {
      for channel in 0..<channels {
        var h = [Double](repeating: 0, count: states)
        for t in (0..<sequences.length).reversed() {
          let row = sequence * sequences.length + t
          let at = row * channels + channel
          var y = Double(inputs.skip[channel]) * Double(inputs.x[at])
          for n in 0..<states {
            let step = Double(inputs.step[at])
            let a = exp2(step * Double(inputs.decay[n * channels + channel]))
            let b = Double(inputs.projection[row * 2 * offset + n])
            h[n] = a * h[n] + step * Double(inputs.x[at]) * b
            y += h[n] * Double(inputs.projection[row * 2 * offset + offset + n])
          }
          let z = Double(inputs.gate[at])
          out[at] = Float(y * z / (1 + exp(-z)))
        }
      }
    }
    return out
  }

  @Test(arguments: availableKernels, [Float(0.5), 5.4, 5.6, 100, 1e6])
  func decaysThatUnderflow(kernel: any KernelSet.Type, longestStep: Float) {
    let inputs = inputs(longestStep: longestStep)
    let (x, step) = (KernelBuffer(inputs.x), KernelBuffer(inputs.step))
    let (gate, projection) = (KernelBuffer(inputs.gate), KernelBuffer(inputs.projection))
    let (decay, skip) = (KernelBuffer(inputs.decay), KernelBuffer(inputs.skip))
    let out = KernelBuffer(rows * channels)
    let scratch = KernelBuffer(selectiveScanScratchCount(channels: channels, states: states))
    kernel.selectiveScanForward(
      scanInputs(x.pointer, step.pointer, gate.pointer, projection.pointer), sequences,
      ScanParameters(
        channels: channels, states: states, decay: decay.pointer, skip: skip.pointer),
      out: out.base, checkpoints: nil, scratch: scratch.base)
    #expect(out.isIntact && scratch.isIntact)
    // Row by row: the one long step makes numbers that would hide all others.
    let expected = reference(inputs)
    for row in 0..<rows {
      let range = row * channels..<(row + 1) * channels
      expectClose(Array(out.elements[range]), Array(expected[range]), 5e-6, "row \(row)")
    }
  }

  @Test(arguments: availableKernels) func gradientsInPlace(kernel: any KernelSet.Type) {
    let inputs = inputs(longestStep: 100)
    let (decay, skip) = (KernelBuffer(inputs.decay), KernelBuffer(inputs.skip))
    let parameters = ScanParameters(
      channels: channels, states: states, decay: decay.pointer, skip: skip.pointer)

    /// The gradients of x, dt, z, B and C, the gated output, dA and dD.
    func run(inPlace: Bool) -> [[Float]] {
      let (x, step) = (KernelBuffer(inputs.x), KernelBuffer(inputs.step))
      let (gate, projection) = (KernelBuffer(inputs.gate), KernelBuffer(inputs.projection))
      let dout = KernelBuffer(inputs.dout)
      let (out, scratch) = (
        KernelBuffer(rows * channels),
        KernelBuffer(selectiveScanScratchCount(channels: channels, states: states))
      )
      let checkpoints = KernelBuffer(
        sequences.count * scanCheckpointCount(length: sequences.length) * states * channels)
      let scan = scanInputs(x.pointer, step.pointer, gate.pointer, projection.pointer)
      kernel.selectiveScanForward(
        scan, sequences, parameters, out: out.base, checkpoints: checkpoints.base,
        scratch: scratch.base)
      let others = (0..<3).map { _ in KernelBuffer(rows * channels) }
      let dx = inPlace ? dout : others[0]
      let dstep = inPlace ? step : others[1]
      let dgate = inPlace ? gate : others[2]
      // What lies between B and C is nobody's: the copy has it too.
      let dprojection = inPlace ? projection : KernelBuffer(inputs.projection)
      let (ddecay, dskip) = (KernelBuffer(states * channels), KernelBuffer(channels))
      let gated = KernelBuffer(rows * channels)
      kernel.selectiveScanBackward(
        scan, dout.pointer, sequences, parameters, checkpoints: checkpoints.pointer,
        ScanGradients(
          x: dx.base, step: dstep.base, gate: dgate.base, gateStride: channels,
          projection: dprojection.base, gatedOutput: gated.base, decay: ddecay.base,
          skip: dskip.base, scratch: scratch.base))
      for buffer in [dx, dstep, dgate, dprojection, ddecay, dskip, gated, scratch] {
        #expect(buffer.isIntact)
      }
      return [dx, dstep, dgate, dprojection, gated, ddecay, dskip].map(\.elements)
    }
    #expect(run(inPlace: true) == run(inPlace: false))
  }
}
