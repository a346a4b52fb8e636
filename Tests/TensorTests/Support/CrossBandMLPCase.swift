import Tensor
import Testing

/// The MLP of `unimamba` on x[B, K, T, N].
struct CrossBandMLPCase: OperationCase {
  let batch: Int
  let bands: Int
  let frames: Int
  let features: Int

  var arrays: [NamedArray] {
    let bound = 1.5 / Float(features).squareRoot()
    return [
      NamedArray("in.x", outputShape, -2...2),
      NamedArray("param.fc.weight", [features, features], -bound...bound),
      NamedArray("param.fc.bias", [features], -0.3...0.3),
    ]
      + ["norm1", "norm2"].flatMap {
        [
          NamedArray("param.\($0).weight", [features], 0.6...1.4),
          NamedArray("param.\($0).bias", [features], -0.3...0.3),
        ]
      }
  }
  var outputShape: [Int] { [batch, bands, frames, features] }
  var work: Int { batch * bands * frames * features * (features + 20) }
  var testDescription: String { "\(outputShape)" }

  func reference(_ values: [String: [Double]]) -> [Double] {
    func array(_ name: String) -> [Double] { values["param.\(name)"] ?? [] }
    return (values["in.x"] ?? []).rows(features).flatMap {
      Reference.crossBandMLP(
        $0, weight: array("fc.weight"), bias: array("fc.bias"),
        norm1: (array("norm1.weight"), array("norm1.bias")),
        norm2: (array("norm2.weight"), array("norm2.bias")))
    }
  }

  func apply(
    _ inputs: [String: Tensor], _ parameters: [String: Parameter], _ tape: Tape
  ) -> Tensor {
    func affine(_ name: String) -> AffineParameters { affineParameters(parameters, name) }
    guard let x = inputs["x"] else { preconditionFailure("missing input") }
    return crossBandMLP(
      x,
      CrossBandMLPParameters(
        linear: affine("fc"), norm1: affine("norm1"), norm2: affine("norm2")), tape)
  }
}
