import Tensor
import Testing

/// A residual block of one or two Mambas along T or K of x[B, K, T, N].
struct MambaBlockCase: OperationCase {
  let batch: Int
  let bands: Int
  let frames: Int
  let axis: SequenceAxis
  let sizes: MambaSizesUnderTest
  /// `fwd`, `bwd` or both.
  let directions: [String]

  var arrays: [NamedArray] {
    [
      NamedArray("in.x", outputShape, -2...2),
      NamedArray("param.norm.weight", [sizes.features], 0.6...1.4),
      NamedArray("param.norm.bias", [sizes.features], -0.3...0.3),
    ] + directions.flatMap { sizes.arrays("param.\($0).") }
  }
  var outputShape: [Int] { [batch, bands, frames, sizes.features] }
  var work: Int { batch * bands * frames * directions.count * sizes.workPerRow }
  var testDescription: String {
    "\(outputShape) along \(axis), d_state \(sizes.states) taps \(sizes.taps) "
      + "expand \(sizes.expansion), \(directions.joined(separator: " and "))"
  }

  /// Sequence by sequence.
  func reference(_ values: [String: [Double]]) -> [Double] {
    let x = (values["in.x"] ?? []).rows(sizes.features)
    let weights = directions.map {
      (weights: sizes.weights(values, "param.\($0)."), reversed: $0 == "bwd")
    }
    var out = x
    for sequence in sequencesOfRows(batch: batch, bands: bands, frames: frames, axis) {
      let y = Reference.mambaBlock(
        sequence.map { x[$0] }, normWeight: values["param.norm.weight"] ?? [],
        normBias: values["param.norm.bias"] ?? [], directions: weights, states: sizes.states,
        rank: sizes.rank)
      for (row, result) in zip(sequence, y) { out[row] = result }
    }
    return Array(out.joined())
  }

  func apply(
    _ inputs: [String: Tensor], _ parameters: [String: Parameter], _ tape: Tape
  ) -> Tensor {
    guard let x = inputs["x"] else { preconditionFailure("no input x") }
    return mambaBlock(
      x, along: axis, norm: affineParameters(parameters, "norm"),
      directions: directions.map {
        DirectedMamba(mambaParameters(parameters, "\($0)."), reversed: $0 == "bwd")
      }, tape)
  }
}

/// The rows of x[B·K·T, N] that each sequence walks through.
func sequencesOfRows(batch: Int, bands: Int, frames: Int, _ axis: SequenceAxis) -> [[Int]] {
  (0..<batch).flatMap { b -> [[Int]] in
    func row(_ k: Int, _ t: Int) -> Int { (b * bands + k) * frames + t }
    switch axis {
    case .time: return (0..<bands).map { k in (0..<frames).map { t in row(k, t) } }
    case .band: return (0..<frames).map { t in (0..<bands).map { k in row(k, t) } }
    }
  }
}
