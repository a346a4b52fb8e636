import COpenBLAS
import Foundation
import KernelAPI

/// Which matrix product runs: our kernels, or OpenBLAS for comparison
/// (`DISTTRAIN_GEMM=openblas`).
public let usesOpenBLAS: Bool = KernelSelection.chosen(KernelSelection.usesOpenBLAS)

/// C[m, n] = A[m, k]·B[k, n] by the chosen implementation.
func matrixProduct(
  _ m: Int, _ n: Int, _ k: Int, _ a: StridedMatrix, _ b: FloatPointer, _ bRowStride: Int,
  _ c: MutableFloatPointer, _ cRowStride: Int, _ start: ProductStart
) {
  if usesOpenBLAS {
    openBLASProduct(m, n, k, a, b, bRowStride: bRowStride, c, cRowStride: cRowStride, start)
  } else {
    kernels.matrixProduct(
      m, n, k, a, b, bRowStride: bRowStride, c, cRowStride: cRowStride, start)
  }
}

/// The same with a mutable B.
func matrixProduct(
  _ m: Int, _ n: Int, _ k: Int, _ a: StridedMatrix, _ b: MutableFloatPointer, _ bRowStride: Int,
  _ c: MutableFloatPointer, _ cRowStride: Int, _ start: ProductStart
) {
  matrixProduct(m, n, k, a, FloatPointer(b), bRowStride, c, cRowStride, start)
}

/// dW[m, n] += dYᵀ·X over `rows` rows of dY[rows, m] and X[rows, n].
func addWeightGradient(
  _ m: Int, _ n: Int, _ rows: Int, _ dout: FloatPointer, _ doutStride: Int,
  _ x: FloatPointer, _ xStride: Int, _ gradient: MutableFloatPointer, _ stride: Int
) {
  matrixProduct(
    m, n, rows, StridedMatrix(dout, rowStride: 1, columnStride: doutStride), x, xStride, gradient,
    stride, .accumulate)
}

/// The same with a mutable X.
func addWeightGradient(
  _ m: Int, _ n: Int, _ rows: Int, _ dout: FloatPointer, _ doutStride: Int,
  _ x: MutableFloatPointer, _ xStride: Int, _ gradient: MutableFloatPointer, _ stride: Int
) {
  addWeightGradient(
    m, n, rows, dout, doutStride, FloatPointer(x), xStride, gradient, stride)
}

/// The reference product, by OpenBLAS. One of A's strides must be 1.
public func openBLASProduct(
  _ m: Int, _ n: Int, _ k: Int, _ a: StridedMatrix, _ b: FloatPointer, bRowStride: Int,
  _ c: MutableFloatPointer, cRowStride: Int, _ start: ProductStart
) {
  precondition(
    a.columnStride == 1 || a.rowStride == 1,
    "openBLASProduct: strides \(a.rowStride), \(a.columnStride)")
  var beta: Float = 1
  switch start {
  case .overwrite: beta = 0
  case .accumulate: break
  case .bias(let bias):
    for row in 0..<m { (c + row * cRowStride).update(from: bias, count: n) }
  }
  if m == 0 || n == 0 { return }
  if k == 0 {
    if beta == 0 { for row in 0..<m { (c + row * cRowStride).update(repeating: 0, count: n) } }
    return
  }
  let byRows = a.columnStride == 1
  cblas_sgemm(
    CblasRowMajor, byRows ? CblasNoTrans : CblasTrans, CblasNoTrans, Int32(m), Int32(n), Int32(k),
    1, a.base, Int32(byRows ? max(a.rowStride, k) : max(a.columnStride, m)), b,
    Int32(max(bRowStride, n)), beta, c, Int32(max(cRowStride, n)))
}

/// What OpenBLAS runs on, and whether the environment holds it to less than the machine has.
public struct OpenBLASInfo: Sendable {
  /// The kernel family that OpenBLAS picked, as it calls it.
  public let coreName: String
  /// A sentence to print, if `OPENBLAS_CORETYPE` holds it to a weaker kernel.
  public let warning: String?

  /// Asks the library, and makes it use one thread: threads are ours to place.
  public init() {
    openblas_set_num_threads(1)
    let name = openblas_get_corename().map { String(cString: $0) } ?? "unknown"
    coreName = name
    let forced = ProcessInfo.processInfo.environment["OPENBLAS_CORETYPE"] ?? ""
    let hasAVX512 = availableKernels.count > 1
    let weak = !["SkylakeX", "Cooperlake", "Sapphirerapids"].contains(name)
    warning =
      !forced.isEmpty && hasAVX512 && weak
      ? "OPENBLAS_CORETYPE=\(forced) holds OpenBLAS to \(name) kernels though this machine has "
        + "AVX-512; unset it to compare with OpenBLAS at full speed (our own kernels ignore it)"
      : nil
  }
}
