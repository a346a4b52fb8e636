import Tensor

/// A complete model: band split, trunk, mask decoder and the arena that holds their parameters.
///
/// X[B, F, T], a complex spectrum, to the enhanced spectrum Ŝ[B, F, T].
public final class SpeechEnhancer {
  /// What it was made of.
  public let configuration: ModelConfiguration
  /// All parameters, in forward order.
  public let parameters: ParameterArena
  /// The spectrum to features, `band_split`.
  public let bandSplit: BandSplit
  /// The layers between, named by themselves.
  public let trunk: any Trunk
  /// Features and spectrum to the enhanced spectrum, `decoder`.
  public let decoder: MaskDecoder

  /// A model with the first values that `seed` gives.
  public init(configuration: ModelConfiguration, seed: UInt64) {
    self.configuration = configuration
    parameters = ParameterArena()
    let root = ParameterScope(parameters)
    bandSplit = BandSplit(
      widths: configuration.bands, features: configuration.features,
      scope: root.child("band_split"))
    trunk = configuration.trunk.makeTrunk(
      layers: configuration.layers, features: configuration.features, scope: root)
    decoder = MaskDecoder(
      widths: configuration.bands, features: configuration.features,
      configuration: configuration.decoder, scope: root.child("decoder"))
    parameters.allocate(seed: seed)
  }
}

extension SpeechEnhancer {
  /// The forward pass: X[B, T, F, 2] to Ŝ of the same shape, recorded on `tape`.
  ///
  /// Frames are contiguous, bins are (re, im) pairs: the layout that `STFT` makes. Of the other
  /// layouts of the field, `Spectrogram` makes this one. Where the spectrogram is a part of a
  /// longer one, `bandStatistics` are the longer one's; see `BandStatistics`.
  public func callAsFunction(
    _ spectrogram: Tensor, bandStatistics: [GroupStatistics]? = nil, _ tape: Tape
  ) -> Tensor {
    // Nothing else holds the features, so that a block's input goes when its output is there.
    let features = trunk(bandSplit(spectrogram, statistics: bandStatistics, tape), tape)
    return decoder(features, spectrogram, tape)
  }

  /// As PyTorch prints it.
  public var outline: ModuleOutline {
    ModuleOutline(
      "SpeechEnhancer",
      [.init("band_split", bandSplit.outline)] + trunk.modules
        + [.init("decoder", decoder.outline)])
  }
}
