import Foundation

/// Numbers and widths of texts in charts.
enum ChartText {
  /// A number with `digits` digits after the decimal point; small numbers keep four significant
  /// digits.
  static func number(_ value: Double, digits: Int) -> String {
    guard value.isFinite else { return "\(value)" }
    let isSmall =
      value != 0 && digits > 0 && abs(value) < Double(sign: .plus, exponent: -10, significand: 1)
    return isSmall ? String(format: "%.4g", value) : String(format: "%.\(digits)f", value)
  }

  /// Approximate width of `text` at a height of 12, in a wide font.
  static func width(_ text: String) -> Double {
    text.reduce(0) { sum, character in
      switch character {
      case "i", "j", "l", ".", ",", ":", ";", "'", "|", "!", " ", "(", ")", "[", "]", "f", "t", "r":
        sum + 4.6
      case "m", "w", "M", "W", "%", "—", "…", "<", ">", "&", "@": sum + 11
      case "A"..."Z": sum + 8.6
      default: sum + 7.5
      }
    }
  }

  /// The text, or its beginning if it is wider than `width`.
  static func shortened(_ text: String, to width: Double) -> String {
    if self.width(text) <= width { return text }
    var short = text
    while !short.isEmpty && self.width(short + "…") > width { short.removeLast() }
    return short + "…"
  }
}
