import KernelAPI

/// One direction of a Mamba on one tile: its equations as kernel calls, forward and backward.
struct MambaTile {
  private let sizes: MambaSizes
  private let sequences: TileSequences
  private let weights: PackedMamba
  private let profile: Profile?
  private let rows: Int

  init(
    _ sizes: MambaSizes, _ sequences: TileSequences, _ weights: PackedMamba, _ profile: Profile?
  ) {
    self.sizes = sizes
    self.sequences = sequences
    self.weights = weights
    self.profile = profile
    rows = sequences.rowCount
  }

  /// From the normalised rows [rows, N] to the gated scan in `scratch.gated`; fills `kept`, its
  /// checkpoints only if asked.
  func forward(
    _ normalised: FloatPointer, _ kept: MambaPlaces, _ scratch: MambaScratch,
    pass: Profile.Pass, checkpoints: Bool
  ) {
    measureProduct(.inProjection, pass, 2 * sizes.inner, sizes.features) {
      matrixProduct(
        rows, sizes.gateStride, sizes.features,
        StridedMatrix(normalised, rowStride: sizes.featureStride), weights.inTransposed.base,
        sizes.gateStride, kept.projected, sizes.gateStride, .overwrite)
    }
    convolve(kept, scratch, pass: pass)
    measureProduct(.xProjection, pass, sizes.rank + 2 * sizes.states, sizes.inner) {
      matrixProduct(
        rows, sizes.projectionStride, sizes.inner,
        StridedMatrix(FloatPointer(scratch.convolved), rowStride: sizes.channels),
        weights.xTransposed.base, sizes.projectionStride, kept.parameters,
        sizes.projectionStride, .overwrite)
    }
    measureProduct(.stepProjection, pass, sizes.inner, sizes.rank) {
      matrixProduct(
        rows, sizes.channels, sizes.rank,
        StridedMatrix(FloatPointer(kept.parameters), rowStride: sizes.projectionStride),
        weights.stepTransposed.base, sizes.channels, kept.step, sizes.channels,
        .bias(FloatPointer(weights.stepBias.base)))
    }
    profile.measure(.softplus, pass, .softplus(rows * sizes.inner)) {
      kernels.softplus(kept.step, count: rows * sizes.channels)
    }
    profile.measure(.scan, pass, .scanForward(rows * sizes.inner, states: sizes.states)) {
      kernels.selectiveScanForward(
        scanInputs(kept, scratch), sequences, weights.scan, out: scratch.gated,
        checkpoints: checkpoints ? kept.checkpoints : nil, scratch: scratch.scan)
    }
  }

  /// out_proj of the gated scan into `scratch.sum`.
  func project(_ scratch: MambaScratch, start: ProductStart) {
    measureProduct(.outProjection, .forward, sizes.features, sizes.inner) {
      matrixProduct(
        rows, sizes.featureStride, sizes.inner,
        StridedMatrix(FloatPointer(scratch.gated), rowStride: sizes.channels),
        weights.outTransposed.base, sizes.featureStride, scratch.sum, sizes.featureStride, start)
    }
  }

  /// The convolution's output, from `kept.projected` to `scratch.convolved`.
  func convolve(_ kept: MambaPlaces, _ scratch: MambaScratch, pass: Profile.Pass) {
    profile.measure(
      .convolution, pass, .convolutionForward(rows * sizes.inner, taps: sizes.taps)
    ) {
      kernels.causalConv1dForward(
        FloatPointer(kept.projected), stride: sizes.gateStride, sequences,
        channels: sizes.channels, taps: sizes.taps,
        weight: FloatPointer(weights.convolution.base),
        bias: FloatPointer(weights.convolutionBias.base), out: scratch.convolved)
    }
  }

  /// Adds to the weights' gradients, and writes or adds the gradient of the normalised rows to
  /// `back.normalised`. `scratch.convolved` holds the convolution's output.
  ///
  /// Gradients take the places of what they are gradients of: `kept` is used up, and the tile stays
  /// smaller than the cache.
  func backward(
    _ normalised: FloatPointer, _ dout: FloatPointer, _ kept: MambaPlaces,
    _ padded: PaddedMamba, _ gradients: MambaGradients, _ scratch: MambaScratch,
    _ back: BackwardScratch, start: ProductStart
  ) {
    // out_proj: the gradient of the gated scan. Its weight's needs the gated scan itself, which
    // the backward scan computes again.
    measureProduct(.outProjection, .backward, sizes.features, sizes.inner) {
      matrixProduct(
        rows, sizes.channels, sizes.features, StridedMatrix(dout, rowStride: sizes.featureStride),
        padded.outWeight.base, padded.outWeight.stride, back.gated, sizes.channels, .overwrite)
    }
    profile.measure(.scan, .backward, .scanBackward(rows * sizes.inner, states: sizes.states)) {
      kernels.selectiveScanBackward(
        scanInputs(kept, scratch), FloatPointer(back.gated), sequences, weights.scan,
        checkpoints: FloatPointer(kept.checkpoints),
        ScanGradients(
          x: back.gated, step: kept.step, gate: kept.projected + sizes.channels,
          gateStride: sizes.gateStride, projection: kept.parameters + sizes.rankStride,
          gatedOutput: scratch.gated, decay: gradients.decay, skip: gradients.skip,
          scratch: scratch.scan))
    }
    measureProduct(.outProjection, .backward, sizes.features, sizes.inner) {
      addWeightGradient(
        sizes.features, sizes.channels, rows, dout, sizes.featureStride, scratch.gated,
        sizes.channels, gradients.outProjection, sizes.channels)
    }
    measureProduct(.stepProjection, .backward, 2 * sizes.inner, sizes.rank) {
      addWeightGradient(
        sizes.channels, sizes.rankStride, rows, FloatPointer(kept.step), sizes.channels,
        kept.parameters, sizes.projectionStride, gradients.step, sizes.rankStride)
      matrixProduct(
        rows, sizes.rankStride, sizes.inner,
        StridedMatrix(FloatPointer(kept.step), rowStride: sizes.channels),
        padded.stepWeight.base, padded.stepWeight.stride, kept.parameters,
        sizes.projectionStride, .overwrite)
      kernels.addColumnSums(
        FloatPointer(kept.step), rowStride: sizes.channels, rows: rows, columns: sizes.channels,
        to: gradients.stepBias)
    }
    measureProduct(.xProjection, .backward, 2 * (sizes.rank + 2 * sizes.states), sizes.inner) {
      addWeightGradient(
        sizes.projectionStride, sizes.channels, rows, FloatPointer(kept.parameters),
        sizes.projectionStride, scratch.convolved, sizes.channels, gradients.xProjection,
        sizes.channels)
      matrixProduct(
        rows, sizes.channels, sizes.projectionStride,
        StridedMatrix(FloatPointer(kept.parameters), rowStride: sizes.projectionStride),
        padded.xWeight.base, padded.xWeight.stride, back.gated, sizes.channels, .accumulate)
    }
    profile.measure(
      .convolution, .backward, .convolutionBackward(rows * sizes.inner, taps: sizes.taps)
    ) {
      kernels.causalConv1dBackward(
        FloatPointer(kept.projected), stride: sizes.gateStride, FloatPointer(back.gated),
        sequences, channels: sizes.channels, taps: sizes.taps,
        weight: FloatPointer(weights.convolution.base),
        bias: FloatPointer(weights.convolutionBias.base), dx: kept.projected,
        dxStride: sizes.gateStride, dweight: gradients.convolution,
        dbias: gradients.convolutionBias, scratch: back.sequence)
    }
    measureProduct(.inProjection, .backward, 4 * sizes.inner, sizes.features) {
      addWeightGradient(
        sizes.gateStride, sizes.featureStride, rows, FloatPointer(kept.projected),
        sizes.gateStride, normalised, sizes.featureStride, gradients.inProjection,
        sizes.featureStride)
      matrixProduct(
        rows, sizes.featureStride, sizes.gateStride,
        StridedMatrix(FloatPointer(kept.projected), rowStride: sizes.gateStride),
        padded.inWeight.base, padded.inWeight.stride, back.normalised, sizes.featureStride, start)
    }
  }

  private func scanInputs(_ kept: MambaPlaces, _ scratch: MambaScratch) -> ScanInputs {
    ScanInputs(
      x: FloatPointer(scratch.convolved), step: FloatPointer(kept.step),
      gate: FloatPointer(kept.projected + sizes.channels), gateStride: sizes.gateStride,
      projection: FloatPointer(kept.parameters + sizes.rankStride),
      outputOffset: sizes.stateStride, projectionStride: sizes.projectionStride)
  }

  private func measureProduct(
    _ part: Profile.Part, _ pass: Profile.Pass, _ n: Int, _ k: Int, _ body: () -> Void
  ) {
    profile.measure(part, pass, .product(rows, n, k), body)
  }
}
