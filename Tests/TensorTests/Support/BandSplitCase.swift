import Tensor
import Testing

/// The band split of B utterances of T frames.
struct BandSplitCase: OperationCase {
  let batch: Int
  let frames: Int
  /// Bins of each band.
  let widths: [Int]
  let features: Int

  var bins: Int { widths.reduce(0, +) }
  var arrays: [NamedArray] {
    [NamedArray("in.X", [batch, bins, frames, 2], -2...2)]
      + widths.enumerated().flatMap { k, width in
        let bound = 1.5 / Float(2 * width).squareRoot()
        return [
          NamedArray("param.norms.\(k).weight", [2 * width], 0.6...1.4),
          NamedArray("param.norms.\(k).bias", [2 * width], -0.3...0.3),
          NamedArray("param.fcs.\(k).weight", [features, 2 * width], -bound...bound),
          NamedArray("param.fcs.\(k).bias", [features], -0.3...0.3),
        ]
      }
  }
  var outputShape: [Int] { [batch, widths.count, frames, features] }
  var spectrograms: Set<String> { ["in.X"] }
  var work: Int { batch * frames * 2 * bins * (features + 4) }
  var testDescription: String { "B \(batch) T \(frames) N \(features) bands \(widths)" }

  func reference(_ values: [String: [Double]]) -> [Double] {
    let spectrogram = values["in.X"] ?? []
    return (0..<batch).flatMap { b in
      var firstBin = 0
      return widths.enumerated().flatMap { k, width in
        defer { firstBin += width }
        // The band as features: bin0.re, bin0.im, bin1.re, …, frame by frame.
        let x = (0..<frames).flatMap { t in
          (firstBin..<firstBin + width).flatMap { f in
            (0..<2).map { part in spectrogram[((b * bins + f) * frames + t) * 2 + part] }
          }
        }
        func array(_ name: String) -> [Double] { values["param.\(name)"] ?? [] }
        return Reference.splitBand(
          x, normWeight: array("norms.\(k).weight"), normBias: array("norms.\(k).bias"),
          weight: array("fcs.\(k).weight"), bias: array("fcs.\(k).bias"))
      }
    }
  }

  func apply(
    _ inputs: [String: Tensor], _ parameters: [String: Parameter], _ tape: Tape
  ) -> Tensor {
    func affine(_ name: String) -> AffineParameters { affineParameters(parameters, name) }
    guard let spectrogram = inputs["X"] else { preconditionFailure("no input X") }
    return splitIntoBands(
      spectrogram,
      bands: widths.indices.map {
        BandSplitParameters(norm: affine("norms.\($0)"), projection: affine("fcs.\($0)"))
      }, tape)
  }
}
