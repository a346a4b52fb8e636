import Foundation

/// Text of numbers as people read them, the same in every locale.
package enum NumberText {
  /// An integer with its digits grouped: `1234567` as `1,234,567`.
  package static func grouped(_ number: Int) -> String {
    var groups: [String] = []
    var rest = String(number)[...]
    while rest.count > 3 {
      groups.insert(String(rest.suffix(3)), at: 0)
      rest = rest.dropLast(3)
    }
    return ([String(rest)] + groups).joined(separator: ",")
  }

  /// A non-negative number, rounded to `digits` digits after the decimal point.
  package static func fixed(_ value: Double, digits: Int) -> String {
    let scale = (0..<digits).reduce(1) { result, _ in result * 10 }
    let scaled = Int(clamped: (value * Double(scale)).rounded())
    if digits == 0 { return "\(scaled)" }
    let fraction = String(scaled % scale)
    return "\(scaled / scale)." + String(repeating: "0", count: digits - fraction.count) + fraction
  }

  /// A number in millions with two digits, as papers write it: `3960000` as `3.96M`.
  package static func millions(_ number: Int) -> String {
    let text = fixed(Double(number) / 1e6, digits: 2)
    return (text.hasSuffix("0") ? String(text.dropLast()) : text) + "M"
  }

  /// A number with at least three significant digits: "0.0123", "1.23", "12.3", "1234".
  package static func figures(_ value: Double) -> String {
    switch abs(value) {
    case 100...: String(format: "%.0f", value)
    case 10..<100: String(format: "%.1f", value)
    case 1..<10: String(format: "%.2f", value)
    default: String(format: "%.3g", value)
    }
  }

  /// A setting as the user would write it: "2", "0.25".
  package static func setting(_ value: Double) -> String { String(format: "%g", value) }

  /// A fraction as "87%", or "4.2%" if it is small.
  package static func percent(_ fraction: Double) -> String {
    String(format: fraction < 0.1 ? "%.1f%%" : "%.0f%%", 100 * fraction)
  }

  /// Seconds as milliseconds with one or two digits after the decimal point.
  package static func milliseconds(_ seconds: Double) -> String {
    String(format: seconds < 0.01 ? "%.2f" : "%.1f", 1000 * seconds)
  }

  /// 10⁶ bytes.
  package static func megabytes(_ bytes: Int) -> String {
    String(format: "%.0f MB", Double(bytes) / 1e6)
  }

  /// A number with a word in singular or plural: "1 rank", "2 ranks".
  package static func count(_ number: some BinaryInteger, _ word: String) -> String {
    count(number, word, plural: word + "s")
  }

  /// A number with a word whose plural is irregular: "1 pass", "2 passes".
  package static func count(
    _ number: some BinaryInteger, _ word: String, plural: String
  ) -> String {
    "\(number) \(agree(number, word, plural))"
  }

  /// The form of a verb or of another word that goes with a count: "is" for one, "are" for others.
  package static func agree(
    _ number: some BinaryInteger, _ singular: String, _ plural: String
  ) -> String {
    number == 1 ? singular : plural
  }

  /// A median with its spread: "2.54 (2.51 to 2.60)".
  package static func spread(_ median: Double, _ minimum: Double, _ maximum: Double) -> String {
    func text(_ value: Double) -> String { String(format: value < 100 ? "%.3f" : "%.1f", value) }
    return "\(text(median)) (\(text(minimum)) to \(text(maximum)))"
  }
}
