import KernelAPI

/// Adds Σ over rows of `dout` to the gradient of a bias, which need not be whole vectors.
func addColumnSums(of dout: MatrixView, to gradient: MutableFloatPointer) {
  let target = GradientTarget(gradient, rows: 1, columns: dout.columns)
  kernels.addColumnSums(dout, to: target.view.base)
  target.finish()
}

/// The backward step of a GroupNorm over all of `x`: d/dx into `dx`, and the gradients of the
/// norm's parameters added, which need not be whole vectors.
func groupNormBackward(
  _ x: MatrixView, _ dout: MatrixView, _ norm: AffineParameters, _ moments: GroupMoments,
  dx: MatrixView
) {
  let weight = PaddedMatrix(norm.weight.value, count: x.columns)
  let dweight = GradientTarget(norm.weight.gradient, rows: 1, columns: x.columns)
  let dbias = GradientTarget(norm.bias.gradient, rows: 1, columns: x.columns)
  kernels.groupNormBackward(
    x, dout, weight: weight.view.base, moments: moments, dx: dx,
    gradients: AffineGradients(weight: dweight.view.base, bias: dbias.view.base))
  dweight.finish()
  dbias.finish()
}
