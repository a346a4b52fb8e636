import Files
import Tensor

/// The layers between the band split and the decoder: Z[B, K, T, N] to [B, K, T, N].
///
/// A new kind of trunk is a file with one type that conforms to this and one that conforms to
/// `TrunkConfiguration`, and an entry in `TrunkKinds.all`.
public protocol Trunk {
  /// Runs the forward pass on z[B, K, T, N], recorded on `tape`. Consumes `z`, so that its memory
  /// can be freed before the end.
  func callAsFunction(_ z: consuming Tensor, _ tape: Tape) -> Tensor

  /// The layers for `describe`, under the names of their parameters.
  var modules: [ModuleOutline.Child] { get }
}

/// The configuration of a trunk, which a preset has under the key `trunk`.
public protocol TrunkConfiguration: Sendable, Equatable {
  /// The value of `trunk.kind` in JSON.
  static var kind: String { get }

  /// Reads the object `trunk`, whose `kind` is that of this type.
  ///
  /// - Throws: `ConfigurationError` for an unknown or missing key, or an impossible value.
  init(reading reader: ConfigurationReader) throws(ConfigurationError)

  /// The object `trunk`, `kind` included.
  var json: JSONValue { get }

  /// Makes the trunk and registers its parameters in `scope`, the root of the names.
  func makeTrunk(layers: Int, features: Int, scope: ParameterScope) -> any Trunk
}

/// The kinds of trunk that a configuration may name.
public enum TrunkKinds {
  /// All kinds, in the order in which `describe` and errors list them.
  public static let all: [any TrunkConfiguration.Type] = [
    BiMambaTrunkConfiguration.self,
    LSTMTrunkConfiguration.self,
    UniMambaTrunkConfiguration.self,
  ]

  /// Reads the object `trunk` of a configuration.
  package static func read(
    _ value: JSONValue, file: String
  ) throws(ConfigurationError) -> any TrunkConfiguration {
    let known = all.map { $0.kind }
    guard let kind = value["kind"] else {
      throw .missingKey(file: file, key: "trunk.kind")
    }
    guard let type = all.first(where: { .string($0.kind) == kind }) else {
      throw .impossibleValue(
        file: file, key: "trunk.kind", value: "\(kind)",
        requirement: "must be one of \(known.joined(separator: ", "))")
    }
    return try type.init(reading: ConfigurationReader(value, file: file, path: "trunk"))
  }
}

extension TrunkConfiguration {
  func isEqual(to other: any TrunkConfiguration) -> Bool { (other as? Self) == self }
}
