import Foundation

/// Figures against the number of ranks as an SVG picture: panels side by side, ranks in powers of two
/// from left to right.
///
/// Lines and text have the colour of the text around (`currentColor`), which follows a light or dark
/// page. Series differ by marker and dashes, every point has its number beside it: nothing is said
/// by colour alone.
struct ScalingPicture {
  /// One number.
  struct Point {
    let ranks: Int
    let value: Double
    /// Whether the note is about it; its label gets an asterisk.
    var isMarked = false
  }

  /// Points with a line through them.
  struct Series {
    let name: String
    let points: [Point]
  }

  /// One diagram.
  struct Panel {
    /// What goes up, with its unit.
    let axis: String
    /// What follows the numbers at the points.
    let unit: String
    let isLogarithmic: Bool
    /// The line that perfect scaling would give.
    let ideal: [Point]
    let series: [Series]
  }

  let title: String
  let note: String?
  let panels: [Panel]

  /// The picture as a file.
  var svg: String {
    let width = Self.margin + panels.count * Self.panelWidth
    var lines = [
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(width) \(Self.height)\" "
        + "width=\"\(width)\" height=\"\(Self.height)\" role=\"img\">",
      "<title>\(Self.escaped(title))</title>",
      // Alone in a browser there is no text around: then the reader's preference decides.
      "<style>svg{color:#1a1a1a;background:#fff;font:12px sans-serif}"
        + "@media (prefers-color-scheme:dark){svg{color:#eee;background:#161616}}"
        + "text{fill:currentColor}.halo{paint-order:stroke;stroke:#fff;stroke-width:3}"
        + "@media (prefers-color-scheme:dark){.halo{stroke:#161616}}"
        + "path,circle,rect,polygon,line{stroke:currentColor;fill:none}</style>",
      text(Self.margin, 22, title, size: 15),
    ]
    for (index, panel) in panels.enumerated() {
      lines += draw(panel, left: Self.margin + index * Self.panelWidth)
    }
    if let note { lines.append(text(Self.margin, Self.height - 8, note)) }
    return lines.joined(separator: "\n") + "\n</svg>\n"
  }

  private static let margin = 64
  private static let panelWidth = 470
  private static let plotWidth = 380
  private static let top = 56
  private static let plotHeight = 250
  private static let height = 388

  private func draw(_ panel: Panel, left: Int) -> [String] {
    let all = panel.ideal + panel.series.flatMap(\.points)
    let scale = Scale(all, isLogarithmic: panel.isLogarithmic)
    let bottom = Self.top + Self.plotHeight
    func x(_ ranks: Int) -> Double { Double(left) + scale.x(ranks) * Double(Self.plotWidth) }
    func y(_ value: Double) -> Double { Double(bottom) - scale.y(value) * Double(Self.plotHeight) }

    var lines = [
      "<path d=\"M\(left) \(Self.top)V\(bottom)H\(left + Self.plotWidth)\"/>",
      text(left - 40, Self.top - 14, panel.axis),
      text(left + Self.plotWidth / 2, bottom + 36, "ranks (log2)", anchor: "middle"),
    ]
    for ranks in Set(all.map(\.ranks)).sorted() {
      lines.append(
        "<line x1=\"\(Self.number(x(ranks)))\" x2=\"\(Self.number(x(ranks)))\" y1=\"\(bottom)\" "
          + "y2=\"\(bottom + 5)\"/>")
      lines.append(text(x(ranks), Double(bottom + 18), "\(ranks)", anchor: "middle"))
    }
    for tick in scale.ticks {
      lines.append(
        "<line x1=\"\(left)\" x2=\"\(left + Self.plotWidth)\" y1=\"\(Self.number(y(tick)))\" "
          + "y2=\"\(Self.number(y(tick)))\" stroke-opacity=\"0.15\"/>")
      lines.append(
        text(Double(left - 6), y(tick) + 4, BenchmarkText.setting(tick), anchor: "end"))
    }
    func path(_ points: [Point]) -> String {
      "M"
        + points.map { "\(Self.number(x($0.ranks))) \(Self.number(y($0.value)))" }
        .joined(separator: "L")
    }
    if panel.ideal.count > 1 {
      lines.append("<path d=\"\(path(panel.ideal))\" stroke-dasharray=\"2 4\"/>")
    }
    for (index, series) in panel.series.enumerated() {
      let style = Style.allCases[index % Style.allCases.count]
      if series.points.count > 1 {
        let dashes = style.dashes.isEmpty ? "" : " stroke-dasharray=\"\(style.dashes)\""
        lines.append("<path d=\"\(path(series.points))\" stroke-width=\"1.5\"\(dashes)/>")
      }
      // Labels of the first series above its points, of the others below: they meet least there.
      let offset = index == 0 ? -10.0 : 6.0 + 14 * Double(index)
      for point in series.points {
        lines.append(style.marker(x(point.ranks), y(point.value)))
        let label =
          BenchmarkText.figures(point.value) + panel.unit + (point.isMarked ? "*" : "")
        let below = y(point.value) + offset
        let place = below < Double(bottom) - 2 ? below : y(point.value) - 10
        lines.append(
          text(x(point.ranks), place, label, anchor: "middle", size: 10, hasHalo: true))
      }
    }
    return lines + legend(panel, left: left, y: bottom + 58)
  }

  private func legend(_ panel: Panel, left: Int, y: Int) -> [String] {
    var lines = [
      "<path d=\"M\(left) \(y - 4)h26\" stroke-dasharray=\"2 4\"/>", text(left + 32, y, "ideal"),
    ]
    var x = left + 80
    for (index, series) in panel.series.enumerated() {
      let style = Style.allCases[index % Style.allCases.count]
      let dashes = style.dashes.isEmpty ? "" : " stroke-dasharray=\"\(style.dashes)\""
      lines.append("<path d=\"M\(x) \(y - 4)h26\" stroke-width=\"1.5\"\(dashes)/>")
      lines.append(style.marker(Double(x + 13), Double(y - 4)))
      lines.append(text(x + 32, y, series.name))
      x += 46 + 7 * series.name.count
    }
    return lines
  }

  private func text(_ x: Int, _ y: Int, _ content: String, anchor: String = "start", size: Int = 12)
    -> String
  {
    text(Double(x), Double(y), content, anchor: anchor, size: size)
  }

  private func text(
    _ x: Double, _ y: Double, _ content: String, anchor: String = "start", size: Int = 12,
    hasHalo: Bool = false
  ) -> String {
    "<text x=\"\(Self.number(x))\" y=\"\(Self.number(y))\" font-size=\"\(size)\" "
      + "text-anchor=\"\(anchor)\"\(hasHalo ? " class=\"halo\"" : "")>\(Self.escaped(content))</text>"
  }

  private static func number(_ value: Double) -> String { String(format: "%.1f", value) }

  private static func escaped(_ text: String) -> String {
    text.replacingOccurrences(of: "&", with: "&amp;")
      .replacingOccurrences(of: "<", with: "&lt;").replacingOccurrences(of: ">", with: "&gt;")
  }

  /// How series are told apart.
  private enum Style: CaseIterable {
    case circle, square, triangle

    var dashes: String {
      switch self {
      case .circle: ""
      case .square: "8 4"
      case .triangle: "8 3 2 3"
      }
    }

    func marker(_ x: Double, _ y: Double) -> String {
      func n(_ value: Double) -> String { ScalingPicture.number(value) }
      switch self {
      case .circle: return "<circle cx=\"\(n(x))\" cy=\"\(n(y))\" r=\"4\"/>"
      case .square:
        return "<rect x=\"\(n(x - 4))\" y=\"\(n(y - 4))\" width=\"8\" height=\"8\"/>"
      case .triangle:
        return "<polygon points=\"\(n(x - 5)),\(n(y + 4)) \(n(x + 5)),\(n(y + 4)) "
          + "\(n(x)),\(n(y - 5))\"/>"
      }
    }
  }

  /// Where numbers lie, as shares of the panel.
  private struct Scale {
    let ranks: ClosedRange<Double>
    let values: ClosedRange<Double>
    let isLogarithmic: Bool
    let ticks: [Double]

    init(_ points: [Point], isLogarithmic: Bool) {
      self.isLogarithmic = isLogarithmic
      let logs = points.map { log2(Double($0.ranks)) }
      ranks = (logs.min() ?? 0)...(logs.max() ?? 0)
      let finite = points.map(\.value).filter { $0.isFinite && $0 > 0 }
      if isLogarithmic {
        let low = floor(log2(finite.min() ?? 1))
        let high = max(low + 1, ceil(log2(finite.max() ?? 1)))
        values = low...high
        let every = max(1, ((high - low) / 8).rounded(.up))
        ticks = stride(from: low, through: high, by: every).map { pow(2, $0) }
      } else {
        let high = max(20, ((finite.max() ?? 100) / 20).rounded(.up) * 20)
        values = 0...(high * 1.08)
        ticks = stride(from: 0, through: high, by: 20).map { $0 }
      }
    }

    func x(_ count: Int) -> Double {
      let width = ranks.upperBound - ranks.lowerBound
      // Half a label's width is free at both ends.
      return width == 0 ? 0.5 : 0.04 + 0.92 * (log2(Double(count)) - ranks.lowerBound) / width
    }

    func y(_ value: Double) -> Double {
      let place = isLogarithmic ? log2(max(value, 1e-9)) : value
      let share = (place - values.lowerBound) / (values.upperBound - values.lowerBound)
      return min(1, max(0, share))
    }
  }
}
