import KernelAPI
import Tensor

extension KernelBenchmark {
  /// Times the kernels that only the MLP of `unimamba` uses, on a tile of its rows.
  func timeCrossBandMLPKernels() {
    let (rows, features) = (256, model.features)
    let (count, all) = (rows * features, rows * paddedToLanes(features))
    let x = FloatPointer(timer.floats(all))
    let other = FloatPointer(timer.floats(all))
    let out = timer.floats(all)
    timer.time(
      "residual + GELU", .forward, [rows, features], .geluForward(count), elements: count
    ) { kernels.gaussianErrorUnit(x, plus: other, count: all, out: out) }
    timer.time(
      "residual + GELU", .backward, [rows, features], .geluBackward(count), elements: count
    ) { kernels.gaussianErrorUnitBackward(x, other, count: all, dx: out) }
    timer.releaseBuffers()
  }
}
