/// The looks that distinguish series, and the style sheet of charts.
///
/// A look is a number from 0. The first six have filled markers, the next six hollow ones, and the
/// markers of the others are their numbers, counted from 1, so that no two looks are alike.
package enum ChartStyle {
  /// Number of colours, and of shapes of markers.
  package static let count = 6

  private static let dashes = ["", "7 3", "2 3", "10 3 2 3", "4 2", "14 4"]

  /// The dash pattern of a look's line; empty for a solid line. Looks that share a colour have
  /// different patterns.
  package static func dashes(_ style: Int) -> String { dashes[(style + style / count) % count] }

  /// CSS class of a look's colour.
  package static func colour(_ style: Int) -> String { "c\(style % count)" }

  /// A marker of about 8 units at a position, with `title` as its tooltip.
  package static func marker(
    _ style: Int, _ x: Double, _ y: Double, _ title: String? = nil, scale: Double = 1
  ) -> Markup {
    let look = "mark\(style < count ? "" : " hollow")"
    let inside: Markup = title.map { "<title>\($0)</title>" } ?? .empty
    if style >= 2 * count {
      return """
        <text class="mark number" x="\(at: x)" y="\(at: y + 3.5 * scale)" text-anchor="middle" \
        font-size="\(at: 10 * scale)">\(style + 1)\(inside)</text>
        """
    }
    func polygon(_ corners: [(Double, Double)]) -> Markup {
      let points = corners.map {
        "\(Markup.place(x + scale * $0.0)),\(Markup.place(y + scale * $0.1))"
      }
      .joined(separator: " ")
      return "<polygon class=\"\(look)\" points=\"\(points)\">\(inside)</polygon>"
    }
    return switch style % count {
    case 0:
      """
      <circle class="\(look)" cx="\(at: x)" cy="\(at: y)" r="\(at: 3.5 * scale)">\(inside)</circle>
      """
    case 1: polygon([(-3.3, -3.3), (3.3, -3.3), (3.3, 3.3), (-3.3, 3.3)])
    case 2: polygon([(-4.2, 3.4), (4.2, 3.4), (0, -4.4)])
    case 3: polygon([(0, -4.8), (4.3, 0), (0, 4.8), (-4.3, 0)])
    case 4: polygon([(-4.2, -3.4), (4.2, -3.4), (0, 4.4)])
    default:
      polygon([
        (-1.3, -4.2), (1.3, -4.2), (1.3, -1.3), (4.2, -1.3), (4.2, 1.3), (1.3, 1.3), (1.3, 4.2),
        (-1.3, 4.2), (-1.3, 1.3), (-4.2, 1.3), (-4.2, -1.3), (-1.3, -1.3),
      ])
    }
  }

  /// The colours on a light and on a dark background, as CSS variables; all have a contrast of at
  /// least 4.5 to 1 to the background.
  package static let lightColours = """
    --ground:#fff;--ink:#1b1d21;--soft:#5c626d;--line:#d9dce1;--panel:#f6f7f9;--accent:#0b5cad;
    --c0:#0b5cad;--c1:#b84300;--c2:#00714f;--c3:#8a3693;--c4:#7a5a00;--c5:#50555e
    """
  package static let darkColours = """
    --ground:#14161a;--ink:#e8eaee;--soft:#a2a9b5;--line:#363b44;--panel:#1c1f25;--accent:#7db8f5;
    --c0:#7db8f5;--c1:#ff9f6b;--c2:#57d3a6;--c3:#dd9fe6;--c4:#e3c04f;--c5:#bfc5cf
    """

  /// CSS rules for everything inside a chart.
  package static let rules = """
    .chart{color:var(--ink);font-family:system-ui,sans-serif;font-size:12px}
    .chart text{fill:currentColor;stroke:none}
    .chart .soft{fill:var(--soft)}
    .chart .halo{paint-order:stroke;stroke:var(--ground);stroke-width:4px;stroke-linejoin:round}
    .chart .heading{font-weight:600}
    .chart .grid{stroke:var(--line);stroke-width:1}
    .chart .axis{stroke:var(--soft);stroke-width:1;fill:none}
    .chart .guide{stroke:var(--soft);stroke-width:1.4;stroke-dasharray:2 3;fill:none}
    .chart .moment{stroke:var(--soft);stroke-width:1;stroke-dasharray:1 3}
    .chart .line{fill:none;stroke:var(--c);stroke-width:1.8;stroke-linejoin:round}
    .chart .spread{stroke:var(--c);stroke-width:1.2;fill:none}
    .chart .mark{fill:var(--c);stroke:var(--ground);stroke-width:.8}
    .chart .number{fill:var(--c);stroke:var(--ground);stroke-width:2.5px;paint-order:stroke;
    font-weight:700}
    .chart .hollow{fill:var(--ground);stroke:var(--c);stroke-width:1.6}
    .chart .hit{fill:transparent;stroke:none}
    .chart .hit:hover,.chart .mark:hover{stroke:var(--ink);stroke-width:1.6}
    .chart .part{stroke:var(--ground);stroke-width:1}
    .c0{--c:var(--c0)}.c1{--c:var(--c1)}.c2{--c:var(--c2)}
    .c3{--c:var(--c3)}.c4{--c:var(--c4)}.c5{--c:var(--c5)}
    """

  /// The style sheet of a picture in a file of its own.
  package static let standalone: Markup = Markup(
    stringLiteral: """
      <style>:root{\(lightColours)}
      @media (prefers-color-scheme:dark){:root{\(darkColours)}}
      svg{background:var(--ground)}
      \(rules)</style>
      """)
}
