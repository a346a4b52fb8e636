import KernelAPI

/// out = x + Σ over directions of Mamba(LayerNorm(x)), along one axis of `x` [B, K, T, N].
///
/// Works tile by tile: a tile is one sequence along time, or some frames of all bands, about 250
/// rows, and goes through LayerNorm, in_proj, convolution, x_proj, dt_proj, scan, gate and out_proj
/// while it lies in the cache; both directions share its LayerNorm. Nothing is flipped or
/// transposed. For backward it keeps in_proj's, x_proj's and dt_proj's outputs and the scan's
/// checkpoints; the rest is cheaper to compute again than to store. With `Execution.recomputes`
/// it keeps none of them, and backward first runs each tile forward again.
///
/// - Parameters:
///   - x: [B, K, T, N], any scale.
///   - axis: The axis that the Mambas run along.
///   - norm: LayerNorm over N.
///   - directions: The Mambas, whose outputs are added up.
///   - tape: The tape that records the backward step.
/// - Returns: [B, K, T, N].
public func mambaBlock(
  _ x: Tensor, along axis: SequenceAxis, norm: AffineParameters, directions: [DirectedMamba],
  _ tape: Tape
) -> Tensor {
  MambaBlock(x.shape, axis: axis, norm: norm, directions: directions, tape.execution)
    .record(x, tape)
}

/// One bare Mamba over sequences: u [M, L, N] to [M, L, N], without norm and residual.
///
/// The equations are mamba_ssm's (Gu and Dao 2023); `mambaBlock` says how they run here.
public func mamba(_ u: Tensor, _ mamba: DirectedMamba, _ tape: Tape) -> Tensor {
  precondition(u.shape.count == 3, "mamba: expected [M, L, N], got \(u.shape)")
  let shape = [u.shape[0], 1, u.shape[1], u.shape[2]]
  return MambaBlock(shape, axis: .time, norm: nil, directions: [mamba], tape.execution)
    .record(u, tape)
}

private struct MambaBlock {
  private typealias Activations = [TileActivations<MambaActivations>]

  /// LayerNorm before the Mambas and x added behind them; nil for neither.
  private let norm: AffineParameters?
  private let directions: [DirectedMamba]
  private let sizes: MambaSizes
  private let tiling: Tiling
  private let execution: Execution
  private var profile: Profile? { execution.profile }

  init(
    _ shape: [Int], axis: SequenceAxis, norm: AffineParameters?, directions: [DirectedMamba],
    _ execution: Execution
  ) {
    self.norm = norm
    self.directions = directions
    self.execution = execution
    sizes = MambaSizes(directions[0].parameters)
    tiling = Tiling(shape, along: axis)
    precondition(
      tiling.features == sizes.features,
      "mambaBlock: \(tiling.features) features, weights for \(sizes.features)")
  }

  /// Runs forward and records backward.
  func record(_ x: Tensor, _ tape: Tape) -> Tensor {
    let out = Tensor(uninitialized: x.shape)
    let activations = directions.map { _ in
      TileActivations(tiling, areKept: tape.keepsActivations) {
        MambaActivations(&$0, $1, sizes, length: tiling.length)
      }
    }
    let packed = profile.measure(.weights, .forward, .uncounted) {
      directions.map { PackedMamba($0.parameters, sizes) }
    }
    forward(x, out, activations, packed)
    let parameters = directions.flatMap(\.parameters.all) + (norm?.all ?? [])
    tape.record(using: parameters) { backward(x, out, activations, packed) }
    return out
  }

  private func pass(_ tile: Tile, _ direction: DirectedMamba, _ packed: PackedMamba) -> MambaTile {
    let sequences = TileSequences(
      count: tile.sequences, length: tiling.length, reversed: direction.reversed)
    return MambaTile(sizes, sequences, packed, profile)
  }

  private func forward(
    _ x: Tensor, _ out: Tensor, _ activations: Activations, _ packed: [PackedMamba]
  ) {
    let norm = norm.map { PaddedAffine($0) }
    let workers = execution.workers(for: tiling) {
      ThreadScratch([tiling.largest]) { MambaScratch(&$0, $1, sizes, activations[0]) }
    }
    for groups in tiling.parts {
      execution.run(groups, workers) { tile, scratch in
        let input = tiling.gather(tile, of: x.base, spare: scratch.input, profile)
        let normalised = normalise(input, norm, scratch)
        for (index, direction) in directions.enumerated() {
          let pass = pass(tile, direction, packed[index])
          let kept = activations[index].place(of: tile, room: scratch.room)
          pass.forward(
            normalised, kept, scratch, pass: .forward, checkpoints: activations[index].areKept)
          pass.project(scratch, index == 0 ? .overwrite : .accumulate)
        }
        tiling.scatter(
          scratch.sum, tile, plus: residual(x.storage), to: out.base, .forward, profile)
      }
    }
  }

  private func backward(
    _ x: Tensor, _ out: Tensor, _ activations: Activations, _ packed: [PackedMamba]
  ) {
    guard let upstream = out.gradient else { return }
    let norm = norm.map { PaddedAffine($0) }
    let padded = directions.map { PaddedMamba($0.parameters, sizes) }
    let workers = execution.workers(for: tiling) {
      (
        scratch: ThreadScratch([tiling.largest]) {
          MambaBackwardScratch(&$0, $1, sizes, length: tiling.length, activations[0])
        }, sums: sums()
      )
    }
    for groups in tiling.parts {
      let total = sums()
      execution.run(groups, workers, addingTo: total) { tile, back, sums in
        let scratch = back.forward
        let input = tiling.gather(tile, of: x.base, spare: scratch.input, profile)
        let normalised = normalise(input, norm, scratch)
        let dout = tiling.gather(tile, of: upstream.base, spare: back.dout, profile)
        for (index, direction) in directions.enumerated() {
          let pass = pass(tile, direction, packed[index])
          let kept = activations[index].recalled(tile, room: scratch.room) {
            pass.forward(normalised, $0, scratch, pass: .recompute, checkpoints: true)
          }
          if activations[index].areKept { pass.convolve(kept, scratch, pass: .recompute) }
          pass.backward(
            normalised, dout, kept, padded[index], sums.directions[index], back,
            index == 0 ? .overwrite : .accumulate)
        }
        let dx = normaliseBackward(input, norm, back, sums)
        // The residual passes the upstream gradient on, so dx is made in its place.
        tiling.scatter(
          dx, tile, plus: residual(upstream), to: upstream.base, .backward, profile)
      }
      profile.measure(.gradients, .backward, .uncounted) { finish(total.parts, packed) }
    }
    out.passGradient(to: x)
  }

  private func sums() -> GradientSums<MambaBlockSums> {
    GradientSums { MambaBlockSums(&$0, sizes, directions: directions.count) }
  }

  /// Adds the sums to the parameters' gradients.
  private func finish(_ sums: MambaBlockSums, _ packed: [PackedMamba]) {
    for (index, direction) in directions.enumerated() {
      sums.directions[index].finish(direction.parameters, packed[index])
    }
    if let norm { sums.norm.add(to: norm) }
  }

  /// The rows that are added to the Mambas' output, or to the gradient of their input.
  private func residual(_ rows: Storage) -> MutableFloatPointer? { norm == nil ? nil : rows.base }

  /// The Mambas' input: the rows after LayerNorm, or as they are.
  private func normalise(
    _ input: MatrixView, _ norm: PaddedAffine?, _ scratch: MambaScratch
  ) -> MatrixView {
    guard let norm else { return input }
    profile.measure(.layerNorm, .forward, .layerNormForward(input.rows * sizes.features)) {
      kernels.layerNormForward(
        input, norm.vectors, epsilon: normEpsilon, out: scratch.normalised,
        moments: scratch.moments)
    }
    return scratch.normalised
  }

  /// The gradient of the rows from `back.dnormalised`, that of the Mambas' input.
  private func normaliseBackward(
    _ input: MatrixView, _ norm: PaddedAffine?, _ back: MambaBackwardScratch,
    _ sums: MambaBlockSums
  ) -> MatrixView {
    guard let norm else { return back.dnormalised }
    let scratch = back.forward
    profile.measure(.layerNorm, .backward, .layerNormBackward(input.rows * sizes.features)) {
      kernels.layerNormBackward(
        input, back.dnormalised, weight: norm.vectors.weight, moments: scratch.moments,
        dx: scratch.sum, gradients: sums.norm)
    }
    return scratch.sum
  }
}
