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
    _ normalised: MatrixView, _ kept: MambaActivations, _ scratch: MambaScratch,
    pass: Profile.Pass, checkpoints: Bool
  ) {
    measureProduct(.inProjection, pass, 2 * sizes.inner, sizes.features) {
      matrixProduct(normalised, weights.inProjection.view, into: kept.inProjected, .overwrite)
    }
    convolve(kept, scratch, pass: pass)
    measureProduct(.xProjection, pass, sizes.rank + 2 * sizes.states, sizes.inner) {
      matrixProduct(
        scratch.convolved, weights.xProjection.view, into: kept.xProjected, .overwrite)
    }
    measureProduct(.deltaProjection, pass, sizes.inner, sizes.rank) {
      matrixProduct(
        kept.lowRankDelta, weights.deltaProjection.view, into: kept.delta,
        .bias(weights.deltaBias))
    }
    profile.measure(.softplus, pass, .softplus(rows * sizes.inner)) {
      kernels.softplus(kept.delta.base, count: rows * kept.delta.stride)
    }
    profile.measure(.scan, pass, .scanForward(rows * sizes.inner, states: sizes.states)) {
      kernels.selectiveScanForward(
        scanInputs(kept, scratch), sequences, weights.scan, out: scratch.gated,
        checkpoints: checkpoints ? kept.checkpoints : nil, scratch: scratch.scan)
    }
  }

  /// out_proj of the gated scan into `scratch.sum`.
  func project(_ scratch: MambaScratch, _ start: ProductStart) {
    measureProduct(.outProjection, .forward, sizes.features, sizes.inner) {
      matrixProduct(scratch.gated, weights.outProjection.view, into: scratch.sum, start)
    }
  }

  /// The convolution's output, from `kept.x` to `scratch.convolved`.
  func convolve(_ kept: MambaActivations, _ scratch: MambaScratch, pass: Profile.Pass) {
    profile.measure(
      .convolution, pass, .convolutionForward(rows * sizes.inner, taps: sizes.taps)
    ) {
      kernels.causalConv1dForward(kept.x, sequences, weights.convolution, out: scratch.convolved)
    }
  }

  /// Adds to the weights' gradients, and writes or adds the gradient of the normalised rows to
  /// `back.dnormalised`. `back.forward.convolved` holds the convolution's output.
  ///
  /// Gradients take the places of what they are gradients of: `kept` is used up, and the tile stays
  /// smaller than the cache.
  func backward(
    _ normalised: MatrixView, _ dout: MatrixView, _ kept: MambaActivations, _ padded: PaddedMamba,
    _ sums: MambaSums, _ back: MambaBackwardScratch, _ start: ProductStart
  ) {
    let scratch = back.forward
    // out_proj: the gradient of the gated scan. Its weight's needs the gated scan itself, which
    // the backward scan computes again.
    measureProduct(.outProjection, .backward, sizes.features, sizes.inner) {
      matrixProduct(dout, padded.outProjection.view, into: back.dgated, .overwrite)
    }
    let dconvolved = back.dgated
    profile.measure(.scan, .backward, .scanBackward(rows * sizes.inner, states: sizes.states)) {
      kernels.selectiveScanBackward(
        scanInputs(kept, scratch), back.dgated, sequences, weights.scan,
        checkpoints: kept.checkpoints,
        ScanGradients(
          x: dconvolved, delta: kept.delta, z: kept.z, b: kept.b, c: kept.c,
          gatedOutput: scratch.gated, a: sums.a, d: sums.d), scratch: scratch.scan)
    }
    measureProduct(.outProjection, .backward, sizes.features, sizes.inner) {
      matrixProduct(dout.transposed, scratch.gated, into: sums.outProjection, .accumulate)
    }
    measureProduct(.deltaProjection, .backward, 2 * sizes.inner, sizes.rank) {
      matrixProduct(
        kept.delta.transposed, kept.lowRankDelta, into: sums.deltaProjection, .accumulate)
      matrixProduct(
        kept.delta, padded.deltaProjection.view, into: kept.lowRankDelta, .overwrite)
      kernels.addColumnSums(kept.delta, to: sums.deltaBias)
    }
    measureProduct(.xProjection, .backward, 2 * (sizes.rank + 2 * sizes.states), sizes.inner) {
      matrixProduct(
        kept.xProjected.transposed, scratch.convolved, into: sums.xProjection, .accumulate)
      matrixProduct(kept.xProjected, padded.xProjection.view, into: dconvolved, .accumulate)
    }
    profile.measure(
      .convolution, .backward, .convolutionBackward(rows * sizes.inner, taps: sizes.taps)
    ) {
      kernels.causalConv1dBackward(
        kept.x, dconvolved, sequences, weights.convolution, dx: kept.x,
        gradients: sums.convolution, scratch: back.sequence)
    }
    measureProduct(.inProjection, .backward, 4 * sizes.inner, sizes.features) {
      matrixProduct(
        kept.inProjected.transposed, normalised, into: sums.inProjection, .accumulate)
      matrixProduct(kept.inProjected, padded.inProjection.view, into: back.dnormalised, start)
    }
  }

  private func scanInputs(_ kept: MambaActivations, _ scratch: MambaScratch) -> ScanInputs {
    ScanInputs(x: scratch.convolved, delta: kept.delta, z: kept.z, b: kept.b, c: kept.c)
  }

  private func measureProduct(
    _ part: Profile.Part, _ pass: Profile.Pass, _ n: Int, _ k: Int, _ body: () -> Void
  ) {
    profile.measure(part, pass, .product(rows, n, k), body)
  }
}
