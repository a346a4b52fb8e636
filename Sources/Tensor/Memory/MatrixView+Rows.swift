import KernelAPI

extension MatrixView {
  /// Copies the columns of `source`, row by row, and leaves what lies between rows.
  package func copy(_ source: MatrixView) {
    for row in 0..<source.rows {
      self.row(row).update(from: source.row(row), count: source.columns)
    }
  }

  /// Copies the columns of `source`, row by row, and fills the padding with zeros.
  package func copyPadded(_ source: MatrixView) {
    for row in 0..<source.rows {
      let target = self.row(row)
      target.update(from: source.row(row), count: source.columns)
      for j in source.columns..<paddedToLanes(source.columns) { target[j] = 0 }
    }
  }

  /// Adds the columns to `gradient`, where rows lie side by side without padding.
  package func add(to gradient: MutableFloatPointer) {
    for row in 0..<rows { kernels.add(self.row(row), to: gradient + row * columns, count: columns) }
  }

  /// The rows as kernels take them: themselves if they are whole vectors, else a zero-padded copy
  /// in `spare`.
  package func padded(in spare: MatrixView) -> MatrixView {
    if columns == paddedColumns { return self }
    spare.copyPadded(self)
    return spare
  }

  /// Calls `body` with the rows as kernels take them: themselves if they are whole vectors, else a
  /// zero-padded copy.
  package func withPadding<Result>(_ body: (MatrixView) -> Result) -> Result {
    let needsCopy = columns != paddedColumns
    let spare = Storage(uninitialized: needsCopy ? rows * paddedColumns : 0)
    return withExtendedLifetime(spare) {
      body(padded(in: MatrixView(spare.base, rows: rows, columns: columns)))
    }
  }
}
