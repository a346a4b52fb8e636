import Platform

/// The summary of a model that `describe` prints: its structure as PyTorch prints it, and its
/// parameter counts by component.
public struct ModelSummary {
  /// A component and its number of parameters.
  public struct Row: Equatable, Sendable {
    /// Name as in parameter keys: `band_split`, `layers.0`, `decoder`.
    public let component: String
    /// Number of trainable parameters.
    public let parameters: Int
  }

  /// The model's configuration.
  public let configuration: ModelConfiguration
  /// The model's structure.
  public let outline: ModuleOutline
  /// The components in forward order; they hold all parameters.
  public let rows: [Row]

  /// The summary of `model`.
  public init(_ model: SpeechEnhancer) {
    configuration = model.configuration
    outline = model.outline
    rows = model.parameters.parameters.reduce(into: []) { rows, parameter in
      let component = ModelSummary.component(of: parameter.name)
      if let last = rows.last, last.component == component {
        rows[rows.count - 1] = Row(
          component: component, parameters: last.parameters + parameter.count)
      } else {
        rows.append(Row(component: component, parameters: parameter.count))
      }
    }
  }

  /// Number of trainable parameters of the whole model.
  public var total: Int { rows.reduce(0) { $0 + $1.parameters } }

  /// Excess of `total` over the published count, in percent; nil if none is published.
  public var differencePercent: Double? {
    guard let published = configuration.published else { return nil }
    return 100 * (Double(total) / Double(published.parameters) - 1)
  }

  /// The component that the parameter `name` belongs to. Each layer of a numbered list is one, and
  /// so is any other top-level module.
  package static func component(of name: String) -> String {
    let parts = name.split(separator: ".")
    return parts.count > 1 && Int(parts[1]) != nil ? "\(parts[0]).\(parts[1])" : String(parts[0])
  }
}

extension ModelSummary: CustomStringConvertible {
  /// The summary for a terminal: heading, structure and table.
  public var description: String {
    var lines = ["\(configuration.name): \(configuration.title)"]
    if !configuration.summary.isEmpty { lines.append(configuration.summary) }
    lines += ["", outline.description, "", table]
    return lines.joined(separator: "\n")
  }

  /// The parameters by component, their total and the published count.
  public var table: String {
    var cells: [[String]] = [["component", "parameters", "share"]]
    for row in rows {
      let share = 100 * Double(row.parameters) / Double(total)
      cells.append([
        row.component, NumberText.grouped(row.parameters), NumberText.fixed(share, digits: 1) + "%",
      ])
    }
    cells.append(["total", NumberText.grouped(total), "100.0%"])
    if let published = configuration.published, let differencePercent {
      let sign = differencePercent < 0 ? "-" : "+"
      cells.append(["published", NumberText.millions(published.parameters), ""])
      cells.append([
        "difference", sign + NumberText.fixed(abs(differencePercent), digits: 1) + "%", "",
      ])
      cells.append(["published PESQ", published.pesq, ""])
    }
    let names = cells.map(\.[0].count).max() ?? 0
    let numbers = cells.map(\.[1].count).max() ?? 0
    return cells.map { cell in
      let name = cell[0].padding(to: names)
      let number = cell[1].padding(to: numbers, onLeft: true)
      return cell[2].isEmpty
        ? "\(name)  \(number)" : "\(name)  \(number)  \(cell[2].padding(to: 6, onLeft: true))"
    }.joined(separator: "\n")
  }
}

extension String {
  fileprivate func padding(to width: Int, onLeft: Bool = false) -> String {
    let space = String(repeating: " ", count: Swift.max(0, width - count))
    return onLeft ? space + self : self + space
  }
}
