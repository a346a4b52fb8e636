import KernelAPI

/// The parameters of one band of the mask decoder.
public struct MaskDecoderParameters {
  /// GroupNorm weight and bias [N].
  public let normWeight: Parameter
  /// GroupNorm bias [N].
  public let normBias: Parameter
  /// First Linear [eN, N].
  public let weight1: Parameter
  /// Its bias [eN].
  public let bias1: Parameter
  /// Second Linear [4τw, eN].
  public let weight2: Parameter
  /// Its bias [4τw].
  public let bias2: Parameter

  /// Collects the parameters of one band.
  public init(
    normWeight: Parameter, normBias: Parameter, weight1: Parameter, bias1: Parameter,
    weight2: Parameter, bias2: Parameter
  ) {
    self.normWeight = normWeight
    self.normBias = normBias
    self.weight1 = weight1
    self.bias1 = bias1
    self.weight2 = weight2
    self.bias2 = bias2
  }

  var hidden: Int { bias1.count }
  /// 2τw: numbers of the mask in a frame.
  var maskCount: Int { bias2.count / 2 }
  var hiddenStride: Int { paddedToLanes(hidden) }
  var maskStride: Int { paddedToLanes(maskCount) }
}

/// Estimates a complex mask for each band and filters the spectrogram with it.
///
/// For band k: GroupNorm (one group over N features and T frames) → Linear N → eN → tanh →
/// Linear eN → 4τw → GLU → the mask M[f, j], complex, for the band's bins and τ taps. Then
/// Ŝ[f, t] = Σ_j M[f, t, j]·X[f, t + j − (τ−1)/2], with zeros outside the utterance.
///
/// - Parameters:
///   - z: [B, K, T, N].
///   - spectrogram: X, [B, T, F, 2].
///   - taps: τ, odd.
/// - Returns: Ŝ, [B, T, F, 2].
public func maskDecoder(
  _ z: Tensor, _ spectrogram: Tensor, bands: [MaskDecoderParameters], taps: Int, _ tape: Tape
) -> Tensor {
  precondition(
    z.shape.count == 4 && z.shape[1] == bands.count,
    "maskDecoder: expected [B, \(bands.count), T, N], got \(z.shape)")
  precondition(
    spectrogram.shape.count == 4 && spectrogram.shape[0] == z.shape[0]
      && spectrogram.shape[1] == z.shape[2],
    "maskDecoder: spectrogram \(spectrogram.shape) for features \(z.shape)")
  precondition(taps % 2 == 1, "maskDecoder: \(taps) taps")
  let op = MaskDecoder(z, spectrogram, bands, taps: taps)
  let out = op.forward(keepsActivations: tape.isRecording)
  tape.record { op.backward(out) }
  return out
}

/// What backward needs of one (utterance, band).
private struct SavedBand {
  let statistics: (mean: Float, inverse: Float)
  /// tanh's output [T, hidden padded].
  let hidden: Storage
  /// Input of the GLU: value, then gate, each padded.
  let gates: Storage
}

private final class MaskDecoder {
  private let z: Tensor
  private let spectrogram: Tensor
  private let bands: [MaskDecoderParameters]
  private let taps: Int
  private let frames: Int
  private let features: Int
  private let stride: Int
  private var saved: [SavedBand] = []

  init(_ z: Tensor, _ spectrogram: Tensor, _ bands: [MaskDecoderParameters], taps: Int) {
    self.z = z
    self.spectrogram = spectrogram
    self.bands = bands
    self.taps = taps
    frames = z.shape[2]
    features = z.shape[3]
    stride = paddedToLanes(features)
    let bins = bands.reduce(0) { $0 + $1.maskCount } / (2 * taps)
    precondition(
      bins == spectrogram.shape[2],
      "maskDecoder: bands cover \(bins) bins, the spectrogram \(spectrogram.shape[2])")
  }

  private func forEachBand(
    _ body: (_ utterance: Int, _ k: Int, _ band: MaskDecoderParameters, _ firstBin: Int) -> Void
  ) {
    for utterance in 0..<z.shape[0] {
      var firstBin = 0
      for (k, band) in bands.enumerated() {
        body(utterance, k, band, firstBin)
        firstBin += band.maskCount / (2 * taps)
      }
    }
  }

  private func rows(_ utterance: Int, _ k: Int, _ scratch: Storage) -> FloatPointer {
    paddedRows(
      FloatPointer(z.base + (utterance * bands.count + k) * frames * features), rows: frames,
      features: features, into: scratch.base)
  }

  private func normalise(
    _ band: MaskDecoderParameters, _ x: FloatPointer, _ s: (mean: Float, inverse: Float),
    _ out: Storage
  ) {
    let weight = padded(band.normWeight.value, count: features)
    let bias = padded(band.normBias.value, count: features)
    kernels.groupNormForward(
      x, rows: frames, features: stride, stride: stride, mean: s.mean, inverse: s.inverse,
      weight: weight.base, bias: bias.base, out: out.base, outStride: stride)
  }

  func forward(keepsActivations: Bool) -> Tensor {
    let out = Tensor(shape: spectrogram.shape, requiresGradient: true)
    let scratch = Storage(uninitialized: stride == features ? 0 : frames * stride)
    let normalised = Storage(uninitialized: frames * stride)
    let mask = Storage(uninitialized: frames * (bands.map(\.maskStride).max() ?? 0))
    forEachBand { utterance, k, band, firstBin in
      let x = rows(utterance, k, scratch)
      let s = kernels.groupStatistics(
        x, rows: frames, features: features, stride: stride, epsilon: 1e-5)
      normalise(band, x, s, normalised)

      let hidden = Storage(uninitialized: frames * band.hiddenStride)
      let weight1 = PaddedMatrix(
        transposing: band.weight1.value, rows: band.hidden, columns: features)
      let bias1 = padded(band.bias1.value, count: band.hidden)
      matrixProduct(
        frames, band.hiddenStride, features,
        StridedMatrix(FloatPointer(normalised.base), rowStride: stride), weight1.base,
        weight1.stride, hidden.base, band.hiddenStride, .bias(bias1.base))
      kernels.tanh(hidden.base, count: frames * band.hiddenStride)

      let gates = Storage(uninitialized: frames * 2 * band.maskStride)
      for half in 0..<2 {
        let weight2 = PaddedMatrix(
          transposing: band.weight2.value + half * band.maskCount * band.hidden,
          rows: band.maskCount, columns: band.hidden)
        let bias2 = padded(band.bias2.value + half * band.maskCount, count: band.maskCount)
        matrixProduct(
          frames, band.maskStride, band.hidden,
          StridedMatrix(FloatPointer(hidden.base), rowStride: band.hiddenStride), weight2.base,
          weight2.stride, gates.base + half * band.maskStride, 2 * band.maskStride,
          .bias(bias2.base))
      }
      gate(band, gates, mask)
      filter(utterance, band, firstBin, mask, out)
      if keepsActivations {
        saved.append(SavedBand(statistics: s, hidden: hidden, gates: gates))
      }
    }
    return out
  }

  private func gate(_ band: MaskDecoderParameters, _ gates: Storage, _ mask: Storage) {
    kernels.gatedLinearUnit(
      FloatPointer(gates.base), FloatPointer(gates.base + band.maskStride),
      stride: 2 * band.maskStride, rows: frames, columns: band.maskStride, out: mask.base,
      outStride: band.maskStride)
  }

  /// Offset of the first bin of a band in one frame of the spectrogram, nil outside the utterance.
  private func frame(_ utterance: Int, _ t: Int, _ firstBin: Int) -> Int? {
    guard t >= 0 && t < frames else { return nil }
    return 2 * ((utterance * frames + t) * spectrogram.shape[2] + firstBin)
  }

  private func filter(
    _ utterance: Int, _ band: MaskDecoderParameters, _ firstBin: Int, _ mask: Storage,
    _ out: Tensor
  ) {
    let width = band.maskCount / (2 * taps)
    for t in 0..<frames {
      guard let at = frame(utterance, t, firstBin) else { continue }
      let y = out.base + at
      for tap in 0..<taps {
        guard let from = frame(utterance, t + tap - (taps - 1) / 2, firstBin) else { continue }
        let x = spectrogram.base + from
        let m = mask.base + t * band.maskStride + 2 * tap
        for f in 0..<width {
          let (mr, mi) = (m[2 * taps * f], m[2 * taps * f + 1])
          y[2 * f] += mr * x[2 * f] - mi * x[2 * f + 1]
          y[2 * f + 1] += mr * x[2 * f + 1] + mi * x[2 * f]
        }
      }
    }
  }

  func backward(_ out: Tensor) {
    guard let upstream = out.gradient else { return }
    let maskMost = bands.map(\.maskStride).max() ?? 0
    let hiddenMost = bands.map(\.hiddenStride).max() ?? 0
    let scratch = Storage(uninitialized: stride == features ? 0 : frames * stride)
    let normalised = Storage(uninitialized: frames * stride)
    let dnormalised = Storage(uninitialized: frames * stride)
    let mask = Storage(uninitialized: frames * maskMost)
    let dmask = Storage(count: frames * maskMost)
    let dgates = Storage(uninitialized: frames * 2 * maskMost)
    let dhidden = Storage(uninitialized: frames * hiddenMost)
    let dz = z.requiresGradient ? Storage(uninitialized: z.count) : nil
    let dspectrogram = spectrogram.requiresGradient ? spectrogram.gradientStorage() : nil
    var index = 0
    forEachBand { utterance, k, band, firstBin in
      let kept = saved[index]
      index += 1
      let x = rows(utterance, k, scratch)
      normalise(band, x, kept.statistics, normalised)
      gate(band, kept.gates, mask)
      filterBackward(utterance, band, firstBin, mask, upstream, dmask, dspectrogram)
      kernels.gatedLinearUnitBackward(
        FloatPointer(kept.gates.base), FloatPointer(kept.gates.base + band.maskStride),
        stride: 2 * band.maskStride, FloatPointer(dmask.base), doutStride: band.maskStride,
        rows: frames, columns: band.maskStride, da: dgates.base,
        db: dgates.base + band.maskStride)

      for half in 0..<2 {
        let dgate = FloatPointer(dgates.base + half * band.maskStride)
        let offset = half * band.maskCount * band.hidden
        let weight = PaddedMatrix(
          band.weight2.value + offset, rows: band.maskCount, columns: band.hidden)
        matrixProduct(
          frames, band.hiddenStride, band.maskCount,
          StridedMatrix(dgate, rowStride: 2 * band.maskStride), weight.base, weight.stride,
          dhidden.base, band.hiddenStride, half == 0 ? .overwrite : .accumulate)
        let dweight = GradientTarget(
          band.weight2.gradient + offset, rows: band.maskCount, columns: band.hidden)
        addWeightGradient(
          band.maskCount, band.hiddenStride, frames, dgate, 2 * band.maskStride, kept.hidden.base,
          band.hiddenStride, dweight.base, dweight.stride)
        dweight.finish()
        addBias(
          dgate, 2 * band.maskStride, band.bias2.gradient + half * band.maskCount,
          band.maskCount)
      }
      kernels.tanhBackward(
        FloatPointer(kept.hidden.base), FloatPointer(dhidden.base),
        count: frames * band.hiddenStride, dx: dhidden.base)

      let weight = PaddedMatrix(band.weight1.value, rows: band.hidden, columns: features)
      matrixProduct(
        frames, stride, band.hidden,
        StridedMatrix(FloatPointer(dhidden.base), rowStride: band.hiddenStride), weight.base,
        weight.stride, dnormalised.base, stride, .overwrite)
      let dweight = GradientTarget(band.weight1.gradient, rows: band.hidden, columns: features)
      addWeightGradient(
        band.hidden, stride, frames, FloatPointer(dhidden.base), band.hiddenStride,
        normalised.base, stride, dweight.base, dweight.stride)
      dweight.finish()
      addBias(FloatPointer(dhidden.base), band.hiddenStride, band.bias1.gradient, band.hidden)

      let normWeight = padded(band.normWeight.value, count: features)
      let dnormWeight = GradientTarget(band.normWeight.gradient, rows: 1, columns: features)
      let dnormBias = GradientTarget(band.normBias.gradient, rows: 1, columns: features)
      kernels.groupNormBackward(
        x, xStride: stride, FloatPointer(dnormalised.base), doutStride: stride, rows: frames,
        features: stride, count: frames * features, mean: kept.statistics.mean,
        inverse: kept.statistics.inverse, weight: normWeight.base, dx: normalised.base,
        dxStride: stride, dweight: dnormWeight.base, dbias: dnormBias.base)
      dnormWeight.finish()
      dnormBias.finish()
      if let dz {
        let target = dz.base + (utterance * bands.count + k) * frames * features
        for t in 0..<frames {
          (target + t * features).update(from: normalised.base + t * stride, count: features)
        }
      }
    }
    saved = []
    if let dz { z.accumulate(gradient: dz) }
    out.gradient = nil
  }

  private func addBias(
    _ dout: FloatPointer, _ doutStride: Int, _ gradient: MutableFloatPointer, _ count: Int
  ) {
    let target = GradientTarget(gradient, rows: 1, columns: count)
    kernels.addColumnSums(
      dout, rowStride: doutStride, rows: frames, columns: target.stride, to: target.base)
    target.finish()
  }

  /// With y = m·x as complex numbers: dm = dy·x̄ and dx = dy·m̄.
  private func filterBackward(
    _ utterance: Int, _ band: MaskDecoderParameters, _ firstBin: Int, _ mask: Storage,
    _ upstream: Storage, _ dmask: Storage, _ dspectrogram: Storage?
  ) {
    let width = band.maskCount / (2 * taps)
    for t in 0..<frames {
      guard let at = frame(utterance, t, firstBin) else { continue }
      let dy = upstream.base + at
      let row = dmask.base + t * band.maskStride
      for j in 0..<band.maskStride { row[j] = 0 }
      for tap in 0..<taps {
        guard let from = frame(utterance, t + tap - (taps - 1) / 2, firstBin) else { continue }
        let x = spectrogram.base + from
        let dm = row + 2 * tap
        for f in 0..<width {
          let (re, im) = (dy[2 * f], dy[2 * f + 1])
          dm[2 * taps * f] = re * x[2 * f] + im * x[2 * f + 1]
          dm[2 * taps * f + 1] = im * x[2 * f] - re * x[2 * f + 1]
        }
        guard let dx = dspectrogram.map({ $0.base + from }) else { continue }
        let m = mask.base + t * band.maskStride + 2 * tap
        for f in 0..<width {
          let (re, im) = (dy[2 * f], dy[2 * f + 1])
          let (mr, mi) = (m[2 * taps * f], m[2 * taps * f + 1])
          dx[2 * f] += re * mr + im * mi
          dx[2 * f + 1] += im * mr - re * mi
        }
      }
    }
  }
}
