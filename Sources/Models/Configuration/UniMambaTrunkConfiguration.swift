import Files
import Tensor

/// The configuration of a trunk of Mambas that run forward in time and an MLP (`"kind":
/// "unimamba"`).
public struct UniMambaTrunkConfiguration: TrunkConfiguration {
  /// The value of `trunk.kind` in JSON.
  public static let kind = "unimamba"
  /// The sizes of each Mamba.
  public let mamba: MambaConfiguration

  /// A trunk of Mambas with these sizes; `ModelConfiguration` checks the values.
  public init(mamba: MambaConfiguration) { self.mamba = mamba }

  /// Reads the object `trunk` of a configuration.
  ///
  /// - Throws: `ConfigurationError` for an unknown or missing key, or an impossible value.
  public init(reading reader: ConfigurationReader) throws(ConfigurationError) {
    try reader.allow(["kind", "mamba"])
    mamba = try MambaConfiguration(reading: reader.object("mamba"))
  }

  /// The object `trunk` of a configuration.
  public var json: JSONValue { .object(["kind": .string(Self.kind), "mamba": mamba.json]) }

  /// Registers the trunk's parameters in `scope`.
  public func makeTrunk(layers: Int, features: Int, scope: ParameterScope) -> any Trunk {
    UniMambaTrunk(configuration: self, layers: layers, features: features, scope: scope)
  }
}
