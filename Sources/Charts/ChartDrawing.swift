/// The drawing of a chart as SVG: the layout, and the elements.
package struct ChartDrawing {
  private let chart: Chart
  private let xScale: ChartScale
  private let yScale: ChartScale
  private let left: Double
  private let right: Double
  private let top = 28.0
  private let isSlanted: Bool
  /// Share of the width that stays free at both ends, for half a marker or half a label.
  private let inset: Double
  private let legend: [LegendRow]

  private struct LegendRow {
    var items: [(x: Double, name: String, style: Int?)] = []
  }

  private static let legendRowHeight = 18.0
  private static let endLabelWidth = 96.0
  /// Largest number of markers on a line, above which they would hide it.
  private static let markerLimit = 14

  /// Height of the whole drawing.
  package var height: Double { legendTop + Double(legend.count) * Self.legendRowHeight + 4 }

  private var bottom: Double { top + chart.plotHeight }
  private var plotWidth: Double { right - left }
  private var legendTop: Double { bottom + (isSlanted ? 62 : 24) + 24 }

  /// Layout of `chart`: scales, margins and places of the labels.
  package init(_ chart: Chart) {
    self.chart = chart
    let points = chart.series.flatMap(\.points) + chart.guides.flatMap(\.points)
    xScale = ChartScale(
      points.map(\.x) + chart.x.including, chart.x.kind, isWhole: chart.x.isWhole, tickCount: 5,
      isTight: chart.x.isTight)
    yScale = ChartScale(
      points.flatMap { [$0.y - ($0.interval ?? 0), $0.y + ($0.interval ?? 0)] }
        + chart.y.including, chart.y.kind, isWhole: chart.y.isWhole,
      isTight: chart.y.isTight)
    left = 12 + (yScale.ticks.map { ChartText.width($0.label) }.max() ?? 0)
    let names = (chart.series.map(\.name) + chart.guides.map(\.name)).map {
      min(Self.endLabelWidth, ChartText.width($0))
    }
    right = chart.width - (chart.hasEndLabels ? 26 + (names.max() ?? 0) : 14)
    let slot = (right - left) / Double(max(1, xScale.ticks.count))
    isSlanted =
      if case .categories = chart.x.kind {
        xScale.ticks.contains { ChartText.width($0.label) > slot - 4 }
      } else {
        false
      }
    legend = Self.legend(chart)
    inset = chart.series.contains { $0.points.contains { $0.label != nil } } ? 0.07 : 0.02
  }

  private static func legend(_ chart: Chart) -> [LegendRow] {
    let items =
      chart.series.map { ($0.name, Optional($0.style)) } + chart.guides.map { ($0.name, nil) }
    var rows = [LegendRow()]
    var x = 0.0
    for (name, style) in items {
      let shown = ChartText.shortened(name, to: chart.width - 44)
      let width = 34 + ChartText.width(shown) + 16
      if x > 0 && x + width - 16 > chart.width {
        rows.append(LegendRow())
        x = 0
      }
      rows[rows.count - 1].items.append((x, shown, style))
      x += width
    }
    return rows
  }

  /// The elements of the drawing, without the `svg` element around them.
  package var elements: Markup {
    ([axes, marks] + chart.guides.map(guide) + chart.series.map(series) + labels + [legendElements])
      .joined()
  }

  private func x(_ value: Double) -> Double {
    let place = min(1, max(0, xScale.place(value)))
    return left + (value.isInfinite ? place : inset + (1 - 2 * inset) * place) * plotWidth
  }

  private func y(_ value: Double) -> Double {
    bottom - min(1.02, max(-0.02, yScale.place(value))) * chart.plotHeight
  }

  private var axes: Markup {
    var parts: [Markup] = [
      "<text class=\"soft\" x=\"0\" y=\"13\">\(chart.y.title)</text>"
    ]
    for tick in yScale.ticks {
      let place = y(tick.value)
      parts.append(
        """
        <line class="grid" x1="\(at: left)" x2="\(at: right)" y1="\(at: place)" y2="\(at: place)"/>\
        <text class="soft" x="\(at: left - 6)" y="\(at: place + 4)" text-anchor="end">\
        \(tick.label)</text>
        """)
    }
    parts.append("<path class=\"axis\" d=\"M\(at: left) \(at: bottom)H\(at: right)\"/>")
    for tick in xTicks {
      let place = x(tick.value)
      parts.append(
        "<line class=\"axis\" x1=\"\(at: place)\" x2=\"\(at: place)\" y1=\"\(at: bottom)\" "
          + "y2=\"\(at: bottom + 4)\"/>")
      let turn: Markup =
        isSlanted
        ? " transform=\"rotate(-45 \(at: place + 4) \(at: bottom + 15))\" text-anchor=\"end\""
        : " text-anchor=\"middle\""
      let text = isSlanted ? ChartText.shortened(tick.label, to: 76) : tick.label
      parts.append(
        "<text class=\"soft\" x=\"\(at: isSlanted ? place + 4 : place)\" "
          + "y=\"\(at: bottom + (isSlanted ? 15 : 18))\"\(turn)>\(text)</text>")
    }
    parts.append(
      "<text class=\"soft\" x=\"\(at: (left + right) / 2)\" y=\"\(at: legendTop - 10)\" "
        + "text-anchor=\"middle\">\(chart.x.title)</text>")
    return parts.joined()
  }

  /// Ticks of the horizontal axis; a logarithmic axis has ticks only at measured points.
  private var xTicks: [ChartScale.Tick] {
    guard chart.x.kind == .logarithmic else { return xScale.ticks }
    return Set(chart.series.flatMap { $0.points.map(\.x) }).sorted()
      .map { ChartScale.Tick(value: $0, label: chart.text(x: $0)) }
  }

  private var marks: Markup {
    chart.marks.map { mark in
      let place = x(mark.x)
      return """
        <line class="moment" x1="\(at: place)" x2="\(at: place)" y1="\(at: top)" \
        y2="\(at: bottom)"><title>\(mark.name)</title></line>
        """
    }.joined()
  }

  private func path(_ points: [Chart.Point]) -> Markup {
    // A point that is not finite ends a line; the next finite point starts another.
    var text = ""
    var isBroken = true
    for point in points {
      if !point.y.isFinite {
        isBroken = true
        continue
      }
      text += "\(isBroken ? "M" : "L")\(Markup.place(x(point.x))) \(Markup.place(y(point.y)))"
      isBroken = false
    }
    return Markup(stringLiteral: text)
  }

  private func guide(_ guide: Chart.Guide) -> Markup {
    "<path class=\"guide\" d=\"\(path(guide.points))\"><title>\(guide.name)</title></path>"
  }

  private func series(_ series: Chart.Series) -> Markup {
    let finite = series.points.filter(\.y.isFinite)
    var parts: [Markup] = []
    if series.hasLine && finite.count > 1 {
      let dashes = ChartStyle.dashes(series.style)
      let dashing: Markup = dashes.isEmpty ? .empty : " stroke-dasharray=\"\(dashes)\""
      parts.append("<path class=\"line\" d=\"\(path(series.points))\"\(dashing)/>")
    }
    // A scatter of many points is clearer when the points are small.
    let scale = !series.hasLine && finite.count > 100 ? 0.7 : 1
    let every = max(1, (finite.count + Self.markerLimit - 1) / Self.markerLimit)
    for (index, point) in finite.enumerated() {
      let title =
        point.name
        ?? "\(series.name), \(chart.x.title) \(chart.text(x: point.x)): "
        + ChartText.number(point.y, digits: chart.y.digits)
      if let interval = point.interval {
        parts.append(
          """
          <path class="spread" d="M\(at: x(point.x)) \(at: y(point.y - interval))\
          V\(at: y(point.y + interval))"/>
          """)
      }
      let isShown = !series.hasLine || index % every == 0 || index == finite.count - 1
      if series.hasMarkers && isShown {
        parts.append(
          ChartStyle.marker(series.style, x(point.x), y(point.y), title, scale: scale))
      } else {
        parts.append(
          "<circle class=\"hit\" cx=\"\(at: x(point.x))\" cy=\"\(at: y(point.y))\" r=\"4\">"
            + "<title>\(title)</title></circle>")
      }
    }
    return """
      <g class="series \(ChartStyle.colour(series.style))" data-name="\(series.name)" \
      data-points="\(finite.count)">\(parts.joined(by: ""))</g>
      """
  }

  /// Labels beside points, and names at the ends of lines.
  private var labels: [Markup] {
    var parts: [Markup] = []
    for (index, series) in chart.series.enumerated() {
      // Labels of the first series are above their points and those of others below, where they
      // overlap least.
      let offset = index == 0 ? -10.0 : 6.0 + 14 * Double(index)
      for point in series.points {
        guard let label = point.label, point.y.isFinite else { continue }
        let below = y(point.y) + offset
        let place = below < bottom - 2 ? below : y(point.y) - 10
        parts.append(
          """
          <text class="halo" x="\(at: x(point.x))" y="\(at: place)" text-anchor="middle">\
          \(label)</text>
          """)
      }
    }
    return chart.hasEndLabels ? parts + endLabels : parts
  }

  private var endLabels: [Markup] {
    let gap = 14.0
    var ends = chart.series.compactMap { series -> (name: String, style: Int?, y: Double)? in
      series.points.last { $0.y.isFinite }.map { (series.name, series.style, y($0.y)) }
    }
    ends += chart.guides.compactMap { guide in guide.points.last.map { (guide.name, nil, y($0.y)) }
    }
    ends.sort { $0.y < $1.y }
    // Move overlapping names down, and then up again from the lower end.
    for index in ends.indices.dropFirst() {
      ends[index].y = max(ends[index].y, ends[index - 1].y + gap)
    }
    var limit = bottom
    for index in ends.indices.reversed() {
      ends[index].y = min(ends[index].y, limit)
      limit = ends[index].y - gap
    }
    return ends.map { end in
      let name = ChartText.shortened(end.name, to: Self.endLabelWidth)
      let text: Markup = "<text x=\"\(at: right + 19)\" y=\"\(at: end.y + 4)\">\(name)</text>"
      guard let style = end.style else { return text }
      return """
        <g class="\(ChartStyle.colour(style))">\(ChartStyle.marker(style, right + 10, end.y))\
        \(text)</g>
        """
    }
  }

  private var legendElements: Markup {
    legend.enumerated().flatMap { row, content in
      content.items.map { item -> Markup in
        let middle = legendTop + Double(row) * Self.legendRowHeight + 8
        let name: Markup =
          "<text x=\"\(at: item.x + 32)\" y=\"\(at: middle + 4)\">\(item.name)</text>"
        guard let style = item.style else {
          return "<path class=\"guide\" d=\"M\(at: item.x) \(at: middle)h26\"/>" + name
        }
        let dashes = ChartStyle.dashes(style)
        let dashing: Markup = dashes.isEmpty ? .empty : " stroke-dasharray=\"\(dashes)\""
        let line: Markup =
          chart.series.contains { $0.style == style && $0.hasLine }
          ? "<path class=\"line\" d=\"M\(at: item.x) \(at: middle)h26\"\(dashing)/>" : .empty
        return """
          <g class="\(ChartStyle.colour(style))">\(line)\
          \(ChartStyle.marker(style, item.x + 13, middle))</g>
          """ + name
      }
    }.joined()
  }
}

extension Chart {
  /// The chart as an element of a page that has the rules of `ChartStyle`.
  package var svg: Markup {
    let drawing = ChartDrawing(self)
    return """
      <svg class="chart" viewBox="0 0 \(at: width) \(at: drawing.height)" role="img" \
      aria-label="\(title)">
      \(drawing.elements)
      </svg>
      """
  }
}
