/// Durations as people write them: `90s`, `10m` or `10min`, `2h`, and in full `23:30:00` or
/// `1-23:30:00`, as SLURM has them.
package enum TimeSpan {
  private static let units: [(name: String, seconds: Double)] = [
    ("min", 60), ("sec", 1), ("s", 1), ("m", 60), ("h", 3600), ("d", 86_400),
  ]

  /// The longest duration, in seconds: thirty years.
  private static let longest = 1e9

  /// Seconds, or nil for anything that is no positive duration of at most thirty years. A number
  /// without a unit is none.
  package static func seconds(_ text: String) -> Double? {
    (text.contains(":") ? clock(text) : number(text)).flatMap { $0 <= longest ? $0 : nil }
  }

  private static func number(_ text: String) -> Double? {
    guard let unit = units.first(where: { text.hasSuffix($0.name) }) else { return nil }
    let number = text.dropLast(unit.name.count)
    guard number.allSatisfy({ $0.isASCII && ($0.isNumber || $0 == ".") }),
      let value = Double(number), value > 0, value.isFinite
    else { return nil }
    return value * unit.seconds
  }

  /// Hours, minutes and seconds, after days if there are any.
  private static func clock(_ text: String) -> Double? {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count <= 2 else { return nil }
    let days = parts.count == 2 ? whole(parts[0]) : 0
    let fields = (parts.last ?? "").split(separator: ":", omittingEmptySubsequences: false)
      .map(whole)
    guard fields.count == 3, let days, let hours = fields[0], let minutes = fields[1],
      let seconds = fields[2], minutes < 60, seconds < 60
    else { return nil }
    let total = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    return total > 0 ? Double(total) : nil
  }

  private static func whole(_ digits: Substring) -> Int? {
    guard (1...6).contains(digits.count), digits.allSatisfy({ $0.isASCII && $0.isNumber })
    else { return nil }
    return Int(digits)
  }

  /// Hours, minutes and seconds, such as `0:01:30`.
  package static func text(_ seconds: Double) -> String {
    let whole = Int(min(max(seconds, 0), 1e9).rounded())
    func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
    return "\(whole / 3600):\(two(whole / 60 % 60)):\(two(whole % 60))"
  }
}
