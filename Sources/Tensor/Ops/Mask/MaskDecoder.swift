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

  var all: [Parameter] { [normWeight, normBias, weight1, bias1, weight2, bias2] }
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
  let op = MaskDecoder(z, spectrogram, bands, taps: taps, tape.execution)
  let out = op.forward(keepsActivations: tape.isRecording)
  tape.record(using: bands.flatMap(\.all)) { op.backward(out) }
  return out
}

/// What backward needs of one (utterance, band).
private struct SavedBand {
  let statistics: (mean: Float, inverse: Float)
  /// What is cheaper to keep than to compute again; nil if memory is scarce.
  let activations: BandActivations?
}

/// The wide arrays between the layers of one (utterance, band).
private struct BandActivations {
  /// tanh's output [T, hidden padded].
  let hidden: Storage
  /// Input of the GLU: value, then gate, each padded.
  let gates: Storage

  init(_ band: MaskDecoderParameters, frames: Int) {
    hidden = Storage(uninitialized: frames * band.hiddenStride)
    gates = Storage(uninitialized: frames * 2 * band.maskStride)
  }
}

/// The weights of one band's two layers, transposed for the forward products.
private struct PackedBand {
  let normWeight: PaddedMatrix
  let normBias: PaddedMatrix
  let weight1: PaddedMatrix
  let bias1: PaddedMatrix
  /// Value half, gate half.
  let halves: [(weight: PaddedMatrix, bias: PaddedMatrix)]

  /// `products` says whether the matrices are needed too.
  init(_ band: MaskDecoderParameters, features: Int, products: Bool = true) {
    normWeight = padded(band.normWeight.value, count: features)
    normBias = padded(band.normBias.value, count: features)
    let rows = products ? features : 0
    weight1 = PaddedMatrix(transposing: band.weight1.value, rows: band.hidden, columns: rows)
    bias1 = padded(band.bias1.value, count: band.hidden)
    halves = (0..<(products ? 2 : 0)).map { half in
      (
        weight: PaddedMatrix(
          transposing: band.weight2.value + half * band.maskCount * band.hidden,
          rows: band.maskCount, columns: band.hidden),
        bias: padded(band.bias2.value + half * band.maskCount, count: band.maskCount)
      )
    }
  }
}

/// Buffers of one thread.
private final class DecoderScratch {
  let rows: Storage
  let normalised: Storage
  let mask: Storage

  init(_ bands: [MaskDecoderParameters], frames: Int, features: Int) {
    let stride = paddedToLanes(features)
    rows = Storage(uninitialized: stride == features ? 0 : frames * stride)
    normalised = Storage(uninitialized: frames * stride)
    mask = Storage(uninitialized: frames * (bands.map(\.maskStride).max() ?? 0))
  }
}

/// Further buffers of one thread for the backward pass.
private final class DecoderBackwardScratch {
  let dnormalised: Storage
  let dmask: Storage
  let dgates: Storage
  let dhidden: Storage

  init(_ bands: [MaskDecoderParameters], frames: Int, features: Int) {
    let mask = frames * (bands.map(\.maskStride).max() ?? 0)
    dnormalised = Storage(uninitialized: frames * paddedToLanes(features))
    dmask = Storage(count: mask)
    dgates = Storage(uninitialized: 2 * mask)
    dhidden = Storage(uninitialized: frames * (bands.map(\.hiddenStride).max() ?? 0))
  }
}

private final class MaskDecoder {
  private let z: Tensor
  private let spectrogram: Tensor
  private let bands: [MaskDecoderParameters]
  private let taps: Int
  private let frames: Int
  private let features: Int
  private let stride: Int
  private let execution: Execution
  /// First bin of each band.
  private let firstBins: [Int]
  /// The bands, widest first: a thread takes one at a time, and the last ones should be short.
  private let order: [Int]
  /// Of [utterance, band].
  private var saved: [SavedBand?]

  init(
    _ z: Tensor, _ spectrogram: Tensor, _ bands: [MaskDecoderParameters], taps: Int,
    _ execution: Execution
  ) {
    self.z = z
    self.spectrogram = spectrogram
    self.bands = bands
    self.taps = taps
    self.execution = execution
    frames = z.shape[2]
    features = z.shape[3]
    stride = paddedToLanes(features)
    var firstBins: [Int] = []
    var bins = 0
    for band in bands {
      firstBins.append(bins)
      bins += band.maskCount / (2 * taps)
    }
    self.firstBins = firstBins
    order = bands.indices.sorted { bands[$0].weight2.count > bands[$1].weight2.count }
    saved = Array(repeating: nil, count: z.shape[0] * bands.count)
    precondition(
      bins == spectrogram.shape[2],
      "maskDecoder: bands cover \(bins) bins, the spectrogram \(spectrogram.shape[2])")
  }

  private var profile: Profile? { execution.profile }
  private var workerCount: Int { min(execution.threads, bands.count) }

  private func rows(_ utterance: Int, _ k: Int, _ scratch: Storage) -> FloatPointer {
    paddedRows(
      FloatPointer(z.base + (utterance * bands.count + k) * frames * features), rows: frames,
      features: features, into: scratch.base)
  }

  func forward(keepsActivations: Bool) -> Tensor {
    let out = Tensor(shape: spectrogram.shape, requiresGradient: true)
    let workers = (0..<workerCount).map { _ in
      DecoderScratch(bands, frames: frames, features: features)
    }
    var results = saved
    results.withUnsafeMutableBufferPointer { results in
      // Each task writes its own elements.
      nonisolated(unsafe) let results = results
      parallel(execution.threads, tasks: bands.count) { task, worker in
        let k = order[task]
        let scratch = workers[worker]
        let packed = profile.measure(.weights, .forward, .uncounted) {
          PackedBand(bands[k], features: features)
        }
        for utterance in 0..<z.shape[0] {
          let x = rows(utterance, k, scratch.rows)
          let s = profile.measure(
            .decoderNorm, .forward, .groupStatistics(frames * features)
          ) {
            kernels.groupStatistics(
              x, rows: frames, features: features, stride: stride, epsilon: 1e-5)
          }
          normalise(x, s, packed, scratch.normalised, .forward)
          let activations = BandActivations(bands[k], frames: frames)
          layers(bands[k], packed, scratch.normalised, activations, .forward)
          profile.measure(.decoderGate, .forward, gateWork(bands[k], arrays: 3)) {
            gate(bands[k], activations.gates, scratch.mask)
            filter(utterance, bands[k], firstBins[k], scratch.mask, out)
          }
          if keepsActivations {
            results[utterance * bands.count + k] = SavedBand(
              statistics: s, activations: execution.recomputes ? nil : activations)
          }
        }
      }
    }
    saved = results
    return out
  }

  private func normalise(
    _ x: FloatPointer, _ s: (mean: Float, inverse: Float), _ packed: PackedBand, _ out: Storage,
    _ pass: Profile.Pass
  ) {
    profile.measure(
      .decoderNorm, pass, .groupNormForward(frames * features)
    ) {
      kernels.groupNormForward(
        x, rows: frames, features: stride, stride: stride, mean: s.mean, inverse: s.inverse,
        weight: packed.normWeight.base, bias: packed.normBias.base, out: out.base,
        outStride: stride)
    }
  }

  /// tanh(Linear) and Linear, from the normalised rows.
  private func layers(
    _ band: MaskDecoderParameters, _ packed: PackedBand, _ normalised: Storage,
    _ activations: BandActivations, _ pass: Profile.Pass
  ) {
    let hidden = activations.hidden
    profile.measure(.decoderHidden, pass, .product(frames, band.hidden, features)) {
      matrixProduct(
        frames, band.hiddenStride, features,
        StridedMatrix(FloatPointer(normalised.base), rowStride: stride), packed.weight1.base,
        packed.weight1.stride, hidden.base, band.hiddenStride, .bias(packed.bias1.base))
    }
    profile.measure(
      .decoderTanh, pass, .tanhForward(frames * band.hidden)
    ) {
      kernels.tanh(hidden.base, count: frames * band.hiddenStride)
    }
    for (half, (weight, bias)) in packed.halves.enumerated() {
      profile.measure(.decoderMask, pass, .product(frames, band.maskCount, band.hidden)) {
        matrixProduct(
          frames, band.maskStride, band.hidden,
          StridedMatrix(FloatPointer(hidden.base), rowStride: band.hiddenStride), weight.base,
          weight.stride, activations.gates.base + half * band.maskStride, 2 * band.maskStride,
          .bias(bias.base))
      }
    }
  }

  private func gateWork(_ band: MaskDecoderParameters, arrays: Double) -> Profile.Work {
    .pass(frames * band.maskCount, arrays: arrays + 2 / Double(taps), operations: 20)
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
    let dz = z.requiresGradient ? Storage(uninitialized: z.count) : nil
    let dspectrogram = spectrogram.requiresGradient ? spectrogram.gradientStorage() : nil
    let workers = (0..<workerCount).map { _ in
      (
        scratch: DecoderScratch(bands, frames: frames, features: features),
        back: DecoderBackwardScratch(bands, frames: frames, features: features)
      )
    }
    parallel(execution.threads, tasks: bands.count) { task, worker in
      let k = order[task]
      let (scratch, back) = workers[worker]
      let packed = profile.measure(.weights, .backward, .uncounted) {
        PackedBand(bands[k], features: features, products: execution.recomputes)
      }
      for utterance in 0..<z.shape[0] {
        guard let kept = saved[utterance * bands.count + k] else { continue }
        let x = rows(utterance, k, scratch.rows)
        normalise(x, kept.statistics, packed, scratch.normalised, .recompute)
        let activations = kept.activations ?? BandActivations(bands[k], frames: frames)
        if kept.activations == nil {
          layers(bands[k], packed, scratch.normalised, activations, .recompute)
        }
        profile.measure(.decoderGate, .backward, gateWork(bands[k], arrays: 5)) {
          gate(bands[k], activations.gates, scratch.mask)
          filterBackward(
            utterance, bands[k], firstBins[k], scratch.mask, upstream, back.dmask, dspectrogram)
          kernels.gatedLinearUnitBackward(
            FloatPointer(activations.gates.base),
            FloatPointer(activations.gates.base + bands[k].maskStride),
            stride: 2 * bands[k].maskStride, FloatPointer(back.dmask.base),
            doutStride: bands[k].maskStride, rows: frames, columns: bands[k].maskStride,
            da: back.dgates.base, db: back.dgates.base + bands[k].maskStride)
        }
        layersBackward(bands[k], activations.hidden, scratch.normalised, back)
        normBackward(bands[k], x, kept.statistics, packed, scratch.normalised, back)
        guard let dz else { continue }
        let target = dz.base + (utterance * bands.count + k) * frames * features
        for t in 0..<frames {
          (target + t * features).update(
            from: scratch.normalised.base + t * stride, count: features)
        }
      }
    }
    saved = []
    if let dz { z.accumulate(gradient: dz) }
    out.gradient = nil
  }

  /// From `back.dgates` to `back.dnormalised`.
  private func layersBackward(
    _ band: MaskDecoderParameters, _ hidden: Storage, _ normalised: Storage,
    _ back: DecoderBackwardScratch
  ) {
    let dhidden = back.dhidden
    for half in 0..<2 {
      let dgate = FloatPointer(back.dgates.base + half * band.maskStride)
      let offset = half * band.maskCount * band.hidden
      profile.measure(.decoderMask, .backward, .product(frames, 2 * band.maskCount, band.hidden)) {
        let weight = PaddedMatrix(
          band.weight2.value + offset, rows: band.maskCount, columns: band.hidden)
        matrixProduct(
          frames, band.hiddenStride, band.maskCount,
          StridedMatrix(dgate, rowStride: 2 * band.maskStride), weight.base, weight.stride,
          dhidden.base, band.hiddenStride, half == 0 ? .overwrite : .accumulate)
        let dweight = GradientTarget(
          band.weight2.gradient + offset, rows: band.maskCount, columns: band.hidden)
        addWeightGradient(
          band.maskCount, band.hiddenStride, frames, dgate, 2 * band.maskStride, hidden.base,
          band.hiddenStride, dweight.base, dweight.stride)
        dweight.finish()
        addBias(
          dgate, 2 * band.maskStride, band.bias2.gradient + half * band.maskCount,
          band.maskCount)
      }
    }
    profile.measure(
      .decoderTanh, .backward, .tanhBackward(frames * band.hidden)
    ) {
      kernels.tanhBackward(
        FloatPointer(hidden.base), FloatPointer(dhidden.base),
        count: frames * band.hiddenStride, dx: dhidden.base)
    }
    profile.measure(.decoderHidden, .backward, .product(frames, 2 * band.hidden, features)) {
      let weight = PaddedMatrix(band.weight1.value, rows: band.hidden, columns: features)
      matrixProduct(
        frames, stride, band.hidden,
        StridedMatrix(FloatPointer(dhidden.base), rowStride: band.hiddenStride), weight.base,
        weight.stride, back.dnormalised.base, stride, .overwrite)
      let dweight = GradientTarget(band.weight1.gradient, rows: band.hidden, columns: features)
      addWeightGradient(
        band.hidden, stride, frames, FloatPointer(dhidden.base), band.hiddenStride,
        normalised.base, stride, dweight.base, dweight.stride)
      dweight.finish()
      addBias(FloatPointer(dhidden.base), band.hiddenStride, band.bias1.gradient, band.hidden)
    }
  }

  /// From `back.dnormalised` to `dx`.
  private func normBackward(
    _ band: MaskDecoderParameters, _ x: FloatPointer, _ s: (mean: Float, inverse: Float),
    _ packed: PackedBand, _ dx: Storage, _ back: DecoderBackwardScratch
  ) {
    profile.measure(
      .decoderNorm, .backward, .groupNormBackward(frames * features)
    ) {
      let dweight = GradientTarget(band.normWeight.gradient, rows: 1, columns: features)
      let dbias = GradientTarget(band.normBias.gradient, rows: 1, columns: features)
      kernels.groupNormBackward(
        x, xStride: stride, FloatPointer(back.dnormalised.base), doutStride: stride,
        rows: frames, features: stride, count: frames * features, mean: s.mean,
        inverse: s.inverse, weight: packed.normWeight.base, dx: dx.base, dxStride: stride,
        dweight: dweight.base, dbias: dbias.base)
      dweight.finish()
      dbias.finish()
    }
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
