/// A diagram of series over a common axis.
///
/// Series differ by colour, marker and dashes, and have their names beside them, so that colour is
/// never the only distinction. A tooltip shows the numbers of a point; `table` has all numbers.
struct Chart {
  /// A pair of numbers.
  struct Point {
    let x: Double
    let y: Double
    /// Uncertainty of the value in both directions, drawn as an error bar.
    var interval: Double?
    /// Label beside the point, if any.
    var label: String?
    /// Name of the point in its tooltip; nil shows only the numbers.
    var name: String?
  }

  /// A series of points.
  struct Series {
    let name: String
    /// Number of the look in `ChartStyle`.
    let style: Int
    let points: [Point]
    var hasLine = true
    var hasMarkers = true
  }

  /// A line for comparison, dotted and without markers.
  struct Guide {
    let name: String
    let points: [Point]

    /// A horizontal guide through the whole width.
    static func level(_ name: String, _ value: Double) -> Guide {
      Guide(
        name: name, points: [Point(x: -.infinity, y: value), Point(x: .infinity, y: value)])
    }
  }

  /// A moment along the horizontal axis.
  struct Mark {
    let x: Double
    let name: String
  }

  /// An axis.
  struct Axis {
    /// Title of the axis, with its unit.
    let title: String
    var kind = ChartScale.Kind.linear
    var isWhole = false
    /// Number of digits after the decimal point in the table and in tooltips.
    var digits = 4
    /// Numbers that the axis includes besides those of the points.
    var including: [Double] = []
    var isTight = false
  }

  /// Title of the chart, in a few words.
  let title: String
  let x: Axis
  let y: Axis
  let series: [Series]
  var guides: [Guide] = []
  var marks: [Mark] = []
  /// Width of the chart, in twelfths of the text's height.
  var width = 420.0
  /// Height of the plot inside the axes, in the unit of `width`.
  var plotHeight = 200.0
  /// Whether series have their names beside their last points.
  var hasEndLabels = true

  /// Rows of all numbers, one row for each position on the horizontal axis.
  var table: [[String]] {
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
  func text(x value: Double) -> String {
    if case .categories(let names) = x.kind {
      return names.indices.contains(Int(value.rounded())) ? names[Int(value.rounded())] : ""
    }
    return x.isWhole ? "\(Int(value))" : ChartText.number(value, digits: x.digits)
  }
}
