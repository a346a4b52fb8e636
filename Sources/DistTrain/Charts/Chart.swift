/// A diagram of series over a common axis.
///
/// Series differ by colour, marker and dashes, and have their names beside them: nothing is said by
/// colour alone. Every point tells its numbers when pointed at; `table` has all of them.
struct Chart {
  /// One pair of numbers.
  struct Point {
    let x: Double
    let y: Double
    /// How far it may be off, up and down; drawn as a bar.
    var interval: Double?
    /// What stands beside the point, if anything.
    var label: String?
    /// What it is, for whoever points at it; the numbers without it.
    var name: String?
  }

  /// Points of one thing.
  struct Series {
    let name: String
    /// Which of `ChartStyle`'s looks.
    let style: Int
    let points: [Point]
    var hasLine = true
    var hasMarkers = true
  }

  /// A line to compare with, dotted and without markers.
  struct Guide {
    let name: String
    let points: [Point]

    /// Through the whole width.
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

  /// One direction.
  struct Axis {
    /// What it is, with its unit.
    let title: String
    var kind = ChartScale.Kind.linear
    var isWhole = false
    /// Digits behind the point in the table and where pointed at.
    var digits = 4
    /// Numbers that the axis holds besides those of the points.
    var including: [Double] = []
    var isTight = false
  }

  /// What is seen, in a few words.
  let title: String
  let x: Axis
  let y: Axis
  let series: [Series]
  var guides: [Guide] = []
  var marks: [Mark] = []
  /// In units of a twelfth of the text's height.
  var width = 420.0
  /// Of the part inside the axes.
  var plotHeight = 200.0
  /// Whether series have their names beside their last points.
  var hasEndLabels = true

  /// All numbers, a row for each place on the horizontal axis.
  var table: [[String]] {
    // Among names, series may stand side by side at one.
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

  /// A number of the horizontal axis in words.
  func text(x value: Double) -> String {
    if case .categories(let names) = x.kind {
      return names.indices.contains(Int(value.rounded())) ? names[Int(value.rounded())] : ""
    }
    return x.isWhole ? "\(Int(value))" : ChartText.number(value, digits: x.digits)
  }
}
