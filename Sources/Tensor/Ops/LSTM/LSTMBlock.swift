import KernelAPI

/// out = x + Linear(LSTM(GroupNorm(x))), along one axis of `x` [B, K, T, N].
///
/// GroupNorm has one group over (N, T, K) of an utterance, eps 1e-5. The LSTM runs in one or two
/// directions, each with weights of its own; the linear layer maps their H units each, side by side,
/// back to N.
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
///   - normWeight: GroupNorm weight [N].
///   - normBias: GroupNorm bias [N].
///   - directions: The LSTM's directions.
///   - outputWeight: Linear weight [N, directions · H].
///   - outputBias: Linear bias [N].
/// - Returns: [B, K, T, N].
public func lstmBlock(
  _ x: Tensor, along axis: SequenceAxis, normWeight: Parameter, normBias: Parameter,
  directions: [DirectedLSTM], outputWeight: Parameter, outputBias: Parameter, _ tape: Tape
) -> Tensor {
  LSTMBlock(
    x.shape, axis: axis, norm: (normWeight, normBias), directions: directions,
    output: (outputWeight, outputBias), tape.execution
  ).record(x, tape)
}

private final class LSTMBlock {
  private typealias Affine = (weight: Parameter, bias: Parameter)

  private let norm: Affine
  private let directions: [DirectedLSTM]
  private let output: Affine
  private let sizes: LSTMSizes
  private let tiling: LSTMTiling
  private let shape: [Int]
  private let execution: Execution

  init(
    _ shape: [Int], axis: SequenceAxis, norm: (weight: Parameter, bias: Parameter),
    directions: [DirectedLSTM], output: (weight: Parameter, bias: Parameter),
    _ execution: Execution
  ) {
    precondition(shape.count == 4, "lstmBlock: expected [B, K, T, N], got \(shape)")
    self.shape = shape
    self.norm = norm
    self.directions = directions
    self.output = output
    self.execution = execution
    sizes = LSTMSizes(directions[0].parameters, directions: directions.count)
    precondition(
      shape[3] == sizes.features, "lstmBlock: \(shape[3]) features, weights for \(sizes.features)")
    let width = directions.count * sizes.units
    precondition(
      output.weight.shape == [sizes.features, width],
      "lstmBlock: linear weight \(output.weight.shape), not [\(sizes.features), \(width)]")
    tiling = LSTMTiling(shape, axis)
  }

  private var profile: Profile? { execution.profile }
  /// Floats of an utterance.
  private var utteranceCount: Int { shape[1] * shape[2] * shape[3] }
  private var workerCount: Int { min(execution.threads, tiling.utterances.first?.count ?? 0) }
  private var parameters: [Parameter] {
    directions.flatMap(\.parameters.all) + [norm.weight, norm.bias, output.weight, output.bias]
  }

  /// Runs forward and records backward.
  func record(_ x: Tensor, _ tape: Tape) -> Tensor {
    let out = Tensor(uninitialized: x.shape)
    let keeps = tape.isRecording && !execution.recomputes
    let saved = keeps ? directions.map { _ in LSTMActivations(tiling, sizes) } : nil
    let statistics = forward(x, out, saved)
    tape.record(using: parameters) { self.backward(x, out, saved, statistics) }
    return out
  }

  private func pass(_ tile: LSTMTile, _ direction: DirectedLSTM) -> LSTMPass {
    LSTMPass(
      sizes: sizes, tiling: tiling, tile: tile, reversed: direction.reversed, profile: profile)
  }

  private func packed() -> [PackedLSTM] {
    profile.measure(.weights, .forward, .uncounted) {
      directions.enumerated().map { PackedLSTM($1, output.weight, $0, sizes) }
    }
  }

  /// Mean and 1/σ of one utterance.
  private func statistics(_ x: Tensor, _ utterance: Int) -> (mean: Float, inverse: Float) {
    profile.measure(.groupNorm, .forward, .groupStatistics(utteranceCount)) {
      let rows = shape[1] * shape[2]
      let copy = Storage(
        uninitialized: sizes.features == sizes.featureStride ? 0 : rows * sizes.featureStride)
      return withExtendedLifetime(copy) {
        kernels.groupStatistics(
          paddedRows(
            FloatPointer(x.base + utterance * utteranceCount), rows: rows,
            features: sizes.features, into: copy.base),
          rows: rows, features: sizes.features, stride: sizes.featureStride, epsilon: 1e-5)
      }
    }
  }

  private func forward(
    _ x: Tensor, _ out: Tensor, _ saved: [LSTMActivations]?
  ) -> [(mean: Float, inverse: Float)] {
    let packed = packed()
    let affine = LSTMAffine(norm.weight, norm.bias)
    let outputBias = padded(output.bias.value, count: sizes.features)
    let workers = (0..<workerCount).map { _ in
      LSTMScratch(tiling, sizes, keepsRecords: saved != nil)
    }
    return tiling.utterances.enumerated().map { utterance, tiles in
      let s = statistics(x, utterance)
      let norm = affine.norm(s)
      parallel(execution.threads, tasks: tiles.count) { index, worker in
        for (d, direction) in directions.enumerated() {
          pass(tiles[index], direction).forward(
            FloatPointer(x.base), norm, packed[d], outputBias: d == 0 ? outputBias.base : nil,
            saved?[d].at(tiles[index]), workers[worker], pass: .forward
          ) { [self] rows, offset in
            let base = FloatPointer(d == 0 ? x.base : out.base)
            for sequence in 0..<tiles[index].sequences {
              let at = offset + sequence * tiling.sequenceStride
              kernels.sum(
                base + at, rows + sequence * sizes.featureStride, count: sizes.features,
                out: out.base + at)
            }
          }
        }
      }
      return s
    }
  }

  private func backward(
    _ x: Tensor, _ out: Tensor, _ saved: [LSTMActivations]?,
    _ statistics: [(mean: Float, inverse: Float)]
  ) {
    guard let upstream = out.gradient else { return }
    let affine = LSTMAffine(norm.weight, norm.bias)
    // Where nothing was kept, tiles run forward first.
    let packed = saved == nil ? self.packed() : []
    let weights = profile.measure(.weights, .backward, .uncounted) {
      directions.enumerated().map { BackwardLSTM($1, output.weight, $0, sizes) }
    }
    let workers = (0..<workerCount).map { _ in
      LSTMBackwardWorker(tiling, sizes, recomputes: saved == nil)
    }
    let normalised = Storage(uninitialized: utteranceCount)
    for (utterance, tiles) in tiling.utterances.enumerated() {
      let norm = affine.norm(statistics[utterance])
      let total = LSTMBlockGradients(sizes)
      let order = OrderedSection()
      parallel(execution.threads, tasks: tiles.count) { index, worker in
        let worker = workers[worker]
        for d in directions.indices {
          backward(
            x, upstream, tiles[index], d, norm, weights[d], saved?[d].at(tiles[index]), packed,
            worker, to: normalised.base - utterance * utteranceCount)
        }
        order.run(index) {
          profile.measure(.gradients, .backward, .uncounted) { worker.gradients.move(to: total) }
        }
      }
      profile.measure(.gradients, .backward, .uncounted) { finish(total) }
      if x.requiresGradient {
        let start = utterance * utteranceCount
        addInputGradient(
          FloatPointer(x.base + start), FloatPointer(normalised.base), norm, total,
          to: upstream.base + start)
      }
    }
    if x.requiresGradient { x.accumulate(gradient: upstream) }
    out.gradient = nil
  }

  /// One direction of one tile; the gradient of the normalised x goes to its place in `target`.
  private func backward(
    _ x: Tensor, _ upstream: Storage, _ tile: LSTMTile, _ d: Int, _ norm: LSTMNorm,
    _ weights: BackwardLSTM, _ kept: LSTMRecords?, _ packed: [PackedLSTM],
    _ worker: LSTMBackwardWorker, to target: MutableFloatPointer
  ) {
    let pass = pass(tile, directions[d])
    let input = FloatPointer(x.base)
    let records: LSTMRecords
    if let kept {
      records = kept
    } else if let own = worker.own?.first(tile) {
      pass.forward(
        input, norm, packed[d], outputBias: nil, own, worker.scratch, pass: .recompute, write: nil)
      records = own
    } else {
      preconditionFailure("lstmBlock: no activations")
    }
    pass.backward(
      input, FloatPointer(upstream.base), norm, weights, records, worker.gradients.directions[d],
      outputBias: d == 0 ? worker.gradients.outputBias : nil, worker
    ) { rows, offset in
      let spare = worker.scratch.spare
      let (source, stride) = tiling.rows(input + offset, tile, sizes, spare)
      kernels.groupNormSums(
        source, xStride: stride, rows, doutStride: sizes.rowStride, rows: tile.sequences,
        features: sizes.featureStride, mean: norm.mean, inverse: norm.inverse,
        dweight: worker.gradients.normWeight, dbias: worker.gradients.normBias)
      for sequence in 0..<tile.sequences {
        let place = target + (offset + sequence * tiling.sequenceStride)
        let row = rows + sequence * sizes.rowStride
        if d == 0 {
          place.update(from: row, count: sizes.features)
        } else {
          kernels.add(row, to: place, count: sizes.features)
        }
      }
    }
  }

  private func finish(_ total: LSTMBlockGradients) {
    for (index, direction) in directions.enumerated() {
      total.directions[index].finish(direction.parameters, output.weight, index)
    }
    for (sum, parameter) in [
      (total.normWeight, norm.weight), (total.normBias, norm.bias),
      (total.outputBias, output.bias),
    ] {
      kernels.add(FloatPointer(sum), to: parameter.gradient, count: sizes.features)
    }
  }

  /// GroupNorm's gradient of one utterance, added to the residual's.
  private func addInputGradient(
    _ x: FloatPointer, _ dnormalised: FloatPointer, _ norm: LSTMNorm, _ sums: LSTMBlockGradients,
    to dx: MutableFloatPointer
  ) {
    let count = Double(utteranceCount)
    var (gradient, product) = (0.0, 0.0)
    for j in 0..<sizes.features {
      gradient += Double(sums.normBias[j]) * Double(norm.weight[j])
      product += Double(sums.normWeight[j]) * Double(norm.weight[j])
    }
    let bandCount = shape[2] * shape[3]
    parallel(execution.threads, tasks: shape[1]) { band, _ in
      profile.measure(.groupNorm, .backward, .pass(bandCount, arrays: 4, operations: 4)) {
        let start = band * bandCount
        let isPadded = sizes.features != sizes.featureStride
        let copies = Storage(uninitialized: isPadded ? 3 * shape[2] * sizes.featureStride : 0)
        let size = isPadded ? copies.count / 3 : 0
        func rows(_ source: FloatPointer, _ copy: Int) -> FloatPointer {
          paddedRows(
            source + start, rows: shape[2], features: sizes.features,
            into: copies.base + copy * size)
        }
        let target = MutableFloatPointer(mutating: rows(FloatPointer(dx), 2))
        kernels.addGroupNormInputGradient(
          rows(x, 0), rows(dnormalised, 1), rows: shape[2], features: sizes.featureStride,
          stride: sizes.featureStride, mean: norm.mean, inverse: norm.inverse, weight: norm.weight,
          meanOfGradient: Float(gradient / count), meanOfProduct: Float(product / count),
          to: target)
        if isPadded {
          for t in 0..<shape[2] {
            (dx + (start + t * sizes.features)).update(
              from: target + t * sizes.featureStride, count: sizes.features)
          }
        }
        withExtendedLifetime(copies) {}
      }
    }
  }
}

/// GroupNorm's parameters, padded.
private struct LSTMAffine {
  private let weight: PaddedMatrix
  private let bias: PaddedMatrix

  init(_ weight: Parameter, _ bias: Parameter) {
    self.weight = padded(weight.value, count: weight.count)
    self.bias = padded(bias.value, count: bias.count)
  }

  func norm(_ statistics: (mean: Float, inverse: Float)) -> LSTMNorm {
    LSTMNorm(
      weight: weight.base, bias: bias.base, mean: statistics.mean, inverse: statistics.inverse)
  }
}
