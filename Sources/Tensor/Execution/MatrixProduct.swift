import COpenBLAS
import Foundation
import KernelAPI

/// Which matrix product runs: our kernels, or OpenBLAS for comparison
/// (`DISTTRAIN_GEMM=openblas`).
public let usesOpenBLAS: Bool = KernelSelection.chosen(KernelSelection.usesOpenBLAS)

/// C = A·B, C += A·B or C = A·B + bias, as `start` says, by the chosen implementation.
///
/// A may be transposed: `matrixProduct(dY.transposed, x, into: dW, .accumulate)` adds the gradient
/// of a weight. Columns are computed with the padding of whole vectors.
package func matrixProduct(
  _ a: MatrixView, _ b: MatrixView, into c: MatrixView, _ start: ProductStart
) {
  precondition(
    a.rows == c.rows && a.columns == b.rows && b.columns == c.columns,
    "matrixProduct: [\(a.rows), \(a.columns)] times [\(b.rows), \(b.columns)] for "
      + "[\(c.rows), \(c.columns)]")
  if usesOpenBLAS {
    openBLASProduct(a, b, into: c, start)
  } else {
    kernels.matrixProduct(a, b, into: c, start)
  }
}

/// The reference product, by OpenBLAS. A lies by rows or by columns, without gaps in them.
public func openBLASProduct(
  _ a: MatrixView, _ b: MatrixView, into c: MatrixView, _ start: ProductStart
) {
  precondition(
    a.columnStride == 1 || a.stride == 1, "openBLASProduct: strides \(a.stride), \(a.columnStride)")
  let (m, n, k) = (c.rows, c.paddedColumns, a.columns)
  var beta: Float = 1
  switch start {
  case .overwrite: beta = 0
  case .accumulate: break
  case .bias(let bias):
    for row in 0..<m { c.row(row).update(from: bias, count: n) }
  }
  if m == 0 || n == 0 { return }
  if k == 0 {
    if beta == 0 { for row in 0..<m { c.row(row).update(repeating: 0, count: n) } }
    return
  }
  let byRows = a.columnStride == 1
  cblas_sgemm(
    CblasRowMajor, byRows ? CblasNoTrans : CblasTrans, CblasNoTrans, Int32(m), Int32(n), Int32(k),
    1, a.base, Int32(byRows ? max(a.stride, k) : max(a.columnStride, m)), b.base,
    Int32(max(b.stride, n)), beta, c.base, Int32(max(c.stride, n)))
}

/// The kernels that OpenBLAS picked, and whether the environment holds it to less than the machine
/// has.
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
