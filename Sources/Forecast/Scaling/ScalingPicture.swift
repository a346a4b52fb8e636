import Charts
import Platform

/// Figures against the number of ranks as an SVG picture: panels side by side, ranks in powers of two
/// from left to right.
package struct ScalingPicture {
  /// One number.
  package struct Point {
    let ranks: Int
    let value: Double
    /// Whether the note is about it; its label gets an asterisk.
    var isMarked = false
  }

  /// Points with a line through them.
  package struct Series {
    let name: String
    let points: [Point]
  }

  /// One diagram.
  package struct Panel {
    /// What goes up, with its unit.
    let axis: String
    /// What follows the numbers at the points.
    let unit: String
    let isLogarithmic: Bool
    /// The line that perfect scaling would give.
    let ideal: [Point]
    let series: [Series]
  }

  package let title: String
  package let note: String?
  package let panels: [Panel]

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
                // Of many there is room for the bare number.
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

  /// The picture as a file.
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
      <svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="0 0 \(at: width) \(at: height)" \
      width="\(at: width)" height="\(at: height)" role="img">
      <title>\(title)</title>
      \(ChartStyle.standalone)
      <text class="heading" x="\(at: margin)" y="26">\(title)</text>
      \(parts.joined())
      </svg>

      """
    return picture.text
  }
}
