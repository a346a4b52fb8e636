import Tensor

/// The band split, which turns the spectrum into one feature vector per band and frame: X[B, F, T]
/// to Z[B, K, T, N].
///
/// Band k of width w takes its bins as 2w numbers per frame, `bin0.re, bin0.im, bin1.re, …`: `Z[k]
/// = Linear(GroupNorm(X[k]))`, with statistics over the 2w numbers and all T frames of one
/// utterance. Source: Luo and Yu 2023 (BSRNN).
public struct BandSplit {
  /// The layers of one band.
  public struct Band {
    /// Number of bins in the band, w.
    public let width: Int
    /// Normalisation over 2w features; `band_split.norms.{k}`.
    public let norm: GroupNorm
    /// Projection from 2w numbers to N features; `band_split.fcs.{k}`.
    public let projection: Linear
  }

  /// Prefix of its parameters' names.
  public let name: String
  /// The bands, low to high.
  public let bands: [Band]
  /// Number of features of a band and frame, N.
  public let features: Int

  /// Registers `norms` and `fcs` in `scope`, band by band; `widths` are bins, low to high.
  public init(widths: [Int], features: Int, scope: ParameterScope) {
    name = scope.name
    self.features = features
    bands = widths.enumerated().map { index, width in
      Band(
        width: width,
        norm: GroupNorm(features: 2 * width, scope: scope.child("norms").child(String(index))),
        projection: Linear(
          inputs: 2 * width, outputs: features, scope: scope.child("fcs").child(String(index))))
    }
  }
}

extension BandSplit {
  /// Splits X[B, T, F, 2] into Z[B, K, T, N], recorded on `tape`.
  ///
  /// `statistics`, one entry per band, replace those of the input in the normalisation.
  public func callAsFunction(
    _ spectrogram: Tensor, statistics: [GroupStatistics]? = nil, _ tape: Tape
  ) -> Tensor {
    let features = splitIntoBands(
      spectrogram,
      bands: bands.map {
        BandSplitParameters(norm: $0.norm.parameters, projection: $0.projection.parameters)
      }, statistics: statistics, tape)
    tape.inspect(name, features)
    return features
  }

  /// The structure of the layer as PyTorch prints it.
  public var outline: ModuleOutline {
    ModuleOutline(
      "BandSplit",
      [
        .init("norms", .init(list: bands.map(\.norm.outline))),
        .init("fcs", .init(list: bands.map(\.projection.outline))),
      ])
  }
}
