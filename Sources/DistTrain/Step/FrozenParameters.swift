import Models
import Platform
import Tensor

/// Reasons for which parameters cannot be frozen as asked.
package enum FreezeError: Error, Equatable, CustomStringConvertible {
  /// No parameter has a name that begins so; the model has these components.
  case unknown(prefix: String, components: [String])
  /// No parameter would be left to train.
  case everything(prefixes: [String])

  /// One sentence that names the prefix and says what there is.
  package var description: String {
    switch self {
    case .unknown(let prefix, let components):
      "--freeze \(prefix): no parameter of the model has a name that begins so; its components are "
        + ItemList.text(components, limit: 32)
    case .everything(let prefixes):
      "--freeze \(prefixes.joined(separator: " ")) holds all parameters of the model, so that "
        + "nothing would be trained"
    }
  }
}

/// The parameters that training does not move: those whose names begin with one of the prefixes.
///
/// Their gradients are set to zero before the norm is taken, so that clipping does not count them,
/// and the optimizer leaves them out, decay included.
package struct FrozenParameters: Equatable, Sendable {
  /// Names of the parameters that do not move, in the arena's order.
  package let names: [String]
  /// Number of their values.
  package let valueCount: Int
  /// Their elements in the arena, padding included.
  let frozen: [Range<Int>]
  /// All other elements; nil if nothing is frozen.
  let trained: [Range<Int>]?

  /// Nothing that does not move.
  package static let none = FrozenParameters()

  private init() {
    names = []
    valueCount = 0
    frozen = []
    trained = nil
  }

  /// The parameters of `arena`, which need no memory yet, with these beginnings of names.
  ///
  /// - Throws: `FreezeError` if a prefix is of no parameter, or nothing is left.
  package init(_ prefixes: [String]?, of arena: ParameterArena) throws(FreezeError) {
    guard let prefixes, !prefixes.isEmpty else {
      self = .none
      return
    }
    let parameters = arena.parameters
    for prefix in prefixes where !parameters.contains(where: { $0.name.hasPrefix(prefix) }) {
      var components: [String] = []
      for component in parameters.map({ ModelSummary.component(of: $0.name) })
      where components.last != component { components.append(component) }
      throw .unknown(prefix: prefix, components: components)
    }
    var frozen: [Range<Int>] = []
    var trained: [Range<Int>] = []
    var names: [String] = []
    var valueCount = 0
    for (index, parameter) in parameters.enumerated() {
      let end =
        index + 1 < parameters.count
        ? parameters[index + 1].offset : max(arena.count, parameter.offset + parameter.count)
      let isFrozen = prefixes.contains(where: parameter.name.hasPrefix)
      if isFrozen {
        names.append(parameter.name)
        valueCount += parameter.count
      }
      func extend(_ ranges: inout [Range<Int>]) {
        if let last = ranges.last, last.upperBound == parameter.offset {
          ranges[ranges.count - 1] = last.lowerBound..<end
        } else {
          ranges.append(parameter.offset..<end)
        }
      }
      if isFrozen { extend(&frozen) } else { extend(&trained) }
    }
    if trained.isEmpty { throw .everything(prefixes: prefixes) }
    self.names = names
    self.valueCount = valueCount
    self.frozen = frozen
    self.trained = trained
  }

  /// Sets the gradients of these parameters to zero.
  func zeroGradients(of arena: ParameterArena) {
    for range in frozen { arena.zeroGradients(range) }
  }
}
