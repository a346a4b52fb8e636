/// A matrix in memory that something else owns and keeps alive.
///
/// Element (i, j) lies at `base[i · stride + j · columnStride]`. Kernels take rows as whole
/// vectors: they may read and write `paddedToLanes(columns)` floats of each, and find zeros in the
/// padding.
///
/// Sizes are not checked where elements are accessed; `matrixProduct` of the module `Tensor`
/// compares those of its operands.
public struct MatrixView {
  /// Element (0, 0).
  public let base: MutableFloatPointer
  /// Number of rows.
  public let rows: Int
  /// Number of columns, without padding.
  public let columns: Int
  /// Floats from one row to the next.
  public let stride: Int
  /// Floats from one column to the next: 1 unless the matrix is transposed.
  public let columnStride: Int

  /// A view of rows that are `stride` floats apart; without `stride`, of whole vectors side by
  /// side.
  public init(_ base: MutableFloatPointer, rows: Int, columns: Int, stride: Int? = nil) {
    self.init(
      base, rows: rows, columns: columns, stride: stride ?? paddedToLanes(columns), columnStride: 1)
  }

  /// A view of memory that nothing writes to through it.
  public init(reading base: FloatPointer, rows: Int, columns: Int, stride: Int? = nil) {
    self.init(MutableFloatPointer(mutating: base), rows: rows, columns: columns, stride: stride)
  }

  private init(
    _ base: MutableFloatPointer, rows: Int, columns: Int, stride: Int, columnStride: Int
  ) {
    self.base = base
    self.rows = rows
    self.columns = columns
    self.stride = stride
    self.columnStride = columnStride
  }

  /// The transpose, of the same memory.
  public var transposed: MatrixView {
    MatrixView(base, rows: columns, columns: rows, stride: columnStride, columnStride: stride)
  }

  /// Columns with the padding of whole vectors.
  public var paddedColumns: Int { paddedToLanes(columns) }

  /// First element of row `index`.
  public func row(_ index: Int) -> MutableFloatPointer { base + index * stride }

  /// `count` rows from `first` on.
  public func rows(from first: Int, count: Int) -> MatrixView {
    MatrixView(
      base + first * stride, rows: count, columns: columns, stride: stride,
      columnStride: columnStride)
  }

  /// `count` columns from `first` on.
  public func columns(from first: Int, count: Int) -> MatrixView {
    MatrixView(
      base + first * columnStride, rows: rows, columns: count, stride: stride,
      columnStride: columnStride)
  }
}
