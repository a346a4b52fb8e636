import Tensor

/// The sizes of the mask decoder.
public struct MaskDecoderConfiguration: Sendable, Equatable {
  /// Ratio of hidden features to N, one number per band.
  public let expansions: [Int]
  /// Number of frames that the mask filters over, τ: odd; 1 for a plain complex mask.
  public let maskTaps: Int

  /// A configuration with one expansion per band, low to high.
  public init(expansions: [Int], maskTaps: Int) {
    self.expansions = expansions
    self.maskTaps = maskTaps
  }
}

/// The mask decoder, which computes a complex mask from every band's features and filters the
/// spectrum with it: Z[B, K, T, N] and X[B, F, T] to Ŝ[B, F, T].
///
/// Band k of width w, expansion e and τ taps: `GLU(Linear(tanh(Linear(GroupNorm(Z[k])))))`, N → eN
/// → 4τw → 2τw numbers per frame, ordered [w, τ, re/im], are the mask M[F, T, τ]. GLU is the first
/// half times the sigmoid of the second; the GroupNorm's statistics are over N and T. Then `Ŝ[f, t]
/// = Σ_j M[f, t, j] · X[f, t + j − (τ−1)/2]`, with zeros for frames outside the utterance.
public struct MaskDecoder {
  /// The layers of one band.
  public struct Band {
    /// Number of bins in the band, w.
    public let width: Int
    /// Normalisation over N features; `decoder.norms.{k}`.
    public let norm: GroupNorm
    /// Linear map from N to eN hidden features; `decoder.fc1.{k}`.
    public let hidden: Linear
    /// Linear map from eN to 4τw numbers; `decoder.fc2.{k}`.
    public let mask: Linear
  }

  /// Prefix of its parameters' names.
  public let name: String
  /// The bands, low to high.
  public let bands: [Band]
  /// Number of frames that the mask filters over, τ.
  public let maskTaps: Int

  /// Registers `norms`, `fc1` and `fc2` in `scope`, band by band; `widths` are bins, low to high.
  public init(
    widths: [Int], features: Int, configuration: MaskDecoderConfiguration, scope: ParameterScope
  ) {
    precondition(
      widths.count == configuration.expansions.count,
      "MaskDecoder: \(configuration.expansions.count) expansions for \(widths.count) bands")
    let taps = configuration.maskTaps
    name = scope.name
    maskTaps = taps
    bands = widths.enumerated().map { index, width in
      let hidden = configuration.expansions[index] * features
      let key = String(index)
      return Band(
        width: width,
        norm: GroupNorm(features: features, scope: scope.child("norms").child(key)),
        hidden: Linear(inputs: features, outputs: hidden, scope: scope.child("fc1").child(key)),
        mask: Linear(
          inputs: hidden, outputs: 4 * taps * width, scope: scope.child("fc2").child(key)))
    }
  }
}

extension MaskDecoder {
  /// Filters X[B, T, F, 2] with the mask of Z[B, K, T, N] to Ŝ[B, T, F, 2], recorded on `tape`.
  public func callAsFunction(_ z: Tensor, _ spectrogram: Tensor, _ tape: Tape) -> Tensor {
    let enhanced = maskDecoder(
      z, spectrogram,
      bands: bands.map {
        MaskDecoderParameters(
          norm: $0.norm.parameters, hidden: $0.hidden.parameters, mask: $0.mask.parameters)
      }, taps: maskTaps, tape)
    tape.inspect(name, enhanced)
    return enhanced
  }

  /// The structure of the layer as PyTorch prints it.
  public var outline: ModuleOutline {
    ModuleOutline(
      "MaskDecoder",
      [
        .init("norms", .init(list: bands.map(\.norm.outline))),
        .init("fc1", .init(list: bands.map(\.hidden.outline))),
        .init("fc2", .init(list: bands.map(\.mask.outline))),
      ])
  }
}
