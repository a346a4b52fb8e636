import Files
import Tensor

/// The configuration of a trunk of Mambas forward in time and an MLP (`"kind": "unimamba"`).
public struct UniMambaTrunkConfiguration: TrunkConfiguration {
  /// What `trunk.kind` says in JSON.
  public static let kind = "unimamba"
  /// The sizes of every Mamba.
  public let mamba: MambaConfiguration

  /// A trunk of Mambas of these sizes; `ModelConfiguration` checks the values.
  public init(mamba: MambaConfiguration) { self.mamba = mamba }

  /// Reads the object `trunk`.
  public init(reading reader: ConfigurationReader) throws(ConfigurationError) {
    try reader.allow(["kind", "mamba"])
    mamba = try MambaConfiguration(reading: reader.object("mamba"))
  }

  /// The object `trunk`.
  public var json: JSONValue { .object(["kind": .string(Self.kind), "mamba": mamba.json]) }

  /// Registers the trunk's parameters in `scope`.
  public func makeTrunk(layers: Int, features: Int, scope: ParameterScope) -> any Trunk {
    UniMambaTrunk(configuration: self, layers: layers, features: features, scope: scope)
  }
}
