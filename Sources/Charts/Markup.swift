/// HTML or SVG text. Whatever is put into a literal by interpolation is escaped, unless it is
/// markup itself: a name with `<script>` in it stays a name.
package struct Markup: ExpressibleByStringInterpolation, Sendable {
  /// The text, as it goes into a file.
  package let text: String

  /// Markup that is known to be well-formed.
  package init(stringLiteral text: String) { self.text = text }

  package init(stringInterpolation pieces: Pieces) { text = pieces.text }

  /// Nothing.
  package static let empty = Markup(stringLiteral: "")

  /// Builds a literal with values in it.
  package struct Pieces: StringInterpolationProtocol {
    fileprivate var text = ""

    package init(literalCapacity: Int, interpolationCount: Int) {
      text.reserveCapacity(literalCapacity)
    }

    package mutating func appendLiteral(_ literal: String) { text += literal }
    package mutating func appendInterpolation(_ markup: Markup) { text += markup.text }
    package mutating func appendInterpolation(_ number: Int) { text += "\(number)" }
    package mutating func appendInterpolation(_ plain: String) { text += Markup.escaped(plain) }
    /// A length or coordinate.
    package mutating func appendInterpolation(at place: Double) { text += Markup.place(place) }
  }

  /// `plain` as text or as the value of an attribute in double quotes.
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
      // Neither HTML nor XML has a way to write these.
      case "\u{0}"..."\u{1f}", "\u{7f}"..."\u{9f}": text += "\u{fffd}"
      default: text.unicodeScalars.append(scalar)
      }
    }
    return text
  }

  /// A coordinate with a tenth of a unit, without a needless zero.
  package static func place(_ value: Double) -> String {
    guard value.isFinite else { return "0" }
    let tenths = Int((value * 10).rounded())
    return tenths % 10 == 0 ? "\(tenths / 10)" : "\(Double(tenths) / 10)"
  }

  package static func + (left: Markup, right: Markup) -> Markup {
    Markup(stringLiteral: left.text + right.text)
  }
}

extension Sequence<Markup> {
  /// One after another, each on its own line.
  package func joined() -> Markup { joined(by: "\n") }

  /// One after another.
  package func joined(by separator: String) -> Markup {
    Markup(stringLiteral: map(\.text).joined(separator: separator))
  }
}
