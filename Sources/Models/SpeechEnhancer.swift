import Tensor

/// A complete model: band split, trunk, mask decoder and the arena that holds their parameters.
///
/// The model maps a complex spectrum X[B, F, T] to the enhanced spectrum Ŝ[B, F, T].
public final class SpeechEnhancer {
  /// The configuration that the model was made from.
  public let configuration: ModelConfiguration
  /// Level of the signals that the weights were trained on.
  public var inputLevel = InputLevel.asIs
  /// All parameters, in forward order.
  public let parameters: ParameterArena
  /// The band split from the spectrum to features, `band_split`.
  public let bandSplit: BandSplit
  /// The layers between band split and decoder, with names of their own.
  public let trunk: any Trunk
  /// The decoder from features and spectrum to the enhanced spectrum, `decoder`.
  public let decoder: MaskDecoder

  /// A model whose parameters have the initial values that `seed` determines.
  public convenience init(configuration: ModelConfiguration, seed: UInt64) {
    self.init(layout: configuration)
    parameters.allocate(seed: seed)
  }

  /// A model whose parameters have names and shapes, but no memory yet.
  package init(layout configuration: ModelConfiguration) {
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
  }

  /// Number of trainable values of a model with this configuration, for which no memory is taken.
  public static func parameterCount(of configuration: ModelConfiguration) -> Int {
    SpeechEnhancer(layout: configuration).parameters.parameterCount
  }
}

extension SpeechEnhancer {
  /// Runs the forward pass from X[B, T, F, 2] to Ŝ[B, T, F, 2], recorded on `tape`.
  ///
  /// Frames are contiguous and bins are (re, im) pairs, which is the layout of `STFT`;
  /// `Spectrogram` converts other layouts of the field. For a part of a longer spectrogram,
  /// `bandStatistics` are those of the longer one; see `BandStatistics`.
  public func callAsFunction(
    _ spectrogram: Tensor, bandStatistics: [GroupStatistics]? = nil, _ tape: Tape
  ) -> Tensor {
    // Nothing else holds the features, so that a block's input is freed once its output exists.
    let features = trunk(bandSplit(spectrogram, statistics: bandStatistics, tape), tape)
    return decoder(features, spectrogram, tape)
  }

  /// The structure of the layer as PyTorch prints it.
  public var outline: ModuleOutline {
    ModuleOutline(
      "SpeechEnhancer",
      [.init("band_split", bandSplit.outline)] + trunk.modules
        + [.init("decoder", decoder.outline)])
  }
}
