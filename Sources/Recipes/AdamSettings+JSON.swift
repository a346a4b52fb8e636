import Files
import Models
import Tensor

extension AdamSettings {
  /// Kinds of the optimizer in a recipe.
  enum Kind: String, CaseIterable {
    case adam, adamw

    /// Keys of an optimizer of this kind.
    var keys: [String] { ["kind", "betas", "eps"] + (self == .adamw ? ["weight_decay"] : []) }
  }

  /// Reads the object `optimizer` of a recipe. Keys that are missing have PyTorch's defaults.
  ///
  /// - Throws: `ConfigurationError` for an unknown key or an impossible value.
  init(reading reader: ConfigurationReader) throws(ConfigurationError) {
    let kind = try reader.choice("kind", Kind.allCases)
    try reader.allow(kind.keys)
    self.init()
    if reader.optional("betas") != nil {
      let betas = try reader.list("betas").map { value -> Double? in
        switch value {
        case .integer(let beta): Double(beta)
        case .number(let beta): beta
        default: nil
        }
      }
      guard betas.count == 2, let first = betas[0], let second = betas[1],
        (0..<1).contains(first), (0..<1).contains(second)
      else { throw try reader.impossible("betas", "must be two numbers from 0, below 1") }
      (beta1, beta2) = (first, second)
    }
    try reader.read("eps", above: 0, upTo: 1) { epsilon = $0 }
    if kind == .adamw {
      weightDecay = 0.01
      try reader.read("weight_decay", above: 0, upTo: 1) { weightDecay = $0 }
    }
  }

  /// The object `optimizer` of a recipe, complete.
  var json: JSONValue {
    let kind = weightDecay > 0 ? Kind.adamw : .adam
    var members: [String: JSONValue] = [
      "kind": .string(kind.rawValue), "betas": .array([.decimal(beta1), .decimal(beta2)]),
      "eps": .decimal(epsilon),
    ]
    if weightDecay > 0 { members["weight_decay"] = .decimal(weightDecay) }
    return .object(members)
  }
}
