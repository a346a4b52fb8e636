import Tensor
import Testing

/// The sizes of a Mamba and its arrays, for the cases that contain one.
struct MambaSizesUnderTest: Sendable {
  let features: Int
  let states: Int
  let taps: Int
  let expansion: Int
  /// Where dt_proj's biases lie; delta is the softplus of about that.
  var deltaBias: ClosedRange<Float> = -4...0.5

  var inner: Int { expansion * features }
  var rank: Int { (features + 15) / 16 }
  /// Multiply-adds for one row, an exponential counted as ten.
  var workPerRow: Int {
    inner * (3 * features + taps + 2 * rank + 2 * states + 13 * states)
  }

  /// The parameters, their names behind `prefix`.
  ///
  /// Ranges keep every path alive: deltas of 0.02 to 1, decays from fast to slow, no zero biases.
  func arrays(_ prefix: String) -> [NamedArray] {
    let inBound = 1.5 / Float(features).squareRoot()
    let innerBound = 1.5 / Float(inner).squareRoot()
    return [
      NamedArray(prefix + "in_proj.weight", [2 * inner, features], -inBound...inBound),
      NamedArray(prefix + "conv1d.weight", [inner, 1, taps], -0.8...0.8),
      NamedArray(prefix + "conv1d.bias", [inner], -0.3...0.3),
      NamedArray(
        prefix + "x_proj.weight", [rank + 2 * states, inner], -innerBound...innerBound),
      NamedArray(prefix + "dt_proj.weight", [inner, rank], -0.7...0.7),
      NamedArray(prefix + "dt_proj.bias", [inner], deltaBias),
      NamedArray(prefix + "A_log", [inner, states], -0.7...2.8),
      NamedArray(prefix + "D", [inner], 0.5...1.5),
      NamedArray(prefix + "out_proj.weight", [features, inner], -innerBound...innerBound),
    ]
  }

  /// The reference's weights out of named values.
  func weights(_ values: [String: [Double]], _ prefix: String) -> MambaReferenceWeights {
    func array(_ name: String) -> [Double] { values[prefix + name] ?? [] }
    return MambaReferenceWeights(
      inProjection: array("in_proj.weight"), convolutionWeight: array("conv1d.weight"),
      convolutionBias: array("conv1d.bias"), xProjection: array("x_proj.weight"),
      deltaWeight: array("dt_proj.weight"), deltaBias: array("dt_proj.bias"),
      aLog: array("A_log"), d: array("D"), outProjection: array("out_proj.weight"))
  }
}

/// The operation's parameters out of registered ones, by short names behind `prefix`.
func mambaParameters(_ parameters: [String: Parameter], _ prefix: String = "") -> MambaParameters {
  func one(_ name: String) -> Parameter { parameter(parameters, prefix + name) }
  func affine(_ name: String) -> AffineParameters { affineParameters(parameters, prefix + name) }
  return MambaParameters(
    inProjection: one("in_proj.weight"), convolution: affine("conv1d"),
    xProjection: one("x_proj.weight"), deltaProjection: affine("dt_proj"), aLog: one("A_log"),
    d: one("D"), outProjection: one("out_proj.weight"))
}

/// A bare Mamba over M sequences of length L.
struct MambaCase: OperationCase {
  let sequences: Int
  let length: Int
  let sizes: MambaSizesUnderTest
  let reversed: Bool

  var arrays: [NamedArray] {
    [NamedArray("in.x", outputShape, -2...2)] + sizes.arrays("param.")
  }
  var outputShape: [Int] { [sequences, length, sizes.features] }
  var work: Int { sequences * length * sizes.workPerRow }
  var testDescription: String {
    "M \(sequences) L \(length) N \(sizes.features) d_state \(sizes.states) taps \(sizes.taps) "
      + "expand \(sizes.expansion)\(reversed ? " reversed" : "")"
  }

  func reference(_ values: [String: [Double]]) -> [Double] {
    let weights = sizes.weights(values, "param.")
    let rows = (values["in.x"] ?? []).rows(sizes.features)
    return (0..<sequences).flatMap { sequence in
      Reference.mamba(
        Array(rows[sequence * length..<(sequence + 1) * length]), weights, states: sizes.states,
        rank: sizes.rank, reversed: reversed
      ).joined()
    }
  }

  func apply(
    _ inputs: [String: Tensor], _ parameters: [String: Parameter], _ tape: Tape
  ) -> Tensor {
    guard let u = inputs["x"] else { preconditionFailure("no input x") }
    return mamba(u, DirectedMamba(mambaParameters(parameters), reversed: reversed), tape)
  }
}

extension Array {
  /// The elements in rows of `width`.
  func rows(_ width: Int) -> [[Element]] {
    stride(from: 0, to: count, by: width).map { Array(self[$0..<$0 + width]) }
  }
}
