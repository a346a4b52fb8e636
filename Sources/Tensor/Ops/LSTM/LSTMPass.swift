import KernelAPI

/// GroupNorm of one utterance: its parameters as kernels take them, and the utterance's moments.
struct LSTMNorm {
  let vectors: AffineVectors
  let moments: GroupMoments
}

/// One direction of an LSTM module on one tile, chunk by chunk of steps, forward and backward.
///
/// The first of several directions also adds the residual and the linear layer's bias.
struct LSTMPass {
  let sizes: LSTMSizes
  let tiling: Tiling
  /// The chunks of logical steps, first to last.
  let chunks: [Range<Int>]
  let tile: Tile
  let isFirst: Bool
  let reversed: Bool
  let norm: LSTMNorm
  let profile: Profile?

  /// From x [B, K, T, N] to the records of all steps, and where there is an `output` to that: x or
  /// what lies there, plus the linear layer's output.
  ///
  /// Without `kept` only a chunk's records are there at a time.
  func forward(
    _ x: MutableFloatPointer, _ packed: PackedLSTM, kept: LSTMRecords?, _ scratch: LSTMScratch,
    _ pass: Profile.Pass, to output: (base: MutableFloatPointer, bias: FloatPointer)?
  ) {
    for chunk in chunks {
      // Without `kept` the records of the step before stand first.
      let held = kept == nil ? scratch.records?.starting(at: chunk.lowerBound - 1) : nil
      guard let records = kept ?? held else { preconditionFailure("lstmBlock: no records") }
      normalise(x, chunk, scratch, pass)
      profile.measure(.lstm, pass, forwardWork(chunk)) {
        for step in chunk {
          let at = step - chunk.lowerBound
          kernels.lstmStepForward(
            self.step(step, records), input: rows(scratch.rows, at).base,
            weights: packed.weights.base, bias: packed.bias,
            state: states(scratch.rows, at + 1).base)
        }
      }
      if let output { project(x, chunk, packed, scratch, pass, to: output) }
      states(scratch.rows, 0).copy(states(scratch.rows, chunk.count))
      if let held {
        for block in 0..<sizes.blocks {
          held.rows(block, chunk.lowerBound - 1).copy(held.rows(block, chunk.upperBound - 1))
        }
      }
    }
  }

  /// The linear layer over the states of a chunk.
  private func project(
    _ x: MutableFloatPointer, _ chunk: Range<Int>, _ packed: PackedLSTM, _ scratch: LSTMScratch,
    _ pass: Profile.Pass, to output: (base: MutableFloatPointer, bias: FloatPointer)
  ) {
    let count = tile.sequences * chunk.count
    let projected = scratch.output.rows(from: 0, count: count)
    profile.measure(.lstmOutput, pass, .product(count, sizes.features, sizes.units)) {
      matrixProduct(
        states(scratch.rows, 1, steps: chunk.count), packed.output, into: projected,
        isFirst ? .bias(output.bias) : .overwrite)
    }
    profile.measure(.residual, pass, .pass(count * sizes.features, arrays: 3)) {
      for step in chunk {
        let rows = rows(projected, step - chunk.lowerBound)
        let base = places(isFirst ? x : output.base, step)
        let out = places(output.base, step)
        for sequence in 0..<tile.sequences {
          kernels.sum(
            base.row(sequence), rows.row(sequence), count: sizes.features, out: out.row(sequence))
        }
      }
    }
  }

  /// Adds to the gradients of weights, and writes the gradient of the normalised rows to `target`
  /// [B, K, T, N], or adds it to what another direction wrote there. `records` are used up.
  func backward(
    _ x: MutableFloatPointer, _ upstream: MutableFloatPointer, _ weights: BackwardLSTM,
    _ records: LSTMRecords, _ sums: LSTMSums, _ blockSums: LSTMBlockSums,
    _ back: LSTMBackwardScratch, to target: MutableFloatPointer
  ) {
    let scratch = back.forward
    for i in 0..<tile.sequences * sizes.unitStride { back.cell[i] = 0 }
    for (index, chunk) in chunks.enumerated().reversed() {
      let count = tile.sequences * chunk.count
      let dout = scratch.output.rows(from: 0, count: count)
      let hidden = back.hidden.rows(from: 0, count: count)
      normalise(x, chunk, scratch, .recompute)
      profile.measure(.residual, .backward, .pass(count * sizes.features, arrays: 2)) {
        for step in chunk {
          rows(dout, step - chunk.lowerBound).copyPadded(places(upstream, step))
        }
      }
      profile.measure(.lstmOutput, .backward, .product(count, sizes.units, sizes.features)) {
        matrixProduct(dout, weights.output, into: hidden, .overwrite)
      }
      profile.measure(.lstm, .backward, backwardWork(chunk)) {
        for step in chunk.reversed() {
          let at = step - chunk.lowerBound
          let isLast = step == tiling.length - 1
          kernels.lstmStepBackward(
            self.step(step, records),
            LSTMStepGradients(
              hidden: rows(hidden, at).base,
              next: isLast ? nil : FloatPointer(states(back.rows, at + 1).base), cell: back.cell,
              weights: weights.weights, gates: back.gates.base, input: rows(back.rows, at).base,
              state: states(scratch.rows, at + 1).base))
        }
        restoreState(before: chunk.lowerBound, records, scratch)
      }
      profile.measure(.lstmWeights, .backward, products(chunk)) {
        addWeightGradients(chunk, records, sums, scratch)
      }
      profile.measure(.lstmOutput, .backward, .product(count, sizes.units, sizes.features)) {
        matrixProduct(
          dout.transposed, states(scratch.rows, 1, steps: chunk.count), into: sums.output,
          .accumulate)
        if isFirst { kernels.addColumnSums(dout, to: blockSums.outputBias) }
      }
      profile.measure(.groupNorm, .backward, .groupNormForward(2 * count * sizes.features)) {
        for step in chunk {
          let gradient = rows(back.rows, step - chunk.lowerBound)
            .columns(from: 0, count: sizes.features)
          kernels.addGroupNormSums(
            places(x, step).padded(in: scratch.spare), gradient, moments: norm.moments,
            to: blockSums.norm)
          write(gradient, to: places(target, step))
        }
      }
      if index > 0 { states(back.rows, chunks[index - 1].count).copy(states(back.rows, 0)) }
    }
  }

  // MARK: Places

  /// The rows of the tile at one step where they lie in [B, K, T, N].
  private func places(_ base: MutableFloatPointer, _ step: Int) -> MatrixView {
    let at = reversed ? tiling.length - 1 - step : step
    return MatrixView(
      base + tile.offset + at * tiling.stepStride, rows: tile.sequences, columns: sizes.features,
      stride: tiling.sequenceStride)
  }

  /// The rows of `steps` steps from `step` on, of rows in the order of a chunk.
  private func rows(_ rows: MatrixView, _ step: Int, steps: Int = 1) -> MatrixView {
    rows.rows(from: step * tile.sequences, count: steps * tile.sequences)
  }

  /// The states h, with their padding of zeros, of rows x_t | h_{t−1} in the order of a chunk.
  private func states(_ rows: MatrixView, _ step: Int, steps: Int = 1) -> MatrixView {
    self.rows(rows, step, steps: steps).columns(from: sizes.featureStride, count: sizes.unitStride)
  }

  private func step(_ step: Int, _ records: LSTMRecords) -> LSTMStep {
    LSTMStep(
      rows: tile.sequences, inputs: sizes.featureStride, hidden: sizes.unitStride,
      records: records.rows(0, step).base,
      previous: step == 0 ? nil : FloatPointer(records.rows(0, step - 1).base),
      blockStride: records.blockStride)
  }

  // MARK: Parts

  /// The normalised rows of a chunk, beside the place of the state before them.
  private func normalise(
    _ x: MutableFloatPointer, _ chunk: Range<Int>, _ scratch: LSTMScratch, _ pass: Profile.Pass
  ) {
    let count = tile.sequences * chunk.count
    profile.measure(.groupNorm, pass, .groupNormForward(count * sizes.features)) {
      for step in chunk {
        kernels.groupNormForward(
          places(x, step).padded(in: scratch.spare), norm.vectors, moments: norm.moments,
          out: rows(scratch.rows, step - chunk.lowerBound))
      }
    }
  }

  /// The state before a chunk, in its first rows: what the chunk before will compute again.
  private func restoreState(before step: Int, _ records: LSTMRecords, _ scratch: LSTMScratch) {
    let state = states(scratch.rows, 0)
    if step > 0 {
      kernels.lstmState(self.step(step - 1, records), state: state.base)
    } else {
      for sequence in 0..<tile.sequences {
        state.row(sequence).update(repeating: 0, count: sizes.unitStride)
      }
    }
  }

  private func addWeightGradients(
    _ chunk: Range<Int>, _ records: LSTMRecords, _ sums: LSTMSums, _ scratch: LSTMScratch
  ) {
    let inputs = rows(scratch.rows, 0, steps: chunk.count)
    for block in 0..<sizes.blocks {
      let gates = records.rows(block, chunk.lowerBound, steps: chunk.count)
        .columns(from: 0, count: sizes.blockWidth)
      matrixProduct(
        inputs.transposed, gates,
        into: sums.weights.rows(from: block * sizes.rowStride, count: sizes.rowStride),
        .accumulate)
      kernels.addColumnSums(gates, to: sums.bias + block * sizes.blockWidth)
    }
  }

  /// The gradient of a step's normalised rows, to their places or added to what is there.
  private func write(_ gradient: MatrixView, to places: MatrixView) {
    if isFirst {
      places.copy(gradient)
    } else {
      for sequence in 0..<tile.sequences {
        kernels.add(gradient.row(sequence), to: places.row(sequence), count: sizes.features)
      }
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
}
