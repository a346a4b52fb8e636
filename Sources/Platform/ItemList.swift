/// Lists in messages, cut so that hundreds of items do not fill the screen.
package enum ItemList {
  /// Number of items that are shown.
  package static let limit = 10

  /// The first items, each on a line of its own with two spaces in front, and the number of the
  /// others.
  package static func lines(_ items: [String], limit: Int = limit) -> String {
    shown(items, limit).map { "  \($0)" }.joined(separator: "\n")
  }

  /// The first items between `separator`s, and the number of the others.
  package static func text(
    _ items: [String], separator: String = ", ", limit: Int = limit
  ) -> String {
    shown(items, limit).joined(separator: separator)
  }

  private static func shown(_ items: [String], _ limit: Int) -> [String] {
    // One item takes the line that would count it.
    if items.count <= limit + 1 { return items }
    return items.prefix(limit) + ["and \(items.count - limit) more"]
  }
}

extension Int {
  /// The integer part of `value`, or the nearest integer that there is; 0 for NaN.
  package init(clamped value: Double) {
    if value.isNaN {
      self = 0
    } else {
      self = Int(exactly: value.rounded(.towardZero)) ?? (value < 0 ? .min : .max)
    }
  }
}
