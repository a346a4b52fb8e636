import Charts
import Platform

/// A picture of figures against the number of ranks as SVG: panels side by side, with a logarithmic
/// axis of ranks.
package struct ScalingPicture {
  /// A figure at a number of ranks.
  package struct Point {
    let ranks: Int
    let value: Double
    /// Whether the note refers to the point, whose label then has an asterisk.
    var isMarked = false
  }

  /// A series of points, connected by a line.
  package struct Series {
    let name: String
    let points: [Point]
  }

  /// A diagram of the picture.
  package struct Panel {
    /// Title of the vertical axis, with its unit.
    let axis: String
    /// Unit after the numbers at the points.
    let unit: String
    let isLogarithmic: Bool
    /// Line of perfect scaling.
    let ideal: [Point]
    let series: [Series]
  }

  package let title: String
  package let note: String?
  package let panels: [Panel]

  /// A picture of efficiencies in percent beside throughputs in seconds of audio a second, over the
  /// ranks of `throughput`. Perfect scaling is 100%, and `rankThroughput` for each rank.
  init(title: String, rankThroughput: Double, efficiency: [Series], throughput: Series) {
    let points = throughput.points
    self.title = title
    note = points.contains(where: \.isMarked) ? "* more ranks than cores" : nil
    panels = [
      Panel(
        axis: "efficiency, %", unit: "%", isLogarithmic: false,
        ideal: points.map { Point(ranks: $0.ranks, value: 100) }, series: efficiency),
      Panel(
        axis: "seconds of audio trained a second", unit: "", isLogarithmic: true,
        ideal: points.map { Point(ranks: $0.ranks, value: rankThroughput * Double($0.ranks)) },
        series: [throughput]),
    ]
  }

  /// The panels as charts.
  package var charts: [Chart] {
    panels.map { panel in
      Chart(
        title: "\(title): \(panel.axis)",
        x: Chart.Axis(title: "ranks (log2)", kind: .logarithmic, isWhole: true, isTight: true),
        y: Chart.Axis(
          title: panel.axis, kind: panel.isLogarithmic ? .logarithmic : .linear, digits: 2,
          including: panel.isLogarithmic ? [] : [0, 120]),
        series: panel.series.enumerated().map { index, series in
          Chart.Series(
            name: series.name, style: index,
            points: series.points.map { point in
              Chart.Point(
                x: Double(point.ranks), y: point.value,
                // Labels of many points have room for the number only.
                label: NumberText.figures(point.value)
                  + (series.points.count > 7 ? "" : panel.unit)
                  + (point.isMarked ? "*" : ""))
            })
        },
        guides: [
          Chart.Guide(
            name: "ideal", points: panel.ideal.map { Chart.Point(x: Double($0.ranks), y: $0.value) }
          )
        ],
        plotHeight: 230, hasEndLabels: false)
    }
  }

  /// The text of the SVG file.
  package var svg: String {
    let (margin, gap, top) = (16.0, 40.0, 44.0)
    let charts = charts
    let drawings = charts.map { ChartDrawing($0) }
    let width = charts.reduce(2 * margin - gap) { $0 + $1.width + gap }
    let height = top + (drawings.map(\.height).max() ?? 0) + (note == nil ? 12 : 34)
    var x = margin
    var parts: [Markup] = []
    for (chart, drawing) in zip(charts, drawings) {
      parts.append("<g transform=\"translate(\(at: x) \(at: top))\">\(drawing.elements)</g>")
      x += chart.width + gap
    }
    if let note {
      parts.append("<text x=\"\(at: margin)\" y=\"\(at: height - 12)\">\(note)</text>")
    }
    let picture: Markup = """
      <svg xmlns="http://www.w3.org/2000/svg" class="chart" \
      viewBox="0 0 \(at: width) \(at: height)" width="\(at: width)" \
      height="\(at: height)" role="img">
      <title>\(title)</title>
      \(ChartStyle.standalone)
      <text class="heading" x="\(at: margin)" y="26">\(title)</text>
      \(parts.joined())
      </svg>

      """
    return picture.text
  }
}
