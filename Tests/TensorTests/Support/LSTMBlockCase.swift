import Tensor
import Testing

/// A residual block of an LSTM in one or two directions along T or K of x[B, K, T, N].
struct LSTMBlockCase: OperationCase {
  /// The direction whose parameters have no suffix.
  enum Directions: Sendable, CaseIterable {
    /// First to last.
    case forward
    /// Last to first only, which no system has.
    case backward
    /// First to last, and last to first as `…_reverse`.
    case both
  }

  let batch: Int
  let bands: Int
  let frames: Int
  let axis: SequenceAxis
  let features: Int
  /// H.
  let units: Int
  let directions: Directions
  /// Times the usual size of weights.
  var weightScale: Float = 1

  private var names: [(suffix: String, reversed: Bool)] {
    switch directions {
    case .forward: [("", false)]
    case .backward: [("", true)]
    case .both: [("", false), ("_reverse", true)]
    }
  }
  var arrays: [NamedArray] {
    let inBound = 1.5 * weightScale / Float(features).squareRoot()
    let hiddenBound = 1.5 * weightScale / Float(units).squareRoot()
    return [
      NamedArray("in.x", outputShape, -2...2),
      NamedArray("param.norm.weight", [features], 0.6...1.4),
      NamedArray("param.norm.bias", [features], -0.3...0.3),
    ]
      + names.flatMap { name in
        [
          NamedArray(
            "param.lstm.weight_ih_l0" + name.suffix, [4 * units, features], -inBound...inBound),
          NamedArray(
            "param.lstm.weight_hh_l0" + name.suffix, [4 * units, units], -hiddenBound...hiddenBound
          ),
          NamedArray("param.lstm.bias_ih_l0" + name.suffix, [4 * units], -0.3...0.3),
          NamedArray("param.lstm.bias_hh_l0" + name.suffix, [4 * units], -0.3...0.3),
        ]
      } + [
        NamedArray("param.fc.weight", [features, names.count * units], -hiddenBound...hiddenBound),
        NamedArray("param.fc.bias", [features], -0.3...0.3),
      ]
  }
  var outputShape: [Int] { [batch, bands, frames, features] }
  var work: Int {
    batch * bands * frames * names.count * units * (5 * features + 4 * units + 60)
  }
  var testDescription: String {
    "\(outputShape) along \(axis), H \(units), \(directions)"
  }

  /// Sequence by sequence.
  func reference(_ values: [String: [Double]]) -> [Double] {
    func array(_ name: String) -> [Double] { values["param.\(name)"] ?? [] }
    let x = values["in.x"] ?? []
    let count = x.count / batch
    let normalised = (0..<batch).flatMap {
      Reference.normalise(
        Array(x[$0 * count..<($0 + 1) * count]), array("norm.weight"), array("norm.bias"))
    }.rows(features)
    var out = x.rows(features)
    for sequence in sequencesOfRows(batch: batch, bands: bands, frames: frames, axis) {
      let states = names.map { name in
        Reference.lstm(
          sequence.map { normalised[$0] },
          LSTMReferenceWeights(
            input: array("lstm.weight_ih_l0" + name.suffix),
            recurrent: array("lstm.weight_hh_l0" + name.suffix),
            inputBias: array("lstm.bias_ih_l0" + name.suffix),
            recurrentBias: array("lstm.bias_hh_l0" + name.suffix)), reversed: name.reversed)
      }
      for (step, row) in sequence.enumerated() {
        let both = states.flatMap { $0[step] }
        let y = Reference.linear(both, array("fc.weight"), array("fc.bias"))
        out[row] = zip(out[row], y).map { $0 + $1 }
      }
    }
    return Array(out.joined())
  }

  func apply(
    _ inputs: [String: Tensor], _ parameters: [String: Parameter], _ tape: Tape
  ) -> Tensor {
    func one(_ name: String) -> Parameter { parameter(parameters, name) }
    guard let x = inputs["x"] else { preconditionFailure("no input x") }
    return lstmBlock(
      x, along: axis, norm: affineParameters(parameters, "norm"),
      directions: names.map { name in
        DirectedLSTM(
          LSTMParameters(
            inputWeight: one("lstm.weight_ih_l0" + name.suffix),
            recurrentWeight: one("lstm.weight_hh_l0" + name.suffix),
            inputBias: one("lstm.bias_ih_l0" + name.suffix),
            recurrentBias: one("lstm.bias_hh_l0" + name.suffix)), reversed: name.reversed)
      }, output: affineParameters(parameters, "fc"), tape)
  }
}
