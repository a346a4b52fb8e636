import Files
import Tensor

/// The configuration of a trunk of LSTMs over time and over bands (`"kind": "lstm"`).
public struct LSTMTrunkConfiguration: TrunkConfiguration {
  /// The value of `trunk.kind` in JSON.
  public static let kind = "lstm"
  /// Ratio of a direction's units to N, `expand`.
  public let expansion: Int

  /// A trunk with this expansion; `ModelConfiguration` checks the value.
  public init(expansion: Int = 2) { self.expansion = expansion }

  /// Reads the object `trunk` of a configuration.
  ///
  /// - Throws: `ConfigurationError` for an unknown or missing key, or an impossible value.
  public init(reading reader: ConfigurationReader) throws(ConfigurationError) {
    try reader.allow(["kind", "expand"])
    expansion = try reader.integer("expand", in: 1...16)
  }

  /// The object `trunk` of a configuration.
  public var json: JSONValue {
    .object(["kind": .string(Self.kind), "expand": .integer(expansion)])
  }

  /// Registers the trunk's parameters in `scope`.
  public func makeTrunk(layers: Int, features: Int, scope: ParameterScope) -> any Trunk {
    LSTMTrunk(configuration: self, layers: layers, features: features, scope: scope)
  }
}
