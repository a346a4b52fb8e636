import KernelAPI

/// The parameters of one band of the band split.
public struct BandSplitParameters {
  /// GroupNorm weight [2w].
  public let normWeight: Parameter
  /// GroupNorm bias [2w].
  public let normBias: Parameter
  /// Linear weight [N, 2w].
  public let weight: Parameter
  /// Linear bias [N].
  public let bias: Parameter

  /// Collects the parameters of one band.
  public init(normWeight: Parameter, normBias: Parameter, weight: Parameter, bias: Parameter) {
    self.normWeight = normWeight
    self.normBias = normBias
    self.weight = weight
    self.bias = bias
  }

  var width: Int { normWeight.count / 2 }
  var all: [Parameter] { [normWeight, normBias, weight, bias] }
}

/// Splits a spectrogram into bands of N features.
///
/// For band k of width w, its bins are 2w features of each frame (bin0.re, bin0.im, …), normalised
/// with one mean and deviation over features and frames (GroupNorm with one group, eps 1e-5), then
/// mapped by Linear 2w → N. The bins lie one after the other in a frame, so a band is a block of
/// columns and nothing is moved but into padded rows.
///
/// - Parameters:
///   - spectrogram: [B, T, F, 2], complex bins as pairs.
///   - statistics: One entry a band, to normalise with instead of the spectrogram's own; for
///     inference only, since they have no gradient.
/// - Returns: [B, K, T, N].
public func splitIntoBands(
  _ spectrogram: Tensor, bands: [BandSplitParameters], statistics: [GroupStatistics]? = nil,
  _ tape: Tape
) -> Tensor {
  let shape = spectrogram.shape
  precondition(
    shape.count == 4 && shape[3] == 2, "splitIntoBands: expected [B, T, F, 2], got \(shape)")
  let bins = bands.reduce(0) { $0 + $1.width }
  precondition(
    bins == shape[2], "splitIntoBands: bands cover \(bins) bins, the spectrogram \(shape[2])")
  precondition(
    statistics.map { $0.count == bands.count && !tape.isRecording } ?? true,
    "splitIntoBands: statistics of \(statistics?.count ?? 0) bands for \(bands.count), or a tape "
      + "that records")
  let op = BandSplit(spectrogram, bands, given: statistics, tape.execution)
  let out = op.forward()
  tape.record(using: bands.flatMap(\.all)) { op.backward(out) }
  return out
}

/// Buffers of one thread.
private final class BandSplitScratch {
  let rows: Storage
  let normalised: Storage
  let dnormalised: Storage
  /// Output rows where features are no whole vectors.
  let spare: Storage

  init(rows count: Int, inputStride: Int, features: Int, backward: Bool) {
    rows = Storage(uninitialized: count * inputStride)
    normalised = Storage(uninitialized: count * inputStride)
    dnormalised = Storage(uninitialized: backward ? count * inputStride : 0)
    let stride = paddedToLanes(features)
    spare = Storage(uninitialized: stride == features ? 0 : count * stride)
  }
}

private final class BandSplit {
  private let input: Tensor
  private let bands: [BandSplitParameters]
  private let frames: Int
  private let features: Int
  private let execution: Execution
  /// Statistics to take instead of the input's own, one entry a band.
  private let given: [GroupStatistics]?
  private let firstBins: [Int]
  /// Mean and 1/σ of each [utterance, band].
  private var statistics: [(mean: Float, inverse: Float)]

  init(
    _ input: Tensor, _ bands: [BandSplitParameters], given: [GroupStatistics]?,
    _ execution: Execution
  ) {
    self.input = input
    self.bands = bands
    self.execution = execution
    self.given = given
    frames = input.shape[1]
    features = bands[0].bias.count
    var firstBins: [Int] = []
    var bins = 0
    for band in bands {
      firstBins.append(bins)
      bins += band.width
    }
    self.firstBins = firstBins
    statistics = Array(repeating: (0, 0), count: input.shape[0] * bands.count)
  }

  private var widestStride: Int { bands.map { paddedToLanes(2 * $0.width) }.max() ?? 0 }

  /// Bands share nothing but the input, so each is one thread's, in all utterances.
  private func forEachBand(
    backward: Bool, _ body: (_ utterance: Int, _ k: Int, _ scratch: BandSplitScratch) -> Void
  ) {
    let workers = (0..<min(execution.threads, bands.count)).map { _ in
      BandSplitScratch(
        rows: frames, inputStride: widestStride, features: features, backward: backward)
    }
    parallel(execution.threads, tasks: bands.count) { k, worker in
      for utterance in 0..<input.shape[0] {
        execution.profile.measure(
          .bandSplit, backward ? .backward : .forward,
          .product(frames, (backward ? 2 : 1) * features, 2 * bands[k].width)
        ) { body(utterance, k, workers[worker]) }
      }
    }
  }

  /// A band's columns of one utterance as padded rows [T, 2w].
  private func gather(_ utterance: Int, _ k: Int, into rows: MutableFloatPointer) {
    let width = 2 * bands[k].width
    let stride = paddedToLanes(width)
    let bins = input.shape[2]
    for frame in 0..<frames {
      let from = input.base + 2 * ((utterance * frames + frame) * bins + firstBins[k])
      let target = rows + frame * stride
      target.update(from: from, count: width)
      for j in width..<stride { target[j] = 0 }
    }
  }

  func forward() -> Tensor {
    let out = Tensor(uninitialized: [input.shape[0], bands.count, frames, features])
    let outStride = paddedToLanes(features)
    var statistics = self.statistics
    statistics.withUnsafeMutableBufferPointer { statistics in
      // Each task writes its own elements.
      nonisolated(unsafe) let statistics = statistics
      forEachBand(backward: false) { utterance, k, scratch in
        let band = bands[k]
        let width = 2 * band.width
        let stride = paddedToLanes(width)
        gather(utterance, k, into: scratch.rows.base)
        let s =
          given.map { (mean: $0[k].mean, inverse: 1 / ($0[k].variance + 1e-5).squareRoot()) }
          ?? kernels.groupStatistics(
            FloatPointer(scratch.rows.base), rows: frames, features: width, stride: stride,
            epsilon: 1e-5)
        statistics[utterance * bands.count + k] = s
        normalise(band, s, scratch)
        let weight = PaddedMatrix(transposing: band.weight.value, rows: features, columns: width)
        let bias = padded(band.bias.value, count: features)
        let target = out.base + (utterance * bands.count + k) * frames * features
        let direct = outStride == features ? target : scratch.spare.base
        matrixProduct(
          frames, outStride, width,
          StridedMatrix(FloatPointer(scratch.normalised.base), rowStride: stride), weight.base,
          weight.stride, direct, outStride, .bias(bias.base))
        if outStride != features {
          for frame in 0..<frames {
            (target + frame * features).update(
              from: scratch.spare.base + frame * outStride, count: features)
          }
        }
      }
    }
    self.statistics = statistics
    return out
  }

  private func normalise(
    _ band: BandSplitParameters, _ s: (mean: Float, inverse: Float), _ scratch: BandSplitScratch
  ) {
    let width = 2 * band.width
    let stride = paddedToLanes(width)
    let weight = padded(band.normWeight.value, count: width)
    let bias = padded(band.normBias.value, count: width)
    kernels.groupNormForward(
      FloatPointer(scratch.rows.base), rows: frames, features: stride, stride: stride,
      mean: s.mean, inverse: s.inverse, weight: weight.base, bias: bias.base,
      out: scratch.normalised.base, outStride: stride)
  }

  func backward(_ out: Tensor) {
    guard let upstream = out.gradient else { return }
    let outStride = paddedToLanes(features)
    let dinput = input.requiresGradient ? input.gradientStorage() : nil
    forEachBand(backward: true) { utterance, k, scratch in
      let band = bands[k]
      let firstBin = firstBins[k]
      let rows = scratch.rows
      let normalised = scratch.normalised
      let dnormalised = scratch.dnormalised
      let width = 2 * band.width
      let stride = paddedToLanes(width)
      let s = statistics[utterance * bands.count + k]
      gather(utterance, k, into: rows.base)
      normalise(band, s, scratch)
      let dout = paddedRows(
        FloatPointer(upstream.base + (utterance * bands.count + k) * frames * features),
        rows: frames, features: features, into: scratch.spare.base)

      let dweight = GradientTarget(band.weight.gradient, rows: features, columns: width)
      addWeightGradient(
        features, stride, frames, dout, outStride, normalised.base, stride, dweight.base,
        dweight.stride)
      dweight.finish()
      let dbias = GradientTarget(band.bias.gradient, rows: 1, columns: features)
      kernels.addColumnSums(
        dout, rowStride: outStride, rows: frames, columns: outStride, to: dbias.base)
      dbias.finish()

      let weight = PaddedMatrix(band.weight.value, rows: features, columns: width)
      matrixProduct(
        frames, stride, features, StridedMatrix(dout, rowStride: outStride), weight.base,
        weight.stride, dnormalised.base, stride, .overwrite)
      let normWeight = padded(band.normWeight.value, count: width)
      let dnormWeight = GradientTarget(band.normWeight.gradient, rows: 1, columns: width)
      let dnormBias = GradientTarget(band.normBias.gradient, rows: 1, columns: width)
      kernels.groupNormBackward(
        FloatPointer(rows.base), xStride: stride, FloatPointer(dnormalised.base),
        doutStride: stride, rows: frames, features: stride, count: frames * width, mean: s.mean,
        inverse: s.inverse, weight: normWeight.base, dx: normalised.base, dxStride: stride,
        dweight: dnormWeight.base, dbias: dnormBias.base)
      dnormWeight.finish()
      dnormBias.finish()
      if let dinput {
        let bins = input.shape[2]
        for frame in 0..<frames {
          let target = dinput.base + 2 * ((utterance * frames + frame) * bins + firstBin)
          for j in 0..<width { target[j] += normalised.base[frame * stride + j] }
        }
      }
    }
    out.gradient = nil
  }
}
