import Tensor

/// A layer as text in the form that PyTorch's `print(model)` shows a module.
public struct ModuleOutline: Equatable, Sendable {
  /// A named part of a module.
  public struct Child: Equatable, Sendable {
    /// The name of the part, as in parameter keys.
    public let name: String
    /// The part.
    public let module: ModuleOutline

    /// A part with this name.
    public init(_ name: String, _ module: ModuleOutline) {
      self.name = name
      self.module = module
    }
  }

  /// A leaf with its arguments, such as `Linear(in_features=4, …)`, or the type of a branch.
  public let text: String
  /// The parts, in forward order; empty for a leaf.
  public let children: [Child]
  /// Number of trainable parameters, those of the parts included.
  public let parameterCount: Int

  /// A leaf with the given text.
  public init(_ text: String, parameters: [Parameter]) {
    self.text = text
    children = []
    parameterCount = parameters.reduce(0) { $0 + $1.count }
  }

  /// A module with parts; `ownParameters` are the parameters that belong to no part.
  public init(_ text: String, ownParameters: [Parameter] = [], _ children: [Child]) {
    self.text = text
    self.children = children
    parameterCount =
      ownParameters.reduce(0) { $0 + $1.count }
      + children.reduce(0) { $0 + $1.module.parameterCount }
  }

  /// A list of modules, named by their number.
  public init(list modules: [ModuleOutline]) {
    self.init("ModuleList", modules.enumerated().map { Child(String($0), $1) })
  }

  /// A linear layer with the matrix [out, in] and, if `bias` is true, a bias [out].
  init(linear weight: Parameter, bias: Bool) {
    text =
      "Linear(in_features=\(weight.shape[1]), out_features=\(weight.shape[0]), "
      + "bias=\(bias ? "True" : "False"))"
    children = []
    parameterCount = weight.count + (bias ? weight.shape[0] : 0)
  }
}

extension ModuleOutline: CustomStringConvertible {
  /// The tree as text, indented by two spaces per level. Equal neighbours of a list are one line:
  /// `(0-3): 4 x …`.
  public var description: String { lines().joined(separator: "\n") }

  private func lines() -> [String] {
    if children.isEmpty { return [text] }
    var result = [text + "("]
    var index = 0
    while index < children.count {
      let first = children[index]
      var next = index + 1
      if text == "ModuleList" {
        while next < children.count, children[next].module == first.module { next += 1 }
      }
      var lines = first.module.lines()
      let label =
        next == index + 1
        ? "(\(first.name)): "
        : "(\(first.name)-\(children[next - 1].name)): \(next - index) x "
      lines[0] = label + lines[0]
      result += lines.map { "  " + $0 }
      index = next
    }
    return result + [")"]
  }
}
