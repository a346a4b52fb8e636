import Files
import Tensor

/// The configuration of a trunk of LSTMs over time and over bands (`"kind": "lstm"`).
public struct LSTMTrunkConfiguration: TrunkConfiguration {
  /// What `trunk.kind` says in JSON.
  public static let kind = "lstm"
  /// Units of a direction over N, `expand`.
  public let expansion: Int

  /// A trunk of this expansion; `ModelConfiguration` checks the value.
  public init(expansion: Int = 2) { self.expansion = expansion }

  /// Reads the object `trunk`.
  public init(reading reader: ConfigurationReader) throws(ConfigurationError) {
    try reader.allow(["kind", "expand"])
    expansion = try reader.integer("expand", in: 1...16)
  }

  /// The object `trunk`.
  public var json: JSONValue {
    .object(["kind": .string(Self.kind), "expand": .integer(expansion)])
  }

  /// Registers the trunk's parameters in `scope`.
  public func makeTrunk(layers: Int, features: Int, scope: ParameterScope) -> any Trunk {
    LSTMTrunk(configuration: self, layers: layers, features: features, scope: scope)
  }
}
