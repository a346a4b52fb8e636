import KernelAPI

/// A weight matrix as a kernel wants it: rows a whole number of vectors long.
///
/// Where the parameter's rows are that already it is used in place; otherwise it is copied into
/// zero-filled rows. The storage is kept alive with the pointer.
struct PaddedMatrix {
  let base: FloatPointer
  let stride: Int
  private let owner: Storage?

  /// Rows `rows` of an [_, columns] matrix at `source`, as they lie or padded.
  init(_ source: FloatPointer, rows: Int, columns: Int) {
    let padded = paddedToLanes(columns)
    stride = padded
    if padded == columns {
      base = source
      owner = nil
      return
    }
    let copy = Storage(count: rows * padded)
    for row in 0..<rows {
      (copy.base + row * padded).update(from: source + row * columns, count: columns)
    }
    base = FloatPointer(copy.base)
    owner = copy
  }

  /// The same, with blocks of consecutive source rows placed at `parts`; zero rows between them.
  init(
    _ source: FloatPointer, parts: [(at: Int, count: Int)], rows: Int, columns: Int
  ) {
    stride = paddedToLanes(columns)
    if stride == columns && parts.reduce(0, { $0 + $1.count }) == rows {
      base = source
      owner = nil
      return
    }
    let copy = Storage(count: rows * stride)
    var from = source
    for (at, count) in parts {
      for row in at..<at + count {
        (copy.base + row * stride).update(from: from, count: columns)
        from += columns
      }
    }
    base = FloatPointer(copy.base)
    owner = copy
  }

  /// The transpose, [columns, rows padded], of a [rows, columns] matrix.
  init(transposing source: FloatPointer, rows: Int, columns: Int) {
    stride = paddedToLanes(rows)
    let isFull = stride == rows
    let copy = isFull ? Storage(uninitialized: columns * stride) : Storage(count: columns * stride)
    kernels.transpose(source, rows: rows, columns: columns, to: copy.base, rowStride: stride)
    base = FloatPointer(copy.base)
    owner = copy
  }
}

/// A bias or norm weight, padded with zeros to whole vectors.
func padded(_ source: FloatPointer, count: Int) -> PaddedMatrix {
  PaddedMatrix(source, rows: 1, columns: count)
}

/// Where a backward kernel adds a weight's gradient: in the arena itself if its rows are whole
/// vectors, else in a padded buffer that `finish` adds to the arena.
final class GradientTarget {
  let base: MutableFloatPointer
  let stride: Int
  private let rows: Int
  private let columns: Int
  private let final: MutableFloatPointer
  private let buffer: Storage?

  init(_ gradient: MutableFloatPointer, rows: Int, columns: Int) {
    self.rows = rows
    self.columns = columns
    final = gradient
    stride = paddedToLanes(columns)
    if stride == columns {
      base = gradient
      buffer = nil
    } else {
      let buffer = Storage(count: rows * stride)
      base = buffer.base
      self.buffer = buffer
    }
  }

  /// Adds a padded buffer to the arena.
  func finish() {
    guard buffer != nil else { return }
    for row in 0..<rows {
      for column in 0..<columns { final[row * columns + column] += base[row * stride + column] }
    }
  }
}

/// Rows of `features` floats as kernel rows: the rows themselves, or a zero-padded copy.
func paddedRows(
  _ source: FloatPointer, rows: Int, features: Int, into scratch: MutableFloatPointer
) -> FloatPointer {
  let stride = paddedToLanes(features)
  if stride == features { return source }
  for row in 0..<rows {
    let target = scratch + row * stride
    target.update(from: source + row * features, count: features)
    for j in features..<stride { target[j] = 0 }
  }
  return FloatPointer(scratch)
}
