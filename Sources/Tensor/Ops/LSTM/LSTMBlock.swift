import KernelAPI

/// out = x + Linear(LSTM(GroupNorm(x))), along one axis of `x` [B, K, T, N].
///
/// GroupNorm has one group over (N, T, K) of an utterance, eps 1e-5. The LSTM runs in one or two
/// directions, each with weights of its own; the linear layer maps their H units each, side by
/// side, back to N.
///
/// Works tile by tile, a tile being some sequences of an utterance, and in a tile by chunks of
/// steps: the rows of a chunk are normalised beside the states that precede them, so that one
/// product a step makes all gates from x_t and h_{t−1}, whose functions follow at once; then the
/// linear layer goes over the chunk while it lies in the cache. Nothing is flipped or transposed.
/// For backward it keeps the gates and cells; the states are computed again from them. Backward
/// makes the gates' gradients step by step and the weights' as products over a chunk. With
/// `Execution.recomputes` it keeps nothing, and backward first runs each tile forward again.
///
/// - Parameters:
///   - x: [B, K, T, N], any scale.
///   - axis: The axis that the LSTM runs along.
///   - norm: GroupNorm over N.
///   - directions: The LSTM's directions.
///   - output: The linear layer, weight [N, directions · H].
///   - tape: The tape that records the backward step.
/// - Returns: [B, K, T, N].
public func lstmBlock(
  _ x: Tensor, along axis: SequenceAxis, norm: AffineParameters, directions: [DirectedLSTM],
  output: AffineParameters, _ tape: Tape
) -> Tensor {
  LSTMBlock(
    x.shape, axis: axis, norm: norm, directions: directions, output: output, tape.execution
  ).record(x, tape)
}

private struct LSTMBlock {
  private typealias Activations = [TileActivations<LSTMRecords>]

  private let norm: AffineParameters
  private let directions: [DirectedLSTM]
  private let output: AffineParameters
  private let sizes: LSTMSizes
  private let tiling: Tiling
  private let shape: [Int]
  private let execution: Execution
  /// Steps of a chunk, whose rows stay in the L2 cache while input, recurrence and output products
  /// go over them.
  private let chunk: Int
  private var profile: Profile? { execution.profile }

  init(
    _ shape: [Int], axis: SequenceAxis, norm: AffineParameters, directions: [DirectedLSTM],
    output: AffineParameters, _ execution: Execution
  ) {
    self.shape = shape
    self.norm = norm
    self.directions = directions
    self.output = output
    self.execution = execution
    sizes = LSTMSizes(directions[0].parameters, directions: directions.count)
    tiling = Tiling(shape, along: axis, byUtterance: true) { count, _ in
      sequencesTogether(of: count)
    }
    precondition(
      tiling.features == sizes.features,
      "lstmBlock: \(tiling.features) features, weights for \(sizes.features)")
    let width = directions.count * sizes.units
    precondition(
      output.weight.shape == [sizes.features, width],
      "lstmBlock: linear weight \(output.weight.shape), not [\(sizes.features), \(width)]")
    chunk = max(1, min(tiling.length, 180 / tiling.largest.sequences))
  }

  /// Floats of an utterance.
  private var utteranceCount: Int { shape[1] * shape[2] * shape[3] }

  /// Runs forward and records backward.
  func record(_ x: Tensor, _ tape: Tape) -> Tensor {
    let out = Tensor(uninitialized: x.shape)
    let activations = directions.map { _ in
      TileActivations(tiling, areKept: tape.keepsActivations) {
        LSTMRecords(&$0, $1, sizes, steps: tiling.length)
      }
    }
    let moments = forward(x, out, activations)
    let parameters = directions.flatMap(\.parameters.all) + norm.all + output.all
    tape.record(using: parameters) { backward(x, out, activations, moments) }
    return out
  }

  private func pass(_ tile: Tile, _ direction: Int, _ norm: LSTMNorm) -> LSTMPass {
    let chunks = stride(from: 0, to: tiling.length, by: chunk).map {
      $0..<min($0 + chunk, tiling.length)
    }
    return LSTMPass(
      sizes: sizes, tiling: tiling, chunks: chunks, tile: tile, isFirst: direction == 0,
      reversed: directions[direction].reversed, norm: norm, profile: profile)
  }

  private func packed() -> [PackedLSTM] {
    profile.measure(.weights, .forward, .uncounted) {
      directions.enumerated().map { PackedLSTM($1, output.weight, $0, sizes) }
    }
  }

  private func forward(_ x: Tensor, _ out: Tensor, _ activations: Activations) -> [GroupMoments] {
    let packed = packed()
    let norm = PaddedAffine(norm)
    let bias = PaddedMatrix(output.bias.value, count: sizes.features)
    let workers = execution.workers(for: tiling) {
      ThreadScratch([tiling.largest]) {
        LSTMScratch(&$0, $1, sizes, chunk: chunk, holdsRecords: !activations[0].areKept)
      }
    }
    return tiling.parts.enumerated().map { utterance, groups in
      let moments = moments(x, utterance)
      execution.run(groups, workers) { tile, scratch in
        for d in directions.indices {
          pass(tile, d, LSTMNorm(vectors: norm.vectors, moments: moments)).forward(
            x.base, packed[d], kept: activations[d].kept(tile), scratch, .forward,
            to: (out.base, FloatPointer(bias.view.base)))
        }
      }
      return moments
    }
  }

  private func backward(
    _ x: Tensor, _ out: Tensor, _ activations: Activations, _ moments: [GroupMoments]
  ) {
    guard let upstream = out.gradient else { return }
    let paddedNorm = PaddedAffine(norm)
    // Where nothing was kept, tiles run forward first.
    let packed = activations[0].areKept ? [] : self.packed()
    let weights = profile.measure(.weights, .backward, .uncounted) {
      directions.enumerated().map { BackwardLSTM($1, output.weight, $0, sizes) }
    }
    let workers = execution.workers(for: tiling) {
      (
        scratch: ThreadScratch([tiling.largest]) {
          LSTMBackwardScratch(&$0, $1, sizes, chunk: chunk, activations[0])
        }, sums: sums()
      )
    }
    let normalised = Storage(uninitialized: utteranceCount)
    for (utterance, groups) in tiling.parts.enumerated() {
      let norm = LSTMNorm(vectors: paddedNorm.vectors, moments: moments[utterance])
      let start = utterance * utteranceCount
      let total = sums()
      execution.run(groups, workers, addingTo: total) { tile, back, sums in
        for d in directions.indices {
          let pass = pass(tile, d, norm)
          let records = activations[d].recalled(tile, room: back.room) {
            pass.forward(x.base, packed[d], kept: $0, back.forward, .recompute, to: nil)
          }
          pass.backward(
            x.base, upstream.base, weights[d], records, sums.directions[d], sums, back,
            to: normalised.base - start)
        }
      }
      profile.measure(.gradients, .backward, .uncounted) { finish(total.parts) }
      if x.requiresGradient {
        addInputGradient(
          x.base + start, normalised.base, norm, total.parts, to: upstream.base + start)
      }
    }
    out.passGradient(to: x)
  }

  private func sums() -> GradientSums<LSTMBlockSums> { GradientSums { LSTMBlockSums(&$0, sizes) } }

  /// Adds the sums to the parameters' gradients.
  private func finish(_ sums: LSTMBlockSums) {
    for (index, direction) in directions.enumerated() {
      sums.directions[index].finish(direction.parameters, output.weight, index)
    }
    sums.norm.add(to: norm)
    kernels.add(sums.outputBias, to: output.bias.gradient, count: sizes.features)
  }

  // MARK: GroupNorm

  /// `count` rows of [B, K, T, N] side by side.
  private func rows(_ base: MutableFloatPointer, _ count: Int) -> MatrixView {
    MatrixView(base, rows: count, columns: sizes.features, stride: sizes.features)
  }

  private func moments(_ x: Tensor, _ utterance: Int) -> GroupMoments {
    profile.measure(.groupNorm, .forward, .groupStatistics(utteranceCount)) {
      let rows = rows(x.base + utterance * utteranceCount, shape[1] * shape[2])
      return rows.withPadding { kernels.groupMoments($0, epsilon: normEpsilon) }
    }
  }

  /// GroupNorm's gradient of one utterance, added to the residual's.
  private func addInputGradient(
    _ x: MutableFloatPointer, _ dnormalised: MutableFloatPointer, _ norm: LSTMNorm,
    _ sums: LSTMBlockSums, to dx: MutableFloatPointer
  ) {
    let count = Double(utteranceCount)
    var (gradient, product) = (0.0, 0.0)
    for j in 0..<sizes.features {
      gradient += Double(sums.norm.bias[j]) * Double(norm.vectors.weight[j])
      product += Double(sums.norm.weight[j]) * Double(norm.vectors.weight[j])
    }
    let bandCount = shape[2] * shape[3]
    parallel(execution.threads, tasks: shape[1]) { band, _ in
      profile.measure(.groupNorm, .backward, .pass(bandCount, arrays: 4, operations: 4)) {
        let places = rows(dx + band * bandCount, shape[2])
        rows(x + band * bandCount, shape[2]).withPadding { x in
          rows(dnormalised + band * bandCount, shape[2]).withPadding { dnormalised in
            places.withPadding { dx in
              kernels.addGroupNormInputGradient(
                x, dnormalised, weight: norm.vectors.weight, moments: norm.moments,
                meanOfGradient: Float(gradient / count), meanOfProduct: Float(product / count),
                to: dx)
              if dx.base != places.base { places.copy(dx) }
            }
          }
        }
      }
    }
  }
}

/// Sequences of an utterance with `count` of them that make a tile.
///
/// The product of a step has one row for each: whole multiples of six, the rows of a register tile.
/// At most eight tiles an utterance are what its threads share.
private func sequencesTogether(of count: Int) -> Int {
  let (registerRows, tileLimit) = (6, 8)
  let units = (count + registerRows - 1) / registerRows
  return registerRows * max(1, (units + tileLimit - 1) / tileLimit)
}

/// Sequences of an utterance that the LSTM operation takes together, of `count`: rows of a step's
/// products.
package func lstmSequencesTogether(of count: Int) -> Int {
  min(sequencesTogether(of: count), max(1, count))
}
