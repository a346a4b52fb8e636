import KernelAPI

/// The rows of one tile and where they lie in [B, K, T, N].
struct MambaPlace {
  /// Offset of the first row.
  let offset: Int
  /// Sequences in the tile.
  let sequences: Int
  /// Rows in the tile.
  let rows: Int
  /// Number of rows, and of sequences, in the tiles before.
  let rowsBefore: Int
  /// See `rowsBefore`.
  let sequencesBefore: Int
}

/// How [B, K, T, N] is cut into tiles of about 256 rows, small enough for a core's L2 cache and
/// large enough for the products.
struct MambaTiling {
  /// Steps of a sequence.
  let length: Int
  /// Floats from one sequence of a tile to the next.
  let sequenceStride: Int
  /// Floats from one step to the next.
  let stepStride: Int
  /// Rows of the largest tile.
  let rowsPerTile: Int
  /// Rows of all tiles.
  let rowCount: Int
  /// The tiles, in groups of neighbours. A group is what one thread takes, and weight gradients are
  /// added up group by group: their rounding depends on the groups, so these do not depend on the
  /// number of threads.
  let groups: [[MambaPlace]]

  private static let groupLimit = 8
  private static let usualRows = 256

  init(batch: Int, bands: Int, frames: Int, features: Int, _ axis: SequenceAxis) {
    rowCount = batch * bands * frames
    var tiles: [MambaPlace] = []
    let together: Int
    switch axis {
    case .time:
      length = frames
      sequenceStride = frames * features
      stepStride = features
      // Short utterances share a tile, so that the products have enough rows.
      together = min(batch * bands, max(1, Self.usualRows / max(1, frames)))
      for first in stride(from: 0, to: batch * bands, by: together) {
        let sequences = min(together, batch * bands - first)
        tiles.append(
          MambaPlace(
            offset: first * sequenceStride, sequences: sequences, rows: sequences * frames,
            rowsBefore: first * frames, sequencesBefore: first))
      }
    case .band:
      length = bands
      sequenceStride = features
      stepStride = frames * features
      together = min(frames, max(1, Self.usualRows / max(1, bands)))
      for utterance in 0..<batch {
        for frame in stride(from: 0, to: frames, by: together) {
          let sequences = min(together, frames - frame)
          let before = utterance * frames + frame
          tiles.append(
            MambaPlace(
              offset: (utterance * bands * frames + frame) * features, sequences: sequences,
              rows: sequences * bands, rowsBefore: before * bands, sequencesBefore: before))
        }
      }
    }
    rowsPerTile = together * length
    let count = min(Self.groupLimit, tiles.count)
    groups = (0..<count).map {
      Array(tiles[$0 * tiles.count / count..<($0 + 1) * tiles.count / count])
    }
  }

  /// Kept states of the scan in a sequence.
  var intervals: Int { scanCheckpointCount(length: length) }

  /// Calls `body` with each row of the tile and its offset in [B, K, T, N].
  @inline(__always)
  func forEachRow(of tile: MambaPlace, _ body: (_ row: Int, _ offset: Int) -> Void) {
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
