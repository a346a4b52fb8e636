import KernelAPI
import Models
import Tensor

/// Times every kernel at the shapes that a model gives it, in one core's caches.
package struct KernelBenchmark {
  package let model: ModelConfiguration
  /// Length of the utterance whose frames give the shapes, in seconds.
  package let seconds: Double
  let timer = KernelTimer()

  /// Benchmark of the shapes that `model` has for an utterance of `seconds`.
  package init(_ model: ModelConfiguration, seconds: Double) {
    self.model = model
    self.seconds = seconds
  }

  /// Number of frames of the utterance, T.
  package var frames: Int {
    model.frontEnd.frameCount(sampleCount: model.frontEnd.sampleCount(seconds: seconds))
  }

  /// Times all kernels, in a few seconds.
  package func run() -> KernelFigures {
    let copy = CopyBandwidth.measure()
    let uni = model.trunk as? UniMambaTrunkConfiguration
    let mamba = (model.trunk as? BiMambaTrunkConfiguration)?.mamba ?? uni?.mamba
    let lstm = model.trunk as? LSTMTrunkConfiguration
    if let mamba { timeMambaProducts(mamba) }
    if let lstm { timeLSTMProducts(lstm) }
    timeBandProducts()
    timer.releaseBuffers()
    if let mamba { timeMambaKernels(mamba) }
    if uni != nil { timeCrossBandMLPKernels() }
    if let lstm { timeLSTMKernels(lstm) }
    timeBandKernels()
    timeTrainingKernels()
    timeConvolutions()
    return KernelFigures(preset: model.name, seconds: seconds, timer, copy: copy)
  }

  /// The distinct pairs of band width and decoder expansion, narrow ones first.
  package var bandKinds: [(width: Int, expansion: Int)] {
    let pairs = Set(zip(model.bands, model.decoder.expansions).map { [$0, $1] })
    return pairs.sorted { $0.lexicographicallyPrecedes($1) }.map { ($0[0], $0[1]) }
  }
}

// MARK: - Products

extension KernelBenchmark {
  /// The layout of A in memory.
  enum Layout {
    /// Row-major, with `stride` numbers from one row to the next.
    case rows(stride: Int)
    /// Column-major, with `stride` numbers from one column to the next.
    case columns(stride: Int)
  }

  /// Times the product C[m, n] = A[m, k]·B[k, n]. The sizes are the actual ones; the kernel gets
  /// them padded to whole vectors.
  func timeProduct(
    _ operation: String, _ pass: KernelFigures.Pass, _ m: Int, _ n: Int, _ k: Int, _ a: Layout,
    outputStride: Int? = nil, _ start: ProductStart = .overwrite
  ) {
    let left =
      switch a {
      case .rows(let stride): timer.matrix(rows: m, columns: k, stride: stride)
      case .columns(let stride): timer.matrix(rows: k, columns: m, stride: stride).transposed
      }
    let right = timer.matrix(rows: k, columns: n)
    let out = timer.matrix(rows: m, columns: n, stride: outputStride)
    timer.time(
      operation, pass, [m, n, k], .product(m, n, k),
      { kernels.matrixProduct(left, right, into: out, start) },
      openBLAS: { openBLASProduct(left, right, into: out, start) })
  }

  private func timeMambaProducts(_ mamba: MambaConfiguration) {
    let features = model.features
    let inner = mamba.expansion * features
    let rank = (features + 15) / 16
    let bias = ProductStart.bias(FloatPointer(timer.floats(paddedToLanes(inner))))
    // x_proj's output [dt | B | C], in_proj's [x | z].
    let projected = rank + 2 * mamba.stateSize
    let projectionStride = paddedToLanes(rank) + 2 * paddedToLanes(mamba.stateSize)
    let wide = paddedToLanes(features)
    let channels = paddedToLanes(inner)

    timeProduct("in_proj", .forward, frames, 2 * inner, features, .rows(stride: wide))
    timeProduct("x_proj", .forward, frames, projected, inner, .rows(stride: channels))
    timeProduct(
      "dt_proj", .forward, frames, inner, rank, .rows(stride: projectionStride), bias)
    timeProduct("out_proj", .forward, frames, features, inner, .rows(stride: channels))

    timeProduct(
      "in_proj", .inputGradient, frames, features, 2 * inner, .rows(stride: 2 * channels))
    timeProduct(
      "x_proj", .inputGradient, frames, inner, projected, .rows(stride: projectionStride),
      .accumulate)
    timeProduct(
      "dt_proj", .inputGradient, frames, rank, inner, .rows(stride: channels),
      outputStride: projectionStride)
    timeProduct("out_proj", .inputGradient, frames, inner, features, .rows(stride: wide))

    timeProduct(
      "in_proj", .weightGradient, 2 * inner, features, frames, .columns(stride: 2 * channels),
      .accumulate)
    timeProduct(
      "x_proj", .weightGradient, projected, inner, frames, .columns(stride: projectionStride),
      .accumulate)
    timeProduct(
      "dt_proj", .weightGradient, inner, rank, frames, .columns(stride: channels), .accumulate)
    timeProduct(
      "out_proj", .weightGradient, features, inner, frames, .columns(stride: wide), .accumulate)
  }

  private func timeBandProducts() {
    let features = model.features
    let wide = paddedToLanes(features)
    for width in Set(model.bands).sorted().map({ 2 * $0 }) {
      let stride = paddedToLanes(width)
      timeProduct("band split", .forward, frames, features, width, .rows(stride: stride))
      timeProduct("band split", .inputGradient, frames, width, features, .rows(stride: wide))
      timeProduct(
        "band split", .weightGradient, features, width, frames, .columns(stride: wide),
        .accumulate)
    }
    for hidden in Set(model.decoder.expansions).sorted().map({ $0 * features }) {
      let hiddenStride = paddedToLanes(hidden)
      timeProduct("decoder fc1", .forward, frames, hidden, features, .rows(stride: wide))
      timeProduct(
        "decoder fc1", .inputGradient, frames, features, hidden, .rows(stride: hiddenStride))
      timeProduct(
        "decoder fc1", .weightGradient, hidden, features, frames, .columns(stride: hiddenStride),
        .accumulate)
    }
    for band in bandKinds {
      let hidden = band.expansion * features
      let hiddenStride = paddedToLanes(hidden)
      let mask = 2 * model.decoder.maskTaps * band.width
      // The two halves of the gate are side by side in memory.
      let gateStride = 2 * paddedToLanes(mask)
      timeProduct(
        "decoder fc2, half", .forward, frames, mask, hidden, .rows(stride: hiddenStride),
        outputStride: gateStride)
      timeProduct(
        "decoder fc2, half", .inputGradient, frames, hidden, mask, .rows(stride: gateStride))
      timeProduct(
        "decoder fc2, half", .weightGradient, mask, hidden, frames, .columns(stride: gateStride),
        .accumulate)
    }
  }
}
