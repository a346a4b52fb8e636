/// HTML or SVG text. Interpolated values are escaped unless they are markup themselves, so that a
/// name with `<script>` in it stays a name.
package struct Markup: ExpressibleByStringInterpolation, Sendable {
  /// The text as written to a file.
  package let text: String

  /// Markup that is known to be well-formed.
  package init(stringLiteral text: String) { self.text = text }

  package init(stringInterpolation pieces: Pieces) { text = pieces.text }

  /// Empty markup.
  package static let empty = Markup(stringLiteral: "")

  /// The builder of a literal with interpolated values.
  package struct Pieces: StringInterpolationProtocol {
    fileprivate var text = ""

    package init(literalCapacity: Int, interpolationCount: Int) {
      text.reserveCapacity(literalCapacity)
    }

    package mutating func appendLiteral(_ literal: String) { text += literal }
    package mutating func appendInterpolation(_ markup: Markup) { text += markup.text }
    package mutating func appendInterpolation(_ number: Int) { text += "\(number)" }
    package mutating func appendInterpolation(_ plain: String) { text += Markup.escaped(plain) }
    /// Appends a length or coordinate.
    package mutating func appendInterpolation(at place: Double) { text += Markup.place(place) }
  }

  /// Plain text escaped for use as text or as the value of an attribute in double quotes.
  package static func escaped(_ plain: String) -> String {
    var text = ""
    text.reserveCapacity(plain.utf8.count)
    for scalar in plain.unicodeScalars {
      switch scalar {
      case "&": text += "&amp;"
      case "<": text += "&lt;"
      case ">": text += "&gt;"
      case "\"": text += "&quot;"
      case "'": text += "&#39;"
      case "\t", "\n": text.unicodeScalars.append(scalar)
      // Neither HTML nor XML can contain these characters.
      case "\u{0}"..."\u{1f}", "\u{7f}"..."\u{9f}": text += "\u{fffd}"
      default: text.unicodeScalars.append(scalar)
      }
    }
    return text
  }

  /// A coordinate as text, rounded to a tenth of a unit, without a trailing zero.
  package static func place(_ value: Double) -> String {
    guard value.isFinite else { return "0" }
    let tenths = Int(clamped: (value * 10).rounded())
    return tenths % 10 == 0 ? "\(tenths / 10)" : "\(Double(tenths) / 10)"
  }

  package static func + (left: Markup, right: Markup) -> Markup {
    Markup(stringLiteral: left.text + right.text)
  }
}

extension Sequence<Markup> {
  /// The elements joined by line breaks.
  package func joined() -> Markup { joined(by: "\n") }

  /// The elements joined by `separator`.
  package func joined(by separator: String) -> Markup {
    Markup(stringLiteral: map(\.text).joined(separator: separator))
  }
}
