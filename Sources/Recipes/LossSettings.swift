import Files
import Models

/// The training loss: a weighted sum of terms between the estimate's spectrum Ŝ and the clean S.
///
/// The powers of a spectrum are |S|^e·S/|S|; means go over everything. A term of weight 0 is not
/// computed. The term of a metric discriminator is part of `DiscriminatorRecipe`.
public struct LossSettings: Equatable, Sendable {
  /// How a term measures the difference of two numbers.
  public enum Norm: String, CaseIterable, Sendable {
    /// Mean modulus of the difference.
    case l1
    /// Mean squared modulus of the difference.
    case l2
  }

  /// A term between two spectra, or their magnitudes, raised to a power.
  public struct SpectralTerm: Equatable, Sendable {
    /// Weight in the sum.
    public var weight = 0.0
    /// Measure of differences.
    public var norm = Norm.l1
    /// Exponent of the magnitudes; 1 leaves them as they are.
    public var exponent = 1.0

    /// A term of `weight`, not computed unless given.
    public init(weight: Double = 0, norm: Norm = .l1, exponent: Double = 1) {
      self.weight = weight
      self.norm = norm
      self.exponent = exponent
    }
  }

  /// The anti-wrapped phase loss of MP-SENet: weighted sum of its three means.
  public struct PhaseTerm: Equatable, Sendable {
    /// Weight in the sum.
    public var weight = 0.0
    /// Weight of the instantaneous phase.
    public var instantaneous = 1.0
    /// Weight of the group delay, the difference along frequency.
    public var groupDelay = 1.0
    /// Weight of the instantaneous angular frequency, the difference along time.
    public var angularFrequency = 1.0

    /// A term of `weight`, not computed unless given.
    public init(weight: Double = 0) { self.weight = weight }
  }

  /// The transform of the spectra that the terms compare.
  public struct Transform: Equatable, Sendable {
    /// Length of window and transform, samples.
    public var fftLength: Int
    /// Hop from one frame to the next, samples.
    public var hopSamples: Int

    /// A periodic Hann window of `fftLength` samples every `hopSamples`.
    public init(fftLength: Int, hopSamples: Int) {
      self.fftLength = fftLength
      self.hopSamples = hopSamples
    }
  }

  /// The transform; nil for the model's own.
  public var transform: Transform?
  /// Term between complex spectra.
  public var complex = SpectralTerm()
  /// Term between magnitudes.
  public var magnitude = SpectralTerm()
  /// Number that is added to magnitudes before their power.
  public var magnitudeEpsilon = 0.0
  /// Term between phases.
  public var phase = PhaseTerm()
  /// Weight of the mean absolute difference of the waveforms.
  public var time = 0.0
  /// Weight and exponent of the term between Ŝ and the spectrum of its own waveform.
  public var consistency = SpectralTerm(norm: .l2)
  /// Weight of the negative scale-invariant signal-to-noise ratio of the waveform, in decibels.
  public var siSNR = 0.0

  /// Terms that `change` gives weights.
  public init(_ change: (inout Self) throws -> Void) rethrows { try change(&self) }

  /// 0.5·mean|Ŝ − S| + 0.5·mean||Ŝ|^0.3 − |S|^0.3|, the published loss, whose terms have a kernel
  /// of their own.
  public static let published = LossSettings {
    $0.complex = SpectralTerm(weight: 0.5)
    $0.magnitude = SpectralTerm(weight: 0.5, exponent: 0.3)
    $0.magnitudeEpsilon = 1e-10
  }

  /// Whether the loss has a term.
  var isEmpty: Bool {
    [complex.weight, magnitude.weight, phase.weight, time, consistency.weight, siSNR]
      .allSatisfy { $0 == 0 }
  }
}

extension LossSettings {
  /// Reads the object `losses` of a recipe, whose missing terms have weight 0.
  ///
  /// - Throws: `ConfigurationError` for an unknown key, an impossible value, or no term at all.
  init(reading reader: ConfigurationReader) throws(ConfigurationError) {
    try reader.allow([
      "transform", "complex", "magnitude", "phase", "time", "consistency", "si_snr",
    ])
    self.init { _ in }
    if reader.optional("transform") != nil {
      transform = try Transform(reading: reader.object("transform"))
    }
    if reader.optional("complex") != nil {
      complex = try SpectralTerm(reading: reader.object("complex"), ["norm", "exponent"])
    }
    if reader.optional("magnitude") != nil {
      let term = try reader.object("magnitude")
      magnitude = try SpectralTerm(reading: term, ["norm", "exponent", "epsilon"])
      try term.read("epsilon", from: 0, below: 1) { magnitudeEpsilon = $0 }
    }
    if reader.optional("phase") != nil {
      phase = try PhaseTerm(reading: reader.object("phase"))
    }
    try reader.read("time", from: 0, below: Self.bound) { time = $0 }
    if reader.optional("consistency") != nil {
      consistency = try SpectralTerm(reading: reader.object("consistency"), ["exponent"])
      consistency.norm = .l2
    }
    try reader.read("si_snr", from: 0, below: Self.bound) { siSNR = $0 }
  }

  /// Weights stay below this.
  fileprivate static let bound = 1e6

  /// The object `losses` of a recipe: the terms that are computed.
  var json: JSONValue {
    var members: [String: JSONValue] = [:]
    if let transform { members["transform"] = transform.json }
    if complex.weight > 0 { members["complex"] = .object(complex.members) }
    if magnitude.weight > 0 {
      var term = magnitude.members
      term["epsilon"] = .decimal(magnitudeEpsilon)
      members["magnitude"] = .object(term)
    }
    if phase.weight > 0 { members["phase"] = phase.json }
    if time > 0 { members["time"] = .decimal(time) }
    if consistency.weight > 0 {
      var term = consistency.members
      term["norm"] = nil
      members["consistency"] = .object(term)
    }
    if siSNR > 0 { members["si_snr"] = .decimal(siSNR) }
    return .object(members)
  }
}

extension LossSettings.SpectralTerm {
  fileprivate init(
    reading reader: ConfigurationReader, _ others: [String]
  ) throws(ConfigurationError) {
    try reader.allow(["weight"] + others)
    self.init()
    _ = try reader.number("weight")
    try reader.read("weight", from: 0, below: LossSettings.bound) { weight = $0 }
    if reader.optional("norm") != nil {
      norm = try reader.choice("norm", LossSettings.Norm.allCases)
    }
    try reader.read("exponent", above: 0, upTo: 2) { exponent = $0 }
  }

  fileprivate var members: [String: JSONValue] {
    [
      "weight": .decimal(weight), "norm": .string(norm.rawValue), "exponent": .decimal(exponent),
    ]
  }
}

extension LossSettings.PhaseTerm {
  fileprivate init(reading reader: ConfigurationReader) throws(ConfigurationError) {
    try reader.allow(["weight", "ip", "gd", "iaf"])
    self.init()
    _ = try reader.number("weight")
    let bound = LossSettings.bound
    try reader.read("weight", from: 0, below: bound) { weight = $0 }
    try reader.read("ip", from: 0, below: bound) { instantaneous = $0 }
    try reader.read("gd", from: 0, below: bound) { groupDelay = $0 }
    try reader.read("iaf", from: 0, below: bound) { angularFrequency = $0 }
    if weight > 0 && instantaneous + groupDelay + angularFrequency == 0 {
      throw try reader.impossible(
        "weight", "one of \"ip\", \"gd\" and \"iaf\" must be above 0, too")
    }
  }

  fileprivate var json: JSONValue {
    .object([
      "weight": .decimal(weight), "ip": .decimal(instantaneous), "gd": .decimal(groupDelay),
      "iaf": .decimal(angularFrequency),
    ])
  }
}

extension LossSettings.Transform {
  fileprivate init(reading reader: ConfigurationReader) throws(ConfigurationError) {
    try reader.allow(["n_fft", "hop", "window"])
    let length = try reader.integer("n_fft", in: 16...8192)
    let hop = try reader.integer("hop", in: 1...4096)
    if length % 2 != 0 { throw try reader.impossible("n_fft", "must be even") }
    if hop > length / 2 {
      throw try reader.impossible("hop", "must be at most half a window of \(length)")
    }
    if reader.optional("window") != nil, try reader.string("window") != "hann" {
      throw try reader.impossible("window", "must be \"hann\", the only window there is")
    }
    self.init(fftLength: length, hopSamples: hop)
  }

  fileprivate var json: JSONValue {
    .object([
      "n_fft": .integer(fftLength), "hop": .integer(hopSamples), "window": .string("hann"),
    ])
  }
}
