import Charts

/// The elements that sections of a report consist of.
enum PageParts {
  /// A table in a box of its own, which scrolls when it is wider than the page. The first column
  /// names the rows; `numbers` are the columns that are set flush right.
  static func table(
    _ header: [Markup], _ rows: [[Markup]], numbers: Set<Int> = [], label: String,
    rowClasses: [String] = []
  ) -> Markup {
    func cells(_ row: [Markup]) -> Markup {
      row.enumerated().map { column, cell -> Markup in
        let look: Markup = numbers.contains(column) ? " class=\"n\"" : .empty
        return column == 0
          ? "<th scope=\"row\"\(look)>\(cell)</th>" : "<td\(look)>\(cell)</td>"
      }.joined(by: "")
    }
    let head = header.enumerated().map { column, cell -> Markup in
      let look: Markup = numbers.contains(column) ? " class=\"n\"" : .empty
      return "<th scope=\"col\"\(look)>\(cell)</th>"
    }
    let body = rows.enumerated().map { index, row -> Markup in
      let look = rowClasses.indices.contains(index) ? rowClasses[index] : ""
      return look.isEmpty
        ? "<tr>\(cells(row))</tr>" : "<tr class=\"\(look)\">\(cells(row))</tr>"
    }
    // The box can have the focus, so that it can be scrolled by keyboard.
    return """
      <div class="scroll" tabindex="0" role="region" aria-label="\(label)"><table>
      <thead><tr>\(head.joined(by: ""))</tr></thead>
      <tbody>
      \(body.joined())
      </tbody></table></div>
      """
  }

  /// A chart with its heading and a folded table of its numbers.
  static func figure(_ chart: Chart, note: String? = nil, kind: String = "chart") -> Markup {
    figure(title: chart.title, chart.svg, table: chart.table, note: note, kind: kind)
  }

  /// A drawing with its heading and a folded table of its numbers.
  static func figure(
    title: String, _ drawing: Markup, table: [[String]], note: String? = nil,
    kind: String = "chart"
  ) -> Markup {
    let remark: Markup = note.map { "<p class=\"note\">\($0)</p>" } ?? .empty
    let columns = Set((table.first ?? []).indices.dropFirst())
    let numbers = PageParts.table(
      (table.first ?? []).map { "\($0)" }, table.dropFirst().map { $0.map { "\($0)" } },
      numbers: columns, label: "Numbers: \(title)")
    return """
      <figure class="\(kind)"><figcaption>\(title)</figcaption>
      \(drawing)
      \(remark)
      <details class="numbers"><summary>Numbers</summary>\(numbers)</details></figure>
      """
  }

  /// A section with an anchor.
  static func section(_ anchor: String, _ heading: String, _ content: [Markup]) -> Markup {
    """
    <section aria-labelledby="\(anchor)"><h2 id="\(anchor)">\(heading)</h2>
    \(content.joined())
    </section>
    """
  }

  /// The marker of a run in charts, for use before its name.
  static func key(_ style: Int) -> Markup {
    let dashes = ChartStyle.dashes(style)
    let dashing: Markup = dashes.isEmpty ? .empty : " stroke-dasharray=\"\(dashes)\""
    return """
      <svg class="chart key \(ChartStyle.colour(style))" viewBox="0 0 28 12" aria-hidden="true">\
      <path class="line" d="M0 6h28"\(dashing)/>\(ChartStyle.marker(style, 14, 6))</svg>
      """
  }

  /// An integer with its digits grouped, such as "2,877,704".
  static func grouped(_ number: Int) -> String {
    var digits = String(abs(number))
    var groups: [String] = []
    while digits.count > 3 {
      groups.insert(String(digits.suffix(3)), at: 0)
      digits.removeLast(3)
    }
    return (number < 0 ? "−" : "") + ([digits] + groups).joined(separator: ",")
  }
}
