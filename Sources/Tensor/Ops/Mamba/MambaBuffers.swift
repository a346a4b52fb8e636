import KernelAPI

/// The intermediate results of one direction of one tile that backward reads.
struct MambaActivations {
  /// in_proj's output [rows, x | z], and its parts.
  let inProjected: MatrixView
  let x: MatrixView
  let z: MatrixView
  /// x_proj's output [rows, delta | B | C], and its parts.
  let xProjected: MatrixView
  let lowRankDelta: MatrixView
  let b: MatrixView
  let c: MatrixView
  /// delta after dt_proj and softplus [rows, D].
  let delta: MatrixView
  /// The scan's kept states [sequences · intervals · states, D].
  let checkpoints: MatrixView

  init(_ parts: inout SlabCarver, _ tile: Tile, _ sizes: MambaSizes, length: Int) {
    let inProjected = parts.matrix(rows: tile.rows, columns: sizes.inWidth)
    let xProjected = parts.matrix(rows: tile.rows, columns: sizes.xWidth)
    let inParts = sizes.inParts.map { inProjected.columns(from: $0.at, count: $0.count) }
    let xParts = sizes.xParts.map { xProjected.columns(from: $0.at, count: $0.count) }
    self.inProjected = inProjected
    self.xProjected = xProjected
    (x, z) = (inParts[0], inParts[1])
    (lowRankDelta, b, c) = (xParts[0], xParts[1], xParts[2])
    delta = parts.matrix(rows: tile.rows, columns: sizes.inner)
    checkpoints = parts.matrix(
      rows: tile.sequences * scanCheckpointCount(length: length) * paddedScanStates(sizes.states),
      columns: sizes.inner)
  }
}

/// Buffers of one tile that both passes use.
struct MambaScratch {
  /// Rows [N] as they come, normalised, and as the sum over directions.
  let input: MatrixView
  let normalised: MatrixView
  let sum: MatrixView
  /// The convolution's output, and the gated scan [rows, D].
  let convolved: MatrixView
  let gated: MatrixView
  let scan: ScanScratch
  let moments: RowMoments
  /// One direction's activations where they are not kept.
  let room: MambaActivations?

  init(
    _ parts: inout SlabCarver, _ tile: Tile, _ sizes: MambaSizes,
    _ activations: TileActivations<MambaActivations>?
  ) {
    input = parts.matrix(rows: tile.rows, columns: sizes.features)
    normalised = parts.matrix(rows: tile.rows, columns: sizes.features)
    sum = parts.matrix(rows: tile.rows, columns: sizes.features)
    convolved = parts.matrix(rows: tile.rows, columns: sizes.inner)
    gated = parts.matrix(rows: tile.rows, columns: sizes.inner)
    scan = ScanScratch(
      &parts, channels: sizes.inner, states: paddedScanStates(sizes.states))
    moments = parts.moments(rows: tile.rows)
    room = activations?.room(&parts, tile)
  }
}

/// The gradients that run through one tile, beside what backward computes again.
struct MambaBackwardScratch {
  let forward: MambaScratch
  /// Gradients of the output and of the normalised rows [rows, N].
  let dout: MatrixView
  let dnormalised: MatrixView
  /// Gradient of the gated scan, then of the convolution's output [rows, D].
  let dgated: MatrixView
  /// One vector for each step.
  let sequence: MutableFloatPointer

  init(
    _ parts: inout SlabCarver, _ tile: Tile, _ sizes: MambaSizes, length: Int,
    _ activations: TileActivations<MambaActivations>?
  ) {
    forward = MambaScratch(&parts, tile, sizes, activations)
    dout = parts.matrix(rows: tile.rows, columns: sizes.features)
    dnormalised = parts.matrix(rows: tile.rows, columns: sizes.features)
    dgated = parts.matrix(rows: tile.rows, columns: sizes.inner)
    sequence = parts.vector(length * laneCount)
  }
}

/// The gradient sums of a block: of its directions and of its LayerNorm.
struct MambaBlockSums {
  let directions: [MambaSums]
  let norm: AffineGradients

  init(_ parts: inout SlabCarver, _ sizes: MambaSizes, directions count: Int) {
    var directions: [MambaSums] = []
    for _ in 0..<count { directions.append(MambaSums(&parts, sizes)) }
    self.directions = directions
    norm = parts.affineGradients(sizes.features)
  }
}
