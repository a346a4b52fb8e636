/// Numbers as text for people, independent of the locale.
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
    let scaled = Int((value * Double(scale)).rounded())
    if digits == 0 { return "\(scaled)" }
    let fraction = String(scaled % scale)
    return "\(scaled / scale)." + String(repeating: "0", count: digits - fraction.count) + fraction
  }

  /// A number in millions with two digits, as papers write it: `3960000` as `3.96M`.
  package static func millions(_ number: Int) -> String {
    let text = fixed(Double(number) / 1e6, digits: 2)
    return (text.hasSuffix("0") ? String(text.dropLast()) : text) + "M"
  }
}
