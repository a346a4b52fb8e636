import Files
import Tensor

/// The configuration of a trunk of bidirectional Mamba blocks (`"kind": "bimamba"`).
public struct BiMambaTrunkConfiguration: TrunkConfiguration {
  /// The value of `trunk.kind` in JSON.
  public static let kind = "bimamba"
  /// The blocks of each layer, in forward order; no path occurs twice.
  public let paths: [SequenceAxis]
  /// The sizes of each Mamba.
  public let mamba: MambaConfiguration

  /// A trunk with these paths in each layer; `ModelConfiguration` checks the values.
  public init(paths: [SequenceAxis], mamba: MambaConfiguration = MambaConfiguration()) {
    self.paths = paths
    self.mamba = mamba
  }

  /// Reads the object `trunk` of a configuration.
  ///
  /// - Throws: `ConfigurationError` for an unknown or missing key, or an impossible value.
  public init(reading reader: ConfigurationReader) throws(ConfigurationError) {
    try reader.allow(["kind", "paths", "mamba"])
    let known = SequenceAxis.allCases.map { "\"\($0.path)\"" }.joined(separator: ", ")
    let requirement = "must be a list of different paths out of \(known)"
    var paths: [SequenceAxis] = []
    for item in try reader.list("paths") {
      guard let path = item.string.flatMap(SequenceAxis.init(path:)), !paths.contains(path) else {
        throw try reader.impossible("paths", requirement)
      }
      paths.append(path)
    }
    if paths.isEmpty { throw try reader.impossible("paths", requirement) }
    self.paths = paths
    mamba = try MambaConfiguration(reading: reader.object("mamba"))
  }

  /// The object `trunk` of a configuration.
  public var json: JSONValue {
    .object([
      "kind": .string(Self.kind), "paths": .array(paths.map { .string($0.path) }),
      "mamba": mamba.json,
    ])
  }

  /// Registers the trunk's parameters in `scope`.
  public func makeTrunk(layers: Int, features: Int, scope: ParameterScope) -> any Trunk {
    BiMambaTrunk(configuration: self, layers: layers, features: features, scope: scope)
  }
}

extension MambaConfiguration {
  /// Reads the object `mamba` of a configuration.
  ///
  /// - Throws: `ConfigurationError` for an unknown or missing key, or an impossible value.
  public init(reading reader: ConfigurationReader) throws(ConfigurationError) {
    try reader.allow(["d_state", "d_conv", "expand"])
    self.init(
      stateSize: try reader.integer("d_state", in: 1...256),
      convolutionTaps: try reader.integer("d_conv", in: 1...64),
      expansion: try reader.integer("expand", in: 1...16))
  }

  /// The object `mamba` of a configuration.
  public var json: JSONValue {
    .object([
      "d_state": .integer(stateSize), "d_conv": .integer(convolutionTaps),
      "expand": .integer(expansion),
    ])
  }
}
