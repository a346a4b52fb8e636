import KernelAPI

/// GroupNorm of one utterance: its parameters as kernels want them, and the utterance's statistics.
struct LSTMNorm {
  let weight: FloatPointer
  let bias: FloatPointer
  let mean: Float
  let inverse: Float
}

/// One direction of an LSTM module on one tile, chunk by chunk of steps, forward and backward.
struct LSTMPass {
  let sizes: LSTMSizes
  let tiling: LSTMTiling
  let tile: LSTMTile
  let reversed: Bool
  let profile: Profile?

  /// From x to the records of all steps, and with `write` to fc's output.
  ///
  /// `write` gets rows [N] of a step and the offset of the first in [B, K, T, N]. Without `kept`
  /// only a chunk's records are there at a time.
  func forward(
    _ x: FloatPointer, _ norm: LSTMNorm, _ packed: PackedLSTM, outputBias: FloatPointer?,
    _ kept: LSTMRecords?, _ scratch: LSTMScratch, pass: Profile.Pass,
    write: ((_ rows: FloatPointer, _ offset: Int) -> Void)?
  ) {
    let count = tile.sequences
    for chunk in tiling.chunks {
      // Without `kept` the records of the step before stand first.
      let records =
        kept
        ?? LSTMRecords(
          base: scratch.records,
          blockStride: count * (tiling.stepsPerChunk + 1) * lstmRecordCount,
          firstStep: chunk.lowerBound - 1)
      normalise(x, norm, chunk, scratch, pass)
      profile.measure(.lstm, pass, forwardWork(chunk)) {
        for step in chunk {
          let at = step - chunk.lowerBound
          kernels.lstmStepForward(
            self.step(step, records), input: FloatPointer(row(scratch.rows, at)),
            weights: packed.weights, bias: packed.bias,
            state: row(scratch.rows, at + 1) + sizes.featureStride)
        }
      }
      if let write {
        let rows = count * chunk.count
        profile.measure(.lstmOutput, pass, .product(rows, sizes.features, sizes.units)) {
          matrixProduct(
            rows, sizes.featureStride, sizes.unitStride,
            StridedMatrix(
              FloatPointer(row(scratch.rows, 1) + sizes.featureStride), rowStride: sizes.rowStride),
            packed.output, sizes.featureStride, scratch.output, sizes.featureStride,
            outputBias.map { .bias($0) } ?? .overwrite)
        }
        profile.measure(.residual, pass, .pass(rows * sizes.features, arrays: 3)) {
          for step in chunk {
            let at = (step - chunk.lowerBound) * count * sizes.featureStride
            write(FloatPointer(scratch.output + at), offset(step))
          }
        }
      }
      carryState(from: chunk.count, to: 0, scratch.rows)
      if kept == nil {
        for block in 0..<sizes.blocks {
          let base = scratch.records + block * records.blockStride
          base.update(
            from: base + chunk.count * count * lstmRecordCount, count: count * lstmRecordCount)
        }
      }
    }
  }

  /// Adds to the gradients of weights, and calls `write` with rows of d/d(normalised x),
  /// `sizes.rowStride` apart, and the offset of the first. `records` are used up.
  func backward(
    _ x: FloatPointer, _ upstream: FloatPointer, _ norm: LSTMNorm, _ weights: BackwardLSTM,
    _ records: LSTMRecords, _ gradients: LSTMGradients, outputBias: MutableFloatPointer?,
    _ worker: LSTMBackwardWorker, write: (_ rows: FloatPointer, _ offset: Int) -> Void
  ) {
    let (count, scratch, back) = (tile.sequences, worker.scratch, worker.back)
    let chunks = tiling.chunks
    for i in 0..<count * sizes.unitStride { back.cell[i] = 0 }
    for (index, chunk) in chunks.enumerated().reversed() {
      let rows = count * chunk.count
      normalise(x, norm, chunk, scratch, .recompute)
      profile.measure(.residual, .backward, .pass(rows * sizes.features, arrays: 2)) {
        gatherOutputGradient(upstream, chunk, scratch)
      }
      let dout = FloatPointer(scratch.output)
      profile.measure(.lstmOutput, .backward, .product(rows, sizes.units, sizes.features)) {
        matrixProduct(
          rows, sizes.unitStride, sizes.features,
          StridedMatrix(dout, rowStride: sizes.featureStride), weights.output, sizes.unitStride,
          back.hidden, sizes.unitStride, .overwrite)
      }
      profile.measure(.lstm, .backward, backwardWork(chunk)) {
        for step in chunk.reversed() {
          let at = step - chunk.lowerBound
          let isLast = step == tiling.length - 1
          kernels.lstmStepBackward(
            self.step(step, records),
            LSTMStepGradients(
              hidden: FloatPointer(back.hidden + at * count * sizes.unitStride),
              next: isLast ? nil : FloatPointer(row(back.rows, at + 1) + sizes.featureStride),
              cell: back.cell, weights: weights.weights, gates: back.gates,
              input: row(back.rows, at), state: row(scratch.rows, at + 1) + sizes.featureStride))
        }
        restoreState(before: chunk.lowerBound, records, scratch)
      }
      profile.measure(.lstmWeights, .backward, weightWork(chunk)) {
        addWeightGradients(chunk, records, gradients, scratch)
      }
      profile.measure(.lstmOutput, .backward, .product(rows, sizes.units, sizes.features)) {
        addWeightGradient(
          sizes.features, sizes.unitStride, rows, dout, sizes.featureStride,
          row(scratch.rows, 1) + sizes.featureStride, sizes.rowStride, gradients.output,
          sizes.unitStride)
        if let outputBias {
          kernels.addColumnSums(
            dout, rowStride: sizes.featureStride, rows: rows, columns: sizes.featureStride,
            to: outputBias)
        }
      }
      profile.measure(.groupNorm, .backward, .groupNormForward(2 * rows * sizes.features)) {
        for step in chunk {
          write(FloatPointer(row(back.rows, step - chunk.lowerBound)), offset(step))
        }
      }
      if index > 0 { carryState(from: 0, to: chunks[index - 1].count, back.rows) }
    }
  }

  // MARK: Places

  private func offset(_ step: Int) -> Int { tiling.offset(tile, step: step, reversed: reversed) }

  /// The rows of one step of a chunk.
  private func row(_ rows: MutableFloatPointer, _ step: Int) -> MutableFloatPointer {
    rows + step * tile.sequences * sizes.rowStride
  }

  private func step(_ step: Int, _ records: LSTMRecords) -> LSTMStep {
    let at = records.base + (step - records.firstStep) * tile.sequences * lstmRecordCount
    return LSTMStep(
      rows: tile.sequences, inputs: sizes.featureStride, hidden: sizes.unitStride, records: at,
      previous: step == 0 ? nil : FloatPointer(at - tile.sequences * lstmRecordCount),
      blockStride: records.blockStride)
  }

  // MARK: Parts

  /// The normalised rows of a chunk, beside the place of the state before them.
  private func normalise(
    _ x: FloatPointer, _ norm: LSTMNorm, _ chunk: Range<Int>, _ scratch: LSTMScratch,
    _ pass: Profile.Pass
  ) {
    profile.measure(
      .groupNorm, pass, .groupNormForward(tile.sequences * chunk.count * sizes.features)
    ) {
      for step in chunk {
        let (input, stride) = tiling.rows(x + offset(step), tile, sizes, scratch.spare)
        kernels.groupNormForward(
          input, rows: tile.sequences, features: sizes.featureStride, stride: stride,
          mean: norm.mean, inverse: norm.inverse, weight: norm.weight, bias: norm.bias,
          out: row(scratch.rows, step - chunk.lowerBound), outStride: sizes.rowStride)
      }
    }
  }

  private func gatherOutputGradient(
    _ upstream: FloatPointer, _ chunk: Range<Int>, _ scratch: LSTMScratch
  ) {
    for step in chunk {
      let target =
        scratch.output + (step - chunk.lowerBound) * tile.sequences * sizes.featureStride
      tiling.copy(upstream + offset(step), tile, sizes, to: target)
    }
  }

  /// States, or their gradients, from the rows of one step to those of another.
  private func carryState(from: Int, to: Int, _ rows: MutableFloatPointer) {
    for sequence in 0..<tile.sequences {
      let at = sequence * sizes.rowStride + sizes.featureStride
      (row(rows, to) + at).update(from: row(rows, from) + at, count: sizes.unitStride)
    }
  }

  /// The state before a chunk, in its first rows: what the chunk before will compute again.
  private func restoreState(before step: Int, _ records: LSTMRecords, _ scratch: LSTMScratch) {
    let state = scratch.rows + sizes.featureStride
    if step > 0 {
      kernels.lstmState(self.step(step - 1, records), state: state)
    } else {
      for sequence in 0..<tile.sequences {
        (state + sequence * sizes.rowStride).update(repeating: 0, count: sizes.unitStride)
      }
    }
  }

  private func addWeightGradients(
    _ chunk: Range<Int>, _ records: LSTMRecords, _ gradients: LSTMGradients,
    _ scratch: LSTMScratch
  ) {
    let rows = tile.sequences * chunk.count
    let width = 4 * laneCount
    let first = step(chunk.lowerBound, records)
    for block in 0..<sizes.blocks {
      let gates = FloatPointer(first.records + block * first.blockStride)
      addWeightGradient(
        sizes.rowStride, width, rows, FloatPointer(scratch.rows), sizes.rowStride, gates,
        lstmRecordCount, gradients.weights + block * width * sizes.rowStride, width)
      kernels.addColumnSums(
        gates, rowStride: lstmRecordCount, rows: rows, columns: width,
        to: gradients.bias + block * width)
    }
  }

  // MARK: Work

  /// Rows of a chunk, and those of them that have a state before them.
  private func counts(_ chunk: Range<Int>) -> (rows: Int, recurrent: Int) {
    let rows = tile.sequences * chunk.count
    return (rows, chunk.lowerBound == 0 ? rows - tile.sequences : rows)
  }

  private func products(_ chunk: Range<Int>) -> Profile.Work {
    let (rows, recurrent) = counts(chunk)
    return .product(rows, 4 * sizes.units, sizes.features)
      + .product(recurrent, 4 * sizes.units, sizes.units)
  }

  private func forwardWork(_ chunk: Range<Int>) -> Profile.Work {
    products(chunk) + .lstmForward(counts(chunk).rows * sizes.units)
  }

  private func backwardWork(_ chunk: Range<Int>) -> Profile.Work {
    products(chunk) + .lstmBackward(counts(chunk).rows * sizes.units)
  }

  private func weightWork(_ chunk: Range<Int>) -> Profile.Work { products(chunk) }
}

extension LSTMTiling {
  /// The rows of `tile` at one step with zero-padded features: as they lie, or a copy.
  func rows(
    _ source: FloatPointer, _ tile: LSTMTile, _ sizes: LSTMSizes, _ spare: MutableFloatPointer
  ) -> (FloatPointer, stride: Int) {
    if sizes.featureStride == sizes.features { return (source, sequenceStride) }
    copy(source, tile, sizes, to: spare)
    return (FloatPointer(spare), sizes.featureStride)
  }

  /// Copies the rows of `tile` at one step, zero-padded.
  func copy(
    _ source: FloatPointer, _ tile: LSTMTile, _ sizes: LSTMSizes, to target: MutableFloatPointer
  ) {
    for sequence in 0..<tile.sequences {
      let row = target + sequence * sizes.featureStride
      row.update(from: source + sequence * sequenceStride, count: sizes.features)
      for j in sizes.features..<sizes.featureStride { row[j] = 0 }
    }
  }
}
