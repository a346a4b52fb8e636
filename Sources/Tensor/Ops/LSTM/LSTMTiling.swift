import KernelAPI

/// Some sequences of one utterance that go through an LSTM side by side.
struct LSTMTile {
  /// Offset of the first sequence's first row in [B, K, T, N].
  let offset: Int
  /// Number of sequences.
  let sequences: Int
  /// Number of rows in all tiles before.
  let rowsBefore: Int
}

/// How [B, K, T, N] is cut into tiles of sequences, and these into chunks of steps.
///
/// The product of a step has one row for each sequence of its tile: whole multiples of six, the
/// rows of a register tile, as far as there are that many. At most eight tiles an utterance are what
/// its threads share; weight gradients are added up tile by tile, so tiles do not depend on the
/// number of threads.
struct LSTMTiling {
  /// Steps of a sequence.
  let length: Int
  /// Floats from one sequence of a tile to the next.
  let sequenceStride: Int
  /// Floats from one step to the next.
  let stepStride: Int
  /// Sequences of the largest tile.
  let sequencesPerTile: Int
  /// Steps of a chunk, whose rows stay in the L2 cache while input, recurrence and output products
  /// go over them.
  let stepsPerChunk: Int
  /// Rows of all tiles.
  let rowCount: Int
  /// The tiles of each utterance.
  let utterances: [[LSTMTile]]

  private static let registerRows = 6
  private static let tileLimit = 8
  private static let chunkRows = 180

  init(_ shape: [Int], _ axis: SequenceAxis) {
    let (batch, bands, frames, features) = (shape[0], shape[1], shape[2], shape[3])
    let count: Int
    switch axis {
    case .time:
      (length, count, sequenceStride, stepStride) = (frames, bands, frames * features, features)
    case .band:
      (length, count, sequenceStride, stepStride) = (bands, frames, features, frames * features)
    }
    rowCount = batch * bands * frames
    let together = Self.sequencesTogether(of: count)
    sequencesPerTile = min(together, max(1, count))
    stepsPerChunk = max(1, min(length, Self.chunkRows / sequencesPerTile))
    // `self` is not complete yet.
    let (length, sequenceStride) = (self.length, self.sequenceStride)
    utterances = (0..<batch).map { utterance in
      stride(from: 0, to: count, by: together).map { first in
        LSTMTile(
          offset: utterance * bands * frames * features + first * sequenceStride,
          sequences: min(together, count - first),
          rowsBefore: (utterance * count + first) * length)
      }
    }
  }

  /// Sequences that make a tile, of `count` in an utterance.
  private static func sequencesTogether(of count: Int) -> Int {
    let units = (count + registerRows - 1) / registerRows
    return registerRows * max(1, (units + tileLimit - 1) / tileLimit)
  }

  /// The chunks of logical steps, first to last.
  var chunks: [Range<Int>] {
    stride(from: 0, to: length, by: stepsPerChunk).map {
      $0..<min($0 + stepsPerChunk, length)
    }
  }

  /// Offset of the first sequence of `tile` at a logical step.
  func offset(_ tile: LSTMTile, step: Int, reversed: Bool) -> Int {
    tile.offset + (reversed ? length - 1 - step : step) * stepStride
  }
}

/// Sequences of an utterance that the LSTM operation takes together, of `count`: rows of a step's
/// products.
package func lstmSequencesTogether(of count: Int) -> Int {
  LSTMTiling([1, count, 1, 1], .time).sequencesPerTile
}
