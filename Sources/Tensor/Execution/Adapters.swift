import KernelAPI

// The calls of operations that are not on matrix views yet.

struct StridedMatrix {
  let base: FloatPointer
  let rowStride: Int
  let columnStride: Int

  init(_ base: FloatPointer, rowStride: Int, columnStride: Int = 1) {
    self.base = base
    self.rowStride = rowStride
    self.columnStride = columnStride
  }

  func view(_ rows: Int, _ columns: Int) -> MatrixView {
    columnStride == 1
      ? MatrixView(reading: base, rows: rows, columns: columns, stride: rowStride)
      : MatrixView(reading: base, rows: columns, columns: rows, stride: columnStride).transposed
  }
}

func matrixProduct(
  _ m: Int, _ n: Int, _ k: Int, _ a: StridedMatrix, _ b: FloatPointer, _ bRowStride: Int,
  _ c: MutableFloatPointer, _ cRowStride: Int, _ start: ProductStart
) {
  matrixProduct(
    a.view(m, k), MatrixView(reading: b, rows: k, columns: n, stride: bRowStride),
    into: MatrixView(c, rows: m, columns: n, stride: cRowStride), start)
}

func addWeightGradient(
  _ m: Int, _ n: Int, _ rows: Int, _ dout: FloatPointer, _ doutStride: Int,
  _ x: FloatPointer, _ xStride: Int, _ gradient: MutableFloatPointer, _ stride: Int
) {
  matrixProduct(
    m, n, rows, StridedMatrix(dout, rowStride: 1, columnStride: doutStride), x, xStride, gradient,
    stride, .accumulate)
}

extension PaddedMatrix {
  var base: FloatPointer { FloatPointer(view.base) }
  var stride: Int { view.stride }
}

func padded(_ source: MutableFloatPointer, count: Int) -> PaddedMatrix {
  PaddedMatrix(source, count: count)
}

extension GradientTarget {
  var base: MutableFloatPointer { view.base }
  var stride: Int { view.stride }
}

func paddedRows(
  _ source: FloatPointer, rows: Int, features: Int, into scratch: MutableFloatPointer
) -> FloatPointer {
  let view = MatrixView(reading: source, rows: rows, columns: features, stride: features)
  return FloatPointer(view.padded(in: MatrixView(scratch, rows: rows, columns: features)).base)
}

extension KernelSet {
  static func addColumnSums(
    _ x: FloatPointer, rowStride: Int, rows: Int, columns: Int, to out: MutableFloatPointer
  ) {
    addColumnSums(MatrixView(reading: x, rows: rows, columns: columns, stride: rowStride), to: out)
  }

  static func transpose(
    _ x: FloatPointer, rows: Int, columns: Int, to out: MutableFloatPointer, rowStride: Int
  ) {
    transpose(
      MatrixView(reading: x, rows: rows, columns: columns, stride: columns),
      into: MatrixView(out, rows: columns, columns: rows, stride: rowStride))
  }

  static func layerNormForward(
    _ x: FloatPointer, rows: Int, features: Int, stride: Int, weight: FloatPointer,
    bias: FloatPointer, epsilon: Float, out: MutableFloatPointer, mean: MutableFloatPointer,
    inverse: MutableFloatPointer
  ) {
    layerNormForward(
      MatrixView(reading: x, rows: rows, columns: features, stride: stride),
      AffineVectors(weight: weight, bias: bias), epsilon: epsilon,
      out: MatrixView(out, rows: rows, columns: features, stride: stride),
      moments: RowMoments(mean: mean, inverse: inverse))
  }

  static func layerNormBackward(
    _ x: FloatPointer, _ dout: FloatPointer, rows: Int, features: Int, stride: Int,
    weight: FloatPointer, mean: FloatPointer, inverse: FloatPointer, dx: MutableFloatPointer,
    dweight: MutableFloatPointer, dbias: MutableFloatPointer
  ) {
    layerNormBackward(
      MatrixView(reading: x, rows: rows, columns: features, stride: stride),
      MatrixView(reading: dout, rows: rows, columns: features, stride: stride), weight: weight,
      moments: RowMoments(
        mean: MutableFloatPointer(mutating: mean), inverse: MutableFloatPointer(mutating: inverse)),
      dx: MatrixView(dx, rows: rows, columns: features, stride: stride),
      gradients: AffineGradients(weight: dweight, bias: dbias))
  }

  static func groupStatistics(
    _ x: FloatPointer, rows: Int, features: Int, stride: Int, epsilon: Float
  ) -> (mean: Float, inverse: Float) {
    let moments = groupMoments(
      MatrixView(reading: x, rows: rows, columns: features, stride: stride), epsilon: epsilon)
    return (moments.mean, moments.inverse)
  }

  static func groupNormForward(
    _ x: FloatPointer, rows: Int, features: Int, stride: Int, mean: Float, inverse: Float,
    weight: FloatPointer, bias: FloatPointer, out: MutableFloatPointer, outStride: Int
  ) {
    groupNormForward(
      MatrixView(reading: x, rows: rows, columns: features, stride: stride),
      AffineVectors(weight: weight, bias: bias),
      moments: GroupMoments(mean: mean, inverse: inverse),
      out: MatrixView(out, rows: rows, columns: features, stride: outStride))
  }

  static func groupNormBackward(
    _ x: FloatPointer, xStride: Int, _ dout: FloatPointer, doutStride: Int, rows: Int,
    features: Int, count: Int, mean: Float, inverse: Float, weight: FloatPointer,
    dx: MutableFloatPointer, dxStride: Int, dweight: MutableFloatPointer,
    dbias: MutableFloatPointer
  ) {
    let features = count / rows
    groupNormBackward(
      MatrixView(reading: x, rows: rows, columns: features, stride: xStride),
      MatrixView(reading: dout, rows: rows, columns: features, stride: doutStride), weight: weight,
      moments: GroupMoments(mean: mean, inverse: inverse),
      dx: MatrixView(dx, rows: rows, columns: features, stride: dxStride),
      gradients: AffineGradients(weight: dweight, bias: dbias))
  }

  static func groupNormSums(
    _ x: FloatPointer, xStride: Int, _ dout: FloatPointer, doutStride: Int, rows: Int,
    features: Int, mean: Float, inverse: Float, dweight: MutableFloatPointer,
    dbias: MutableFloatPointer
  ) {
    addGroupNormSums(
      MatrixView(reading: x, rows: rows, columns: features, stride: xStride),
      MatrixView(reading: dout, rows: rows, columns: features, stride: doutStride),
      moments: GroupMoments(mean: mean, inverse: inverse),
      to: AffineGradients(weight: dweight, bias: dbias))
  }

  static func addGroupNormInputGradient(
    _ x: FloatPointer, _ dout: FloatPointer, rows: Int, features: Int, stride: Int,
    mean: Float, inverse: Float, weight: FloatPointer, meanOfGradient: Float,
    meanOfProduct: Float, to dx: MutableFloatPointer
  ) {
    addGroupNormInputGradient(
      MatrixView(reading: x, rows: rows, columns: features, stride: stride),
      MatrixView(reading: dout, rows: rows, columns: features, stride: stride), weight: weight,
      moments: GroupMoments(mean: mean, inverse: inverse), meanOfGradient: meanOfGradient,
      meanOfProduct: meanOfProduct,
      to: MatrixView(dx, rows: rows, columns: features, stride: stride))
  }

  static func causalConv1dForward(
    _ x: FloatPointer, stride: Int, _ sequences: TileSequences, channels: Int, taps: Int,
    weight: FloatPointer, bias: FloatPointer, out: MutableFloatPointer
  ) {
    causalConv1dForward(
      MatrixView(reading: x, rows: sequences.rowCount, columns: channels, stride: stride),
      sequences,
      ConvolutionWeights(
        weight: MatrixView(reading: weight, rows: taps, columns: channels), bias: bias),
      out: MatrixView(out, rows: sequences.rowCount, columns: channels))
  }

  static func causalConv1dBackward(
    _ x: FloatPointer, stride: Int, _ dout: FloatPointer, _ sequences: TileSequences,
    channels: Int, taps: Int, weight: FloatPointer, bias: FloatPointer,
    dx: MutableFloatPointer, dxStride: Int, dweight: MutableFloatPointer,
    dbias: MutableFloatPointer, scratch: MutableFloatPointer
  ) {
    causalConv1dBackward(
      MatrixView(reading: x, rows: sequences.rowCount, columns: channels, stride: stride),
      MatrixView(reading: dout, rows: sequences.rowCount, columns: channels), sequences,
      ConvolutionWeights(
        weight: MatrixView(reading: weight, rows: taps, columns: channels), bias: bias),
      dx: MatrixView(dx, rows: sequences.rowCount, columns: channels, stride: dxStride),
      gradients: ConvolutionGradients(
        weight: MatrixView(dweight, rows: taps, columns: channels), bias: dbias),
      scratch: scratch)
  }

  static func gatedLinearUnit(
    _ a: FloatPointer, _ b: FloatPointer, stride: Int, rows: Int, columns: Int,
    out: MutableFloatPointer, outStride: Int
  ) {
    gatedLinearUnit(
      MatrixView(reading: a, rows: rows, columns: columns, stride: stride),
      MatrixView(reading: b, rows: rows, columns: columns, stride: stride),
      out: MatrixView(out, rows: rows, columns: columns, stride: outStride))
  }

  static func gatedLinearUnitBackward(
    _ a: FloatPointer, _ b: FloatPointer, stride: Int, _ dout: FloatPointer, doutStride: Int,
    rows: Int, columns: Int, da: MutableFloatPointer, db: MutableFloatPointer
  ) {
    gatedLinearUnitBackward(
      MatrixView(reading: a, rows: rows, columns: columns, stride: stride),
      MatrixView(reading: b, rows: rows, columns: columns, stride: stride),
      MatrixView(reading: dout, rows: rows, columns: columns, stride: doutStride),
      da: MatrixView(da, rows: rows, columns: columns, stride: stride),
      db: MatrixView(db, rows: rows, columns: columns, stride: stride))
  }
}
