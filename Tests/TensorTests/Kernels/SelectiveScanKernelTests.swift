import Foundation
import KernelAPI
import Tensor
import Testing
import TestSupport

/// Cases that the tests of whole Mambas do not reach: decays that underflow, and gradients that
/// take the places of their inputs.
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
    let x: [Float]
    let delta: [Float]
    let z: [Float]
    /// B and C side by side.
    let bAndC: [Float]
    let dout: [Float]
    /// A·log₂e.
    let a: [Float]
    let d: [Float]
  }

  /// The inputs in buffers, as the kernels take them.
  private struct Buffers {
    let x, delta, z, bAndC, dout, a, d: KernelBuffer
    let scan: ScanInputs
    let parameters: ScanParameters

    init(_ inputs: Inputs, channels: Int, offset: Int, states: Int) {
      (x, delta, z) = (KernelBuffer(inputs.x), KernelBuffer(inputs.delta), KernelBuffer(inputs.z))
      (bAndC, dout) = (KernelBuffer(inputs.bAndC), KernelBuffer(inputs.dout))
      (a, d) = (KernelBuffer(inputs.a), KernelBuffer(inputs.d))
      let both = bAndC.matrix(2 * offset)
      scan = ScanInputs(
        x: x.matrix(channels), delta: delta.matrix(channels), z: z.matrix(channels),
        b: both.columns(from: 0, count: states), c: both.columns(from: offset, count: states))
      parameters = ScanParameters(a: a.matrix(channels), d: d.pointer)
    }
  }

  private func inputs(longestStep: Float) -> Inputs {
    var delta = floats(rows * channels, "dt", 1e-3...1)
    // One channel of one row, so that its vector and interval have to be held and others not.
    delta[20 * channels + 3] = longestStep
    return Inputs(
      x: floats(rows * channels, "x", -1...1), delta: delta,
      z: floats(rows * channels, "z", -4...4),
      bAndC: floats(rows * 2 * offset, "B, C", -1...1),
      dout: floats(rows * channels, "dout", -1...1),
      a: floats(states * channels, "A", -23 ... -1), d: floats(channels, "D", -1...1))
  }

  private func buffers(_ inputs: Inputs) -> Buffers {
    Buffers(inputs, channels: channels, offset: offset, states: states)
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
          var y = Double(inputs.d[channel]) * Double(inputs.x[at])
          for n in 0..<states {
            let delta = Double(inputs.delta[at])
            let decay = exp2(delta * Double(inputs.a[n * channels + channel]))
            let b = Double(inputs.bAndC[row * 2 * offset + n])
            h[n] = decay * h[n] + delta * Double(inputs.x[at]) * b
            y += h[n] * Double(inputs.bAndC[row * 2 * offset + offset + n])
          }
          let z = Double(inputs.z[at])
          out[at] = Float(y * z / (1 + exp(-z)))
        }
      }
    }
    return out
  }

  @Test(arguments: availableKernels, [Float(0.5), 5.4, 5.6, 100, 1e6])
  func decaysThatUnderflow(kernel: any KernelSet.Type, longestStep: Float) {
    let inputs = inputs(longestStep: longestStep)
    let buffers = buffers(inputs)
    let out = KernelBuffer(rows * channels)
    let scratch = ScanRoom(channels: channels, states: states)
    kernel.selectiveScanForward(
      buffers.scan, sequences, buffers.parameters, out: out.matrix(channels), checkpoints: nil,
      scratch: scratch.parts)
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

    /// The gradients of x, dt, z, B and C, the gated output, dA and dD.
    func run(inPlace: Bool) -> [[Float]] {
      let buffers = buffers(inputs)
      let out = KernelBuffer(rows * channels)
      let scratch = ScanRoom(channels: channels, states: states)
      let checkpoints = KernelBuffer(
        sequences.count * scanCheckpointCount(length: sequences.length) * states * channels)
      kernel.selectiveScanForward(
        buffers.scan, sequences, buffers.parameters, out: out.matrix(channels),
        checkpoints: checkpoints.matrix(channels), scratch: scratch.parts)
      let others = (0..<3).map { _ in KernelBuffer(rows * channels) }
      let dx = inPlace ? buffers.dout : others[0]
      let ddelta = inPlace ? buffers.delta : others[1]
      let dz = inPlace ? buffers.z : others[2]
      // The numbers between B and C belong to neither: the copy has them too.
      let dBAndC = inPlace ? buffers.bAndC : KernelBuffer(inputs.bAndC)
      let (dA, dD) = (KernelBuffer(states * channels), KernelBuffer(channels))
      let gated = KernelBuffer(rows * channels)
      let both = dBAndC.matrix(2 * offset)
      kernel.selectiveScanBackward(
        buffers.scan, buffers.dout.matrix(channels), sequences, buffers.parameters,
        checkpoints: checkpoints.matrix(channels),
        ScanGradients(
          x: dx.matrix(channels), delta: ddelta.matrix(channels), z: dz.matrix(channels),
          b: both.columns(from: 0, count: states), c: both.columns(from: offset, count: states),
          gatedOutput: gated.matrix(channels), a: dA.matrix(channels), d: dD.base),
        scratch: scratch.parts)
      for buffer in [dx, ddelta, dz, dBAndC, dA, dD, gated] { #expect(buffer.isIntact) }
      #expect(scratch.isIntact)
      return [dx, ddelta, dz, dBAndC, gated, dA, dD].map(\.elements)
    }
    #expect(run(inPlace: true) == run(inPlace: false))
  }
}
