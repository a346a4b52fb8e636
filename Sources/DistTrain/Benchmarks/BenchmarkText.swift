import Foundation

/// The format of numbers in benchmark tables.
enum BenchmarkText {
  /// A number with at least three significant digits: "0.0123", "1.23", "12.3", "1234".
  static func figures(_ value: Double) -> String {
    switch abs(value) {
    case 100...: String(format: "%.0f", value)
    case 10..<100: String(format: "%.1f", value)
    case 1..<10: String(format: "%.2f", value)
    default: String(format: "%.3g", value)
    }
  }

  /// A setting as the user would write it: "2", "0.25".
  static func setting(_ value: Double) -> String { String(format: "%g", value) }

  /// A fraction as "87%", or "4.2%" if it is small.
  static func percent(_ fraction: Double) -> String {
    String(format: fraction < 0.1 ? "%.1f%%" : "%.0f%%", 100 * fraction)
  }

  /// Seconds as milliseconds with one or two digits after the decimal point.
  static func milliseconds(_ seconds: Double) -> String {
    String(format: seconds < 0.01 ? "%.2f" : "%.1f", 1000 * seconds)
  }

  /// A number of bytes in megabytes of 10⁶ bytes.
  static func megabytes(_ bytes: Int) -> String { String(format: "%.0f MB", Double(bytes) / 1e6) }

  /// A number with a word in singular or plural: "1 rank", "2 ranks".
  static func count(_ number: Int, _ word: String) -> String {
    count(number, word, plural: word + "s")
  }

  /// A number with a word whose plural is irregular: "1 pass", "2 passes".
  static func count(_ number: Int, _ word: String, plural: String) -> String {
    "\(number) \(number == 1 ? word : plural)"
  }

  /// A median with its spread: "2.54 (2.51 to 2.60)".
  static func spread(_ median: Double, _ minimum: Double, _ maximum: Double) -> String {
    func text(_ value: Double) -> String { String(format: value < 100 ? "%.3f" : "%.1f", value) }
    return "\(text(median)) (\(text(minimum)) to \(text(maximum)))"
  }
}
