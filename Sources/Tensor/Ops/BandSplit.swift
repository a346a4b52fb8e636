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
  let op = BandSplit(spectrogram, bands, given: statistics)
  let out = op.forward()
  tape.record { op.backward(out) }
  return out
}

private final class BandSplit {
  private let input: Tensor
  private let bands: [BandSplitParameters]
  private let frames: Int
  private let features: Int
  /// Statistics to take instead of the input's own, one entry a band.
  private let given: [GroupStatistics]?
  /// Mean and 1/σ of each (utterance, band).
  private var statistics: [(mean: Float, inverse: Float)] = []

  init(_ input: Tensor, _ bands: [BandSplitParameters], given: [GroupStatistics]?) {
    self.input = input
    self.bands = bands
    self.given = given
    frames = input.shape[1]
    features = bands[0].bias.count
  }

  /// A band's columns of one utterance as padded rows [T, 2w].
  private func gather(
    _ utterance: Int, firstBin: Int, width: Int, into rows: MutableFloatPointer
  ) {
    let stride = paddedToLanes(2 * width)
    let bins = input.shape[2]
    for frame in 0..<frames {
      let from = input.base + 2 * ((utterance * frames + frame) * bins + firstBin)
      let target = rows + frame * stride
      target.update(from: from, count: 2 * width)
      for j in 2 * width..<stride { target[j] = 0 }
    }
  }

  private func forEachBand(
    _ body: (_ utterance: Int, _ k: Int, _ band: BandSplitParameters, _ firstBin: Int) -> Void
  ) {
    for utterance in 0..<input.shape[0] {
      var firstBin = 0
      for (k, band) in bands.enumerated() {
        body(utterance, k, band, firstBin)
        firstBin += band.width
      }
    }
  }

  private var widestStride: Int { bands.map { paddedToLanes(2 * $0.width) }.max() ?? 0 }

  func forward() -> Tensor {
    let out = Tensor(uninitialized: [input.shape[0], bands.count, frames, features])
    let rows = Storage(uninitialized: frames * widestStride)
    let normalised = Storage(uninitialized: frames * widestStride)
    let outStride = paddedToLanes(features)
    let spare = Storage(uninitialized: outStride == features ? 0 : frames * outStride)
    forEachBand { utterance, k, band, firstBin in
      let width = 2 * band.width
      let stride = paddedToLanes(width)
      gather(utterance, firstBin: firstBin, width: band.width, into: rows.base)
      let s =
        given.map { (mean: $0[k].mean, inverse: 1 / ($0[k].variance + 1e-5).squareRoot()) }
        ?? kernels.groupStatistics(
          FloatPointer(rows.base), rows: frames, features: width, stride: stride, epsilon: 1e-5)
      statistics.append(s)
      normalise(band, s, rows, normalised)
      let weight = PaddedMatrix(transposing: band.weight.value, rows: features, columns: width)
      let bias = padded(band.bias.value, count: features)
      let target = out.base + (utterance * bands.count + k) * frames * features
      let direct = outStride == features ? target : spare.base
      matrixProduct(
        frames, outStride, width,
        StridedMatrix(FloatPointer(normalised.base), rowStride: stride), weight.base,
        weight.stride, direct, outStride, .bias(bias.base))
      if outStride != features {
        for frame in 0..<frames {
          (target + frame * features).update(from: spare.base + frame * outStride, count: features)
        }
      }
    }
    return out
  }

  private func normalise(
    _ band: BandSplitParameters, _ s: (mean: Float, inverse: Float), _ rows: Storage,
    _ out: Storage
  ) {
    let width = 2 * band.width
    let stride = paddedToLanes(width)
    let weight = padded(band.normWeight.value, count: width)
    let bias = padded(band.normBias.value, count: width)
    kernels.groupNormForward(
      FloatPointer(rows.base), rows: frames, features: stride, stride: stride, mean: s.mean,
      inverse: s.inverse, weight: weight.base, bias: bias.base, out: out.base, outStride: stride)
  }

  func backward(_ out: Tensor) {
    guard let upstream = out.gradient else { return }
    let inStride = widestStride
    let rows = Storage(uninitialized: frames * inStride)
    let normalised = Storage(uninitialized: frames * inStride)
    let dnormalised = Storage(uninitialized: frames * inStride)
    let outStride = paddedToLanes(features)
    let spare = Storage(uninitialized: outStride == features ? 0 : frames * outStride)
    let dinput = input.requiresGradient ? input.gradientStorage() : nil
    var index = 0
    forEachBand { utterance, k, band, firstBin in
      let width = 2 * band.width
      let stride = paddedToLanes(width)
      let s = statistics[index]
      index += 1
      gather(utterance, firstBin: firstBin, width: band.width, into: rows.base)
      normalise(band, s, rows, normalised)
      let dout = paddedRows(
        FloatPointer(upstream.base + (utterance * bands.count + k) * frames * features),
        rows: frames, features: features, into: spare.base)

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
