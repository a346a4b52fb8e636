/// Durations as people write them, for every option that takes a time: `90` and `90s`, `10m` or
/// `10min`, `1h30m`, `2d`, and in full `1:30:00` or `1-23:30:00`, as SLURM has them.
package enum TimeSpan {
  private static let units: [(name: String, seconds: Double)] = [
    ("min", 60), ("sec", 1), ("s", 1), ("m", 60), ("h", 3600), ("d", 86_400),
  ]

  /// The longest duration, in seconds: thirty years.
  private static let longest = 1e9

  /// Examples for messages about a text that is no duration.
  package static let examples = "90s, 10m, 1h30m or 1:30:00"

  /// Seconds, from 0 up to thirty years; nil for anything that is no such duration. A number
  /// without a unit is in seconds. With several units the larger come first, each once.
  package static func seconds(_ text: String) -> Double? {
    (text.contains(":") ? clock(text) : withUnits(text)).flatMap { $0 <= longest ? $0 : nil }
  }

  private static func withUnits(_ text: String) -> Double? {
    var rest = text[...]
    var total = 0.0
    var smallest = Double.infinity
    repeat {
      let digits = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
      guard let value = Double(digits), value.isFinite else { return nil }
      rest = rest.dropFirst(digits.count)
      let name = rest.prefix { $0.isASCII && $0.isLetter }
      rest = rest.dropFirst(name.count)
      guard let unit = name.isEmpty ? 1 : units.first(where: { $0.name == name })?.seconds,
        unit < smallest, !name.isEmpty || smallest == .infinity
      else { return nil }
      total += value * unit
      smallest = unit
    } while !rest.isEmpty
    return total
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
    return Double(((days * 24 + hours) * 60 + minutes) * 60 + seconds)
  }

  private static func whole(_ digits: Substring) -> Int? {
    guard (1...6).contains(digits.count), digits.allSatisfy({ $0.isASCII && $0.isNumber })
    else { return nil }
    return Int(digits)
  }

  /// Hours, minutes and seconds, such as `0:01:30`.
  package static func text(_ seconds: Double) -> String {
    let whole = Int(clamped: min(max(seconds, 0), 1e9).rounded())
    func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
    return "\(whole / 3600):\(two(whole / 60 % 60)):\(two(whole % 60))"
  }
}
