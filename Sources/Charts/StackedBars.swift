import Platform

/// A diagram of bars that are divided into parts.
///
/// Parts differ by colour and by hatching, and show their shares where there is room; `table` has
/// all numbers.
package struct StackedBars {
  /// A bar.
  package struct Bar {
    let name: String
    /// Values of the parts, in the order of `parts`.
    let values: [Double]

    /// Bar with one of the `values` for each part of the diagram, in that order.
    package init(name: String, values: [Double]) {
      self.name = name
      self.values = values
    }
    var total: Double { values.reduce(0, +) }
  }

  package let title: String
  package let parts: [String]
  package let bars: [Bar]
  /// Prefix that distinguishes the hatchings of several drawings on a page.
  package let identifier: String
  /// Text for the total of a bar.
  package let totalText: (Double) -> String
  package let numberText: (Double) -> String

  /// Diagram in which `totalText` writes the total of a bar and `numberText` the value of a part.
  /// Each drawing of a page needs an `identifier` of its own.
  package init(
    title: String, parts: [String], bars: [Bar], identifier: String,
    totalText: @escaping (Double) -> String, numberText: @escaping (Double) -> String
  ) {
    self.title = title
    self.parts = parts
    self.bars = bars
    self.identifier = identifier
    self.totalText = totalText
    self.numberText = numberText
  }

  private static let width = 420.0
  private static let rowHeight = 46.0
  private static let legendRowHeight = 18.0

  /// Rows of all numbers, one row for each bar.
  package var table: [[String]] {
    [[""] + parts + ["all"]]
      + bars.map { [$0.name] + $0.values.map(numberText) + [numberText($0.total)] }
  }

  /// The diagram as an element of a page that has the rules of `ChartStyle`.
  package var svg: Markup {
    let legend = legendPlaces
    let legendTop = Double(bars.count) * Self.rowHeight + 8
    let height = legendTop + Double((legend.last?.row ?? 0) + 1) * Self.legendRowHeight + 2
    let drawnBars = bars.enumerated().map {
      bar($0.element, top: Double($0.offset) * Self.rowHeight)
    }
    let drawnLegend = legend.enumerated().map { index, place -> Markup in
      let top = legendTop + Double(place.row) * Self.legendRowHeight
      return box(index, place.x, top, 14, 12, nil)
        + "<text x=\"\(at: place.x + 20)\" y=\"\(at: top + 10)\">\(parts[index])</text>"
    }
    return """
      <svg class="chart" viewBox="0 0 \(at: Self.width) \(at: height)" role="img" \
      aria-label="\(title)">
      <defs>\(parts.indices.map(pattern).joined(by: ""))</defs>
      \(drawnBars.joined())
      \(drawnLegend.joined())
      </svg>
      """
  }

  private var legendPlaces: [(x: Double, row: Int)] {
    var places: [(x: Double, row: Int)] = []
    var (x, row) = (0.0, 0)
    for part in parts {
      let width = 20 + ChartText.width(part) + 18
      if x > 0 && x + width - 18 > Self.width { (x, row) = (0, row + 1) }
      places.append((x, row))
      x += width
    }
    return places
  }

  private func bar(_ bar: Bar, top: Double) -> Markup {
    let name = ChartText.shortened(bar.name, to: 250)
    var pieces: [Markup] = [
      "<text class=\"heading\" x=\"0\" y=\"\(at: top + 12)\">\(name)</text>",
      """
      <text class="soft" x="\(at: Self.width)" y="\(at: top + 12)" text-anchor="end">\
      \(totalText(bar.total))</text>
      """,
    ]
    var x = 0.0
    for (index, value) in bar.values.enumerated() where bar.total > 0 && value > 0 {
      let share = value / bar.total
      let width = share * Self.width
      let percent = NumberText.percent(share)
      pieces.append(
        box(
          index, x, top + 18, width, 20,
          "\(bar.name), \(parts[index]): \(numberText(value)), \(percent)"))
      if width > ChartText.width(percent) + 12 {
        pieces.append(
          """
          <text class="halo" x="\(at: x + width / 2)" y="\(at: top + 32)" text-anchor="middle">\
          \(percent)</text>
          """)
      }
      x += width
    }
    return pieces.joined()
  }

  private func box(
    _ index: Int, _ x: Double, _ y: Double, _ width: Double, _ height: Double, _ title: String?
  ) -> Markup {
    let inside: Markup = title.map { "<title>\($0)</title>" } ?? .empty
    return """
      <rect class="part" x="\(at: x)" y="\(at: y)" width="\(at: width)" height="\(at: height)" \
      fill="url(#\(identifier)-\(index))">\(inside)</rect>
      """
  }

  /// The hatching of a part: full colour, stripes, dots and so on.
  private func pattern(_ index: Int) -> Markup {
    let strokes: Markup =
      switch index % ChartStyle.count {
      case 0: "<path d=\"M0 0h8v8h-8z\" fill=\"var(--c)\"/>"
      case 1: "<path d=\"M-2 2l4 -4M0 8l8 -8M6 10l4 -4\" stroke=\"var(--c)\" stroke-width=\"2.4\"/>"
      case 2: "<path d=\"M-2 6l4 4M0 0l8 8M6 -2l4 4\" stroke=\"var(--c)\" stroke-width=\"2.4\"/>"
      case 3: "<circle cx=\"4\" cy=\"4\" r=\"2.2\" fill=\"var(--c)\"/>"
      case 4: "<path d=\"M0 4h8\" stroke=\"var(--c)\" stroke-width=\"3\"/>"
      default: "<path d=\"M4 0v8\" stroke=\"var(--c)\" stroke-width=\"2\"/>"
      }
    return """
      <pattern id="\(identifier)-\(index)" class="\(ChartStyle.colour(index))" \
      width="8" height="8" patternUnits="userSpaceOnUse">\
      <path d="M0 0h8v8h-8z" fill="var(--c)" fill-opacity=".22"/>\(strokes)</pattern>
      """
  }
}
