import Tensor
import Testing

/// The mask decoder of B utterances of T frames.
struct MaskDecoderCase: OperationCase {
  let batch: Int
  let frames: Int
  /// Bins of each band, and its expansion.
  let widths: [Int]
  let expansions: [Int]
  let features: Int
  /// Frames the mask reaches over.
  let taps: Int

  var bins: Int { widths.reduce(0, +) }
  var arrays: [NamedArray] {
    [
      NamedArray("in.Z", [batch, widths.count, frames, features], -2...2),
      NamedArray("in.X", outputShape, -2...2),
    ]
      + zip(widths, expansions).enumerated().flatMap { k, band in
        let (width, hidden) = (band.0, band.1 * features)
        let bound1 = 1.5 / Float(features).squareRoot()
        let bound2 = 1.5 / Float(hidden).squareRoot()
        return [
          NamedArray("param.norms.\(k).weight", [features], 0.6...1.4),
          NamedArray("param.norms.\(k).bias", [features], -0.3...0.3),
          NamedArray("param.fc1.\(k).weight", [hidden, features], -bound1...bound1),
          NamedArray("param.fc1.\(k).bias", [hidden], -0.3...0.3),
          NamedArray("param.fc2.\(k).weight", [4 * taps * width, hidden], -bound2...bound2),
          NamedArray("param.fc2.\(k).bias", [4 * taps * width], -0.3...0.3),
        ]
      }
  }
  var outputShape: [Int] { [batch, bins, frames, 2] }
  var spectrograms: Set<String> { ["in.X", "out"] }
  var work: Int {
    let perFrame = zip(widths, expansions).reduce(0) { sum, band in
      sum + band.1 * features * (features + 10 + 4 * taps * band.0) + 20 * taps * band.0
    }
    return batch * frames * perFrame
  }
  var testDescription: String {
    "B \(batch) T \(frames) N \(features) taps \(taps) bands \(widths) expansions \(expansions)"
  }

  func reference(_ values: [String: [Double]]) -> [Double] {
    let z = values["in.Z"] ?? []
    let spectrogram = values["in.X"] ?? []
    var out = [Double](repeating: 0, count: spectrogram.count)
    let bandCount = frames * features
    for b in 0..<batch {
      var firstBin = 0
      for (k, width) in widths.enumerated() {
        defer { firstBin += width }
        func array(_ name: String) -> [Double] { values["param.\(name)"] ?? [] }
        let start = (b * widths.count + k) * bandCount
        let mask = Reference.mask(
          Array(z[start..<start + bandCount]), normWeight: array("norms.\(k).weight"),
          normBias: array("norms.\(k).bias"), weight1: array("fc1.\(k).weight"),
          bias1: array("fc1.\(k).bias"), weight2: array("fc2.\(k).weight"),
          bias2: array("fc2.\(k).bias"))
        for f in 0..<width {
          let bin =
            (b * bins + firstBin + f) * frames * 2..<(b * bins + firstBin + f + 1) * frames * 2
          let filtered = Reference.filter(
            Array(spectrogram[bin]).rows(2), mask: mask, bin: f, taps: taps)
          out.replaceSubrange(bin, with: filtered.joined())
        }
      }
    }
    return out
  }

  func apply(
    _ inputs: [String: Tensor], _ parameters: [String: Parameter], _ tape: Tape
  ) -> Tensor {
    func affine(_ name: String) -> AffineParameters { affineParameters(parameters, name) }
    guard let z = inputs["Z"], let spectrogram = inputs["X"] else {
      preconditionFailure("missing input")
    }
    return maskDecoder(
      z, spectrogram,
      bands: widths.indices.map {
        MaskDecoderParameters(
          norm: affine("norms.\($0)"), hidden: affine("fc1.\($0)"), mask: affine("fc2.\($0)"))
      }, taps: taps, tape)
  }
}
