import Files

/// The complete description of one model: its name, bands, sizes and trunk.
///
/// A configuration is immutable and always valid, because every public initialiser checks every
/// value.
public struct ModelConfiguration: Sendable {
  /// Figures that the publication of a system reports.
  public struct Published: Sendable, Equatable {
    /// Number of trainable parameters, rounded as published.
    public let parameters: Int
    /// PESQ as text, such as "3.0-3.1 expected".
    public let pesq: String

    /// Published figures, with PESQ as the publication words it.
    public init(parameters: Int, pesq: String) {
      self.parameters = parameters
      self.pesq = pesq
    }
  }

  /// Short name of letters, digits, "-", "_" and ".".
  public let name: String
  /// Name for headings.
  public let title: String
  /// A sentence that describes the system; may be empty.
  public let summary: String
  /// Published figures, if there are any.
  public let published: Published?
  /// Sample rate and short-time spectra of the signals.
  public let frontEnd: FrontEnd
  /// Frequency bins of each band, low to high; K numbers.
  public let bands: [Int]
  /// Number of features of a band and frame, N.
  public let features: Int
  /// Number of the trunk's layers.
  public let layers: Int
  /// The layers between band split and decoder.
  public let trunk: any TrunkConfiguration
  /// The mask decoder's sizes.
  public let decoder: MaskDecoderConfiguration

  /// Total number of frequency bins, F: the sum of the bands.
  public var bins: Int { bands.reduce(0, +) }

  /// A configuration with these parts.
  ///
  /// - Throws: `ConfigurationError` if a value is impossible.
  public init(
    name: String, title: String, summary: String = "", published: Published? = nil,
    frontEnd: FrontEnd = .standard, bands: [Int], features: Int, layers: Int,
    trunk: any TrunkConfiguration, decoder: MaskDecoderConfiguration
  ) throws(ConfigurationError) {
    let parts = ModelConfiguration(
      unchecked: name, title, summary, published, frontEnd, bands, features, layers, trunk, decoder)
    // Reading the JSON back lets one place check all values.
    try self.init(json: parts.json, file: "model \(name)")
  }

  init(
    unchecked name: String, _ title: String, _ summary: String, _ published: Published?,
    _ frontEnd: FrontEnd, _ bands: [Int], _ features: Int, _ layers: Int,
    _ trunk: any TrunkConfiguration,
    _ decoder: MaskDecoderConfiguration
  ) {
    self.name = name
    self.title = title
    self.summary = summary
    self.published = published
    self.frontEnd = frontEnd
    self.bands = bands
    self.features = features
    self.layers = layers
    self.trunk = trunk
    self.decoder = decoder
  }

  /// Whether weights of a model with the configuration `other` fit a model with this one: all parts
  /// but names, texts and published figures are equal.
  public func hasSameArchitecture(as other: ModelConfiguration) -> Bool {
    frontEnd == other.frontEnd && bands == other.bands && features == other.features
      && layers == other.layers
      && trunk.isEqual(to: other.trunk) && decoder == other.decoder
  }
}

extension ModelConfiguration: Equatable {
  /// Whether two configurations are equal in every part.
  public static func == (first: ModelConfiguration, second: ModelConfiguration) -> Bool {
    first.hasSameArchitecture(as: second) && first.name == second.name
      && first.title == second.title && first.summary == second.summary
      && first.published == second.published
  }
}
