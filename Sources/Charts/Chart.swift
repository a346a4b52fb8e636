/// A diagram of series over a common axis.
///
/// Series differ by colour, marker and dashes, and have their names beside them, so that colour is
/// never the only distinction. A tooltip shows the numbers of a point; `table` has all numbers.
package struct Chart {
  /// A pair of numbers.
  package struct Point {
    package let x: Double
    package let y: Double
    /// Uncertainty of the value in both directions, drawn as an error bar.
    var interval: Double?
    /// Label beside the point, if any.
    var label: String?
    /// Name of the point in its tooltip; nil shows only the numbers.
    var name: String?

    /// Point at (x, y) in the units of the axes; `interval` reaches as far above `y` as below.
    package init(
      x: Double, y: Double, interval: Double? = nil, label: String? = nil, name: String? = nil
    ) {
      self.x = x
      self.y = y
      self.interval = interval
      self.label = label
      self.name = name
    }
  }

  /// A series of points.
  package struct Series {
    let name: String
    /// Number of the look in `ChartStyle`.
    let style: Int
    package let points: [Point]
    var hasLine = true
    var hasMarkers = true

    /// Series whose points are joined in the order given.
    package init(
      name: String, style: Int, points: [Point], hasLine: Bool = true, hasMarkers: Bool = true
    ) {
      self.name = name
      self.style = style
      self.points = points
      self.hasLine = hasLine
      self.hasMarkers = hasMarkers
    }
  }

  /// A line for comparison, dotted and without markers.
  package struct Guide {
    let name: String
    let points: [Point]

    /// Guide through `points`, in the order given; infinite positions are the edges of the plot.
    package init(name: String, points: [Point]) {
      self.name = name
      self.points = points
    }

    /// A horizontal guide through the whole width.
    package static func level(_ name: String, _ value: Double) -> Guide {
      Guide(
        name: name, points: [Point(x: -.infinity, y: value), Point(x: .infinity, y: value)])
    }
  }

  /// A moment along the horizontal axis.
  package struct Mark {
    let x: Double
    let name: String

    /// Mark at `x`, in the unit of the horizontal axis.
    package init(x: Double, name: String) {
      self.x = x
      self.name = name
    }
  }

  /// An axis.
  package struct Axis {
    /// Title of the axis, with its unit.
    package let title: String
    var kind = ChartScale.Kind.linear
    var isWhole = false
    /// Number of digits after the decimal point in the table and in tooltips.
    var digits = 4
    /// Numbers that the axis includes besides those of the points.
    var including: [Double] = []
    var isTight = false

    /// Axis of a `title` with its unit. Numbers are whole if `isWhole`, and have `digits` digits
    /// after the point otherwise; `isTight` ends the axis at the outermost points instead of round
    /// numbers.
    package init(
      title: String, kind: ChartScale.Kind = .linear, isWhole: Bool = false, digits: Int = 4,
      including: [Double] = [], isTight: Bool = false
    ) {
      self.title = title
      self.kind = kind
      self.isWhole = isWhole
      self.digits = digits
      self.including = including
      self.isTight = isTight
    }
  }

  /// Title of the chart, in a few words.
  package let title: String
  package let x: Axis
  package let y: Axis
  package let series: [Series]
  package var guides: [Guide] = []
  package var marks: [Mark] = []
  /// Width of the chart, in twelfths of the text's height.
  package var width = 420.0
  /// Height of the plot inside the axes, in the unit of `width`.
  package var plotHeight = 200.0
  /// Whether series have their names beside their last points.
  package var hasEndLabels = true

  /// Chart of `series` and `guides`; `width` and `plotHeight` are in twelfths of the text's height.
  package init(
    title: String, x: Axis, y: Axis, series: [Series], guides: [Guide] = [], marks: [Mark] = [],
    width: Double = 420.0, plotHeight: Double = 200.0, hasEndLabels: Bool = true
  ) {
    self.title = title
    self.x = x
    self.y = y
    self.series = series
    self.guides = guides
    self.marks = marks
    self.width = width
    self.plotHeight = plotHeight
    self.hasEndLabels = hasEndLabels
  }

  /// Rows of all numbers, one row for each position on the horizontal axis.
  package var table: [[String]] {
    // On an axis of names, series may have positions side by side at one name.
    let isNamed = if case .categories = x.kind { true } else { false }
    func key(_ point: Point) -> Double { isNamed ? point.x.rounded() : point.x }
    let names = Array(Set(series.flatMap { $0.points.map(key) })).sorted()
    let columns = series.map { series in
      Dictionary(series.points.map { (key($0), $0) }) { $1 }
    }
    return [[x.title] + series.map(\.name)]
      + names.map { name in
        [text(x: name)]
          + columns.map { column in
            guard let point = column[name], point.y.isFinite else { return "" }
            let interval = point.interval.map { " ± " + ChartText.number($0, digits: y.digits) }
            return ChartText.number(point.y, digits: y.digits) + (interval ?? "")
          }
      }
  }

  /// A number of the horizontal axis as text.
  package func text(x value: Double) -> String {
    if case .categories(let names) = x.kind {
      return names.indices.contains(Int(clamped: value.rounded()))
        ? names[Int(clamped: value.rounded())] : ""
    }
    return x.isWhole ? "\(Int(clamped: value))" : ChartText.number(value, digits: x.digits)
  }
}
