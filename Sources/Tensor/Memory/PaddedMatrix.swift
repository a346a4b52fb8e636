import KernelAPI

/// A weight matrix as a kernel takes it: rows a whole number of vectors long.
///
/// Where the parameter's rows are that already it is used in place; otherwise it is copied into
/// zero-filled rows. The storage is kept alive with the view.
package struct PaddedMatrix {
  package let view: MatrixView
  private let owner: Storage?

  /// A [rows, columns] matrix at `source`, as it lies or padded.
  init(_ source: MutableFloatPointer, rows: Int, columns: Int) {
    self.init(source, parts: [(at: 0, count: rows)], rows: rows, columns: columns)
  }

  /// A vector of `count` numbers at `source`, as it lies or padded.
  package init(_ source: MutableFloatPointer, count: Int) {
    self.init(source, rows: 1, columns: count)
  }

  /// A [rows, columns] matrix of blocks of consecutive source rows placed at `parts`; zero rows
  /// between them.
  init(
    _ source: MutableFloatPointer, parts: [(at: Int, count: Int)], rows: Int, columns: Int
  ) {
    let stride = paddedToLanes(columns)
    if stride == columns && parts.reduce(0, { $0 + $1.count }) == rows {
      view = MatrixView(source, rows: rows, columns: columns)
      owner = nil
      return
    }
    let copy = Storage(count: rows * stride)
    view = MatrixView(copy.base, rows: rows, columns: columns)
    owner = copy
    var from = source
    for (at, count) in parts {
      for row in at..<at + count {
        view.row(row).update(from: from, count: columns)
        from += columns
      }
    }
  }

  /// The transpose [columns, rows] of a [rows, columns] matrix of blocks of consecutive source rows
  /// placed at `parts`, without `parts` of one block; zero columns between them.
  init(
    transposing source: MutableFloatPointer, parts: [(at: Int, count: Int)]? = nil, rows: Int,
    columns: Int
  ) {
    let parts = parts ?? [(0, rows)]
    let isFull = parts.reduce(0) { $0 + $1.count } == paddedToLanes(rows)
    let count = columns * paddedToLanes(rows)
    let copy = isFull ? Storage(uninitialized: count) : Storage(count: count)
    view = MatrixView(copy.base, rows: columns, columns: rows)
    owner = copy
    var from = source
    for (at, count) in parts {
      kernels.transpose(
        MatrixView(from, rows: count, columns: columns, stride: columns),
        into: view.columns(from: at, count: count))
      from += count * columns
    }
  }

  /// A [rows, columns] matrix whose elements are the numbers that `element` makes.
  init(rows: Int, columns: Int, _ element: (_ row: Int, _ column: Int) -> Float) {
    let storage = Storage(count: rows * paddedToLanes(columns))
    view = MatrixView(storage.base, rows: rows, columns: columns)
    owner = storage
    for row in 0..<rows {
      for column in 0..<columns { view.row(row)[column] = element(row, column) }
    }
  }
}

/// Weight and bias of a norm as kernels take them.
package struct PaddedAffine {
  private let weight: PaddedMatrix
  private let bias: PaddedMatrix

  package init(_ parameters: AffineParameters) {
    weight = PaddedMatrix(parameters.weight.value, count: parameters.weight.count)
    bias = PaddedMatrix(parameters.bias.value, count: parameters.bias.count)
  }

  package var vectors: AffineVectors {
    AffineVectors(weight: weight.view.base, bias: bias.view.base)
  }
}

/// The place where a backward kernel adds a weight's gradient: in the arena itself if its rows are
/// whole vectors, else a padded buffer that `finish` adds to the arena.
struct GradientTarget {
  let view: MatrixView
  private let gradient: MutableFloatPointer
  private let buffer: Storage?

  init(_ gradient: MutableFloatPointer, rows: Int, columns: Int) {
    self.gradient = gradient
    let stride = paddedToLanes(columns)
    buffer = stride == columns ? nil : Storage(count: rows * stride)
    view = MatrixView(buffer?.base ?? gradient, rows: rows, columns: columns)
  }

  /// Adds a padded buffer to the arena.
  func finish() {
    guard buffer != nil else { return }
    view.add(to: gradient)
  }
}
