import KernelAPI

/// The axis of [B, K, T, N] that an operation runs along.
public enum SequenceAxis: String, CaseIterable, Sendable {
  /// Along T: one sequence for each utterance and band (IntraBand).
  case time
  /// Along K: one sequence for each utterance and frame (CrossBand).
  case band
}

/// Some sequences of [B, K, T, N] that are computed together.
struct Tile {
  /// Number of tiles before it.
  let index: Int
  /// Offset of the first row in [B, K, T, N].
  let offset: Int
  /// Number of sequences.
  let sequences: Int
  /// Number of rows: sequences times steps.
  let rows: Int
}

/// The division of [B, K, T, N] into sequences along one axis, and of these into tiles.
///
/// Gradients of weights are added up group by group, and in a group tile by tile: their rounding
/// depends on the tiles and groups, so these depend on the shape alone, not on the number of
/// threads.
struct Tiling {
  /// Steps of a sequence.
  let length: Int
  /// Floats of a row, N.
  let features: Int
  /// Floats from one sequence of a tile to the next.
  let sequenceStride: Int
  /// Floats from one step to the next.
  let stepStride: Int
  /// The tiles of each part of the batch, in groups of neighbours. A group is what one thread
  /// takes. A part ends before the next begins.
  let parts: [[[Tile]]]
  /// All tiles, first to last.
  let tiles: [Tile]
  /// A tile of the largest size.
  let largest: Tile

  private static let groupLimit = 8

  /// Tiles of as many sequences as `sequencesPerTile` says of those that lie evenly spaced.
  ///
  /// - Parameter byUtterance: Whether each utterance is a part with tiles of its own. Otherwise all
  ///   are one part, and sequences of several utterances may share a tile.
  init(
    _ shape: [Int], along axis: SequenceAxis, byUtterance: Bool,
    sequencesPerTile: (_ count: Int, _ length: Int) -> Int
  ) {
    precondition(shape.count == 4, "expected [B, K, T, N], got \(shape)")
    let (batch, bands, frames, features) = (shape[0], shape[1], shape[2], shape[3])
    self.features = features
    let perUtterance: Int
    switch axis {
    case .time:
      (length, perUtterance) = (frames, bands)
      (sequenceStride, stepStride) = (frames * features, features)
    case .band:
      (length, perUtterance) = (bands, frames)
      (sequenceStride, stepStride) = (features, frames * features)
    }
    // Along time the sequences of all utterances are evenly spaced, along bands those of one.
    let runs = axis == .time && !byUtterance ? min(batch, 1) : batch
    let count = runs == 0 ? 0 : batch * perUtterance / runs
    let together = max(1, min(sequencesPerTile(count, length), count))
    var tiles: [Tile] = []
    var tilesOfRuns: [[Tile]] = []
    for run in 0..<runs {
      let start = tiles.count
      for first in stride(from: 0, to: count, by: together) {
        let sequences = min(together, count - first)
        tiles.append(
          Tile(
            index: tiles.count,
            offset: run * bands * frames * features + first * sequenceStride,
            sequences: sequences, rows: sequences * length))
      }
      tilesOfRuns.append(Array(tiles[start...]))
    }
    self.tiles = tiles
    largest = Tile(index: 0, offset: 0, sequences: together, rows: together * length)
    parts = (byUtterance ? tilesOfRuns : [tiles]).map { tiles in
      let count = min(Self.groupLimit, tiles.count)
      return (0..<count).map {
        Array(tiles[$0 * tiles.count / count..<($0 + 1) * tiles.count / count])
      }
    }
  }

  /// Tiles of about 256 rows of the whole batch: small enough for a core's L2 cache, large enough
  /// for the products.
  init(_ shape: [Int], along axis: SequenceAxis) {
    self.init(shape, along: axis, byUtterance: false) { _, length in 256 / max(1, length) }
  }
}

// MARK: - Rows of a tile

extension Tiling {
  /// The rows of `tile` in `source` [B, K, T, N] as a matrix with zero-padded features: where they
  /// lie, if side by side in whole vectors, else a copy in `spare`.
  func gather(
    _ tile: Tile, of source: MutableFloatPointer, spare: MatrixView, _ profile: Profile?
  ) -> MatrixView {
    if let rows = inPlace(tile, of: source) { return rows }
    profile.measure(.residual, .forward, .pass(tile.rows * features, arrays: 2)) {
      forEachRow(of: tile) { row, offset in
        let target = spare.row(row)
        target.update(from: source + offset, count: features)
        for j in features..<spare.stride { target[j] = 0 }
      }
    }
    return spare
  }

  /// Writes `rows` to their places in `out` [B, K, T, N], with those of `base` added if there is
  /// one; `out` and `base` may be the same. Rows that lie there already stay.
  func scatter(
    _ rows: MatrixView, _ tile: Tile, plus base: MutableFloatPointer? = nil,
    to out: MutableFloatPointer, _ pass: Profile.Pass, _ profile: Profile?
  ) {
    if base == nil && rows.base == out + tile.offset { return }
    let work = Profile.Work.pass(tile.rows * features, arrays: base == nil ? 2 : 3)
    profile.measure(.residual, pass, work) {
      forEachRow(of: tile) { row, offset in
        let target = out + offset
        if let base {
          kernels.sum(base + offset, rows.row(row), count: features, out: target)
        } else {
          target.update(from: rows.row(row), count: features)
        }
      }
    }
  }

  /// The rows of `tile` in `source` [B, K, T, N] if they lie side by side in whole vectors.
  func inPlace(_ tile: Tile, of source: MutableFloatPointer) -> MatrixView? {
    guard stepStride == features && features == paddedToLanes(features) else { return nil }
    return MatrixView(source + tile.offset, rows: tile.rows, columns: features)
  }

  /// Calls `body` with each row of the tile and its offset in [B, K, T, N].
  @inline(__always)
  func forEachRow(of tile: Tile, _ body: (_ row: Int, _ offset: Int) -> Void) {
    var row = 0
    for sequence in 0..<tile.sequences {
      var at = tile.offset + sequence * sequenceStride
      for _ in 0..<length {
        body(row, at)
        row += 1
        at += stepStride
      }
    }
  }
}
