import KernelAPI

/// The parameters of one band of the mask decoder, w bins wide.
public struct MaskDecoderParameters {
  /// GroupNorm over N.
  public let norm: AffineParameters
  /// First Linear, N → eN.
  public let hidden: AffineParameters
  /// Second Linear, eN → 4τw.
  public let mask: AffineParameters

  /// Parameters of one band; the widths of the Linears give e and w.
  public init(norm: AffineParameters, hidden: AffineParameters, mask: AffineParameters) {
    self.norm = norm
    self.hidden = hidden
    self.mask = mask
  }

  var all: [Parameter] { norm.all + hidden.all + mask.all }
  /// eN.
  var hiddenCount: Int { hidden.bias.count }
  /// 2τw: numbers of the mask in a frame.
  var maskCount: Int { mask.bias.count / 2 }
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
///   - bands: Parameters of each band.
///   - taps: τ, odd.
///   - tape: The tape that records the backward step.
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

/// The wide arrays between the layers of one (utterance, band).
private struct BandActivations {
  /// tanh's output [T, eN].
  let hidden: MatrixView
  /// Input of the GLU: value and gate [T, 2τw].
  let halves: [MatrixView]

  init(_ parts: inout SlabCarver, _ band: MaskDecoderParameters, frames: Int) {
    hidden = parts.matrix(rows: frames, columns: band.hiddenCount)
    halves = parts.halves(rows: frames, columns: band.maskCount)
  }
}

/// The values that backward needs of one (utterance, band).
private struct SavedBand {
  let moments: GroupMoments
  /// The arrays that are cheaper to keep than to compute again; nil if memory is scarce.
  let activations: (slab: Slab, parts: BandActivations)?
}

/// The weights of one band's two layers, transposed for the forward products.
private struct PackedBand {
  let norm: PaddedAffine
  let hidden: (weight: PaddedMatrix, bias: PaddedMatrix)
  /// Value half, gate half.
  let halves: [(weight: PaddedMatrix, bias: PaddedMatrix)]

  /// `products` says whether the layers are needed beside the norm.
  init(_ band: MaskDecoderParameters, features: Int, products: Bool = true) {
    func layer(
      _ parameters: AffineParameters, from row: Int, rows: Int, columns: Int
    ) -> (weight: PaddedMatrix, bias: PaddedMatrix) {
      (
        PaddedMatrix(
          transposing: parameters.weight.value + row * columns, rows: rows,
          columns: products ? columns : 0),
        PaddedMatrix(parameters.bias.value + row, count: rows)
      )
    }
    norm = PaddedAffine(band.norm)
    hidden = layer(band.hidden, from: 0, rows: band.hiddenCount, columns: features)
    halves = (0..<2).map {
      layer(
        band.mask, from: $0 * band.maskCount, rows: band.maskCount, columns: band.hiddenCount)
    }
  }
}

/// Buffers of one band of one utterance.
private struct DecoderScratch {
  /// Rows [T, N], padded and normalised.
  let rows: MatrixView
  let normalised: MatrixView
  /// [T, 2τw].
  let mask: MatrixView
  /// Activations where they are not kept.
  let room: BandActivations?

  init(
    _ parts: inout SlabCarver, _ band: MaskDecoderParameters, frames: Int, features: Int,
    hasRoom: Bool
  ) {
    rows = parts.matrix(rows: frames, columns: features)
    normalised = parts.matrix(rows: frames, columns: features)
    mask = parts.matrix(rows: frames, columns: band.maskCount)
    room = hasRoom ? BandActivations(&parts, band, frames: frames) : nil
  }
}

/// Buffers of the backward pass, for the gradients that their names say.
private struct DecoderBackwardScratch {
  let forward: DecoderScratch
  let dnormalised: MatrixView
  let dmask: MatrixView
  let dhalves: [MatrixView]
  let dhidden: MatrixView

  init(
    _ parts: inout SlabCarver, _ band: MaskDecoderParameters, frames: Int, features: Int,
    hasRoom: Bool
  ) {
    forward = DecoderScratch(
      &parts, band, frames: frames, features: features, hasRoom: hasRoom)
    dnormalised = parts.matrix(rows: frames, columns: features)
    dmask = parts.matrix(rows: frames, columns: band.maskCount)
    dhalves = parts.halves(rows: frames, columns: band.maskCount)
    dhidden = parts.matrix(rows: frames, columns: band.hiddenCount)
  }
}

extension SlabCarver {
  /// The next part: two matrices whose rows lie side by side.
  fileprivate mutating func halves(rows: Int, columns: Int) -> [MatrixView] {
    let width = paddedToLanes(columns)
    let both = matrix(rows: rows, columns: 2 * width)
    return [0, width].map { both.columns(from: $0, count: columns) }
  }
}

private final class MaskDecoder {
  private let z: Tensor
  private let spectrogram: Tensor
  private let bands: [MaskDecoderParameters]
  private let taps: Int
  private let frames: Int
  private let features: Int
  private let execution: Execution
  /// First bin of each band.
  private let firstBins: [Int]
  /// The bands, widest first: a thread takes one at a time, and the last ones should be short.
  private let order: [Int]
  /// The saved values of each [utterance, band].
  private var saved: [SavedBand?]
  private var profile: Profile? { execution.profile }

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
    let widths = bands.map { $0.maskCount / (2 * taps) }
    firstBins = widths.startOffsets
    order = bands.indices.sorted { bands[$0].mask.weight.count > bands[$1].mask.weight.count }
    saved = Array(repeating: nil, count: z.shape[0] * bands.count)
    let bins = widths.reduce(0, +)
    precondition(
      bins == spectrogram.shape[2],
      "maskDecoder: bands cover \(bins) bins, the spectrogram \(spectrogram.shape[2])")
  }

  /// The rows of a band of one utterance in [B, K, T, N].
  private func places(_ base: MutableFloatPointer, _ utterance: Int, _ k: Int) -> MatrixView {
    MatrixView(
      base + (utterance * bands.count + k) * frames * features, rows: frames, columns: features,
      stride: features)
  }

  func forward(keepsActivations: Bool) -> Tensor {
    let out = Tensor(shape: spectrogram.shape, requiresGradient: true)
    let hasRoom = !keepsActivations || execution.recomputes
    let workers = execution.workers(tasks: bands.count) {
      ThreadScratch(bands) { [frames, features] in
        DecoderScratch(&$0, $1, frames: frames, features: features, hasRoom: hasRoom)
      }
    }
    var results = saved
    results.withUnsafeMutableBufferPointer { results in
      // Each task writes its own elements.
      nonisolated(unsafe) let results = results
      parallel(execution.threads, tasks: bands.count) { task, worker in
        let k = order[task]
        let band = bands[k]
        let scratch = workers[worker].carve(band)
        let packed = profile.measure(.weights, .forward, .uncounted) {
          PackedBand(band, features: features)
        }
        for utterance in 0..<z.shape[0] {
          let x = places(z.base, utterance, k).padded(in: scratch.rows)
          let moments = profile.measure(
            .decoderNorm, .forward, .groupStatistics(frames * features)
          ) { kernels.groupMoments(x, epsilon: normEpsilon) }
          normalise(x, moments, packed, scratch.normalised, .forward)
          let kept =
            hasRoom ? nil : Slab.carved { BandActivations(&$0, band, frames: frames) }
          guard let activations = kept?.parts ?? scratch.room else {
            preconditionFailure("maskDecoder: nowhere to compute a band")
          }
          layers(band, packed, scratch.normalised, activations, .forward)
          profile.measure(.decoderGate, .forward, gateWork(band, arrays: 3)) {
            kernels.gatedLinearUnit(
              activations.halves[0], activations.halves[1], out: scratch.mask)
            filter(utterance, band, firstBins[k], scratch.mask, out)
          }
          if keepsActivations {
            results[utterance * bands.count + k] = SavedBand(moments: moments, activations: kept)
          }
        }
      }
    }
    saved = results
    return out
  }

  private func normalise(
    _ x: MatrixView, _ moments: GroupMoments, _ packed: PackedBand, _ out: MatrixView,
    _ pass: Profile.Pass
  ) {
    profile.measure(.decoderNorm, pass, .groupNormForward(frames * features)) {
      kernels.groupNormForward(x, packed.norm.vectors, moments: moments, out: out)
    }
  }

  /// tanh(Linear) and Linear, from the normalised rows.
  private func layers(
    _ band: MaskDecoderParameters, _ packed: PackedBand, _ normalised: MatrixView,
    _ activations: BandActivations, _ pass: Profile.Pass
  ) {
    let hidden = activations.hidden
    profile.measure(.decoderHidden, pass, .product(frames, band.hiddenCount, features)) {
      matrixProduct(
        normalised, packed.hidden.weight.view, into: hidden, .bias(packed.hidden.bias.view.base))
    }
    profile.measure(.decoderTanh, pass, .tanhForward(frames * band.hiddenCount)) {
      kernels.tanh(hidden.base, count: frames * hidden.stride)
    }
    for (half, layer) in zip(activations.halves, packed.halves) {
      profile.measure(.decoderMask, pass, .product(frames, band.maskCount, band.hiddenCount)) {
        matrixProduct(hidden, layer.weight.view, into: half, .bias(layer.bias.view.base))
      }
    }
  }

  private func gateWork(_ band: MaskDecoderParameters, arrays: Double) -> Profile.Work {
    .pass(frames * band.maskCount, arrays: arrays + 2 / Double(taps), operations: 20)
  }

  /// Offset of the first bin of a band in one frame of the spectrogram, nil outside the utterance.
  private func frame(_ utterance: Int, _ t: Int, _ firstBin: Int) -> Int? {
    guard t >= 0 && t < frames else { return nil }
    return 2 * ((utterance * frames + t) * spectrogram.shape[2] + firstBin)
  }

  private func filter(
    _ utterance: Int, _ band: MaskDecoderParameters, _ firstBin: Int, _ mask: MatrixView,
    _ out: Tensor
  ) {
    let width = band.maskCount / (2 * taps)
    for t in 0..<frames {
      guard let at = frame(utterance, t, firstBin) else { continue }
      let y = out.base + at
      for tap in 0..<taps {
        guard let from = frame(utterance, t + tap - (taps - 1) / 2, firstBin) else { continue }
        let x = spectrogram.base + from
        let m = mask.row(t) + 2 * tap
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
    let workers = execution.workers(tasks: bands.count) {
      ThreadScratch(bands) { [frames, features, execution] in
        DecoderBackwardScratch(
          &$0, $1, frames: frames, features: features, hasRoom: execution.recomputes)
      }
    }
    parallel(execution.threads, tasks: bands.count) { task, worker in
      let k = order[task]
      let band = bands[k]
      let back = workers[worker].carve(band)
      let scratch = back.forward
      let packed = profile.measure(.weights, .backward, .uncounted) {
        PackedBand(band, features: features, products: execution.recomputes)
      }
      for utterance in 0..<z.shape[0] {
        guard let kept = saved[utterance * bands.count + k],
          let activations = kept.activations?.parts ?? scratch.room
        else { continue }
        let x = places(z.base, utterance, k).padded(in: scratch.rows)
        normalise(x, kept.moments, packed, scratch.normalised, .recompute)
        if kept.activations == nil {
          layers(band, packed, scratch.normalised, activations, .recompute)
        }
        let halves = activations.halves
        profile.measure(.decoderGate, .backward, gateWork(band, arrays: 5)) {
          kernels.gatedLinearUnit(halves[0], halves[1], out: scratch.mask)
          filterBackward(
            utterance, band, firstBins[k], scratch.mask, upstream, back.dmask, dspectrogram)
          kernels.gatedLinearUnitBackward(
            halves[0], halves[1], back.dmask, da: back.dhalves[0], db: back.dhalves[1])
        }
        layersBackward(band, activations.hidden, scratch.normalised, back)
        // The gradient of the rows takes the place of the normalised ones.
        profile.measure(.decoderNorm, .backward, .groupNormBackward(frames * features)) {
          groupNormBackward(
            x, back.dnormalised, band.norm, kept.moments, dx: scratch.normalised)
        }
        if let dz { places(dz.base, utterance, k).copy(scratch.normalised) }
      }
    }
    saved = []
    if let dz { z.accumulate(gradient: dz) }
    out.gradient = nil
  }

  /// From `back.dhalves` to `back.dnormalised`.
  private func layersBackward(
    _ band: MaskDecoderParameters, _ hidden: MatrixView, _ normalised: MatrixView,
    _ back: DecoderBackwardScratch
  ) {
    let dhidden = back.dhidden
    for (half, dhalf) in back.dhalves.enumerated() {
      let row = half * band.maskCount
      let offset = row * band.hiddenCount
      profile.measure(
        .decoderMask, .backward, .product(frames, 2 * band.maskCount, band.hiddenCount)
      ) {
        let weight = PaddedMatrix(
          band.mask.weight.value + offset, rows: band.maskCount, columns: band.hiddenCount)
        matrixProduct(dhalf, weight.view, into: dhidden, half == 0 ? .overwrite : .accumulate)
        let dweight = GradientTarget(
          band.mask.weight.gradient + offset, rows: band.maskCount, columns: band.hiddenCount)
        matrixProduct(dhalf.transposed, hidden, into: dweight.view, .accumulate)
        dweight.finish()
        addColumnSums(of: dhalf, to: band.mask.bias.gradient + row)
      }
    }
    profile.measure(.decoderTanh, .backward, .tanhBackward(frames * band.hiddenCount)) {
      kernels.tanhBackward(
        hidden.base, dhidden.base, count: frames * hidden.stride, dx: dhidden.base)
    }
    profile.measure(.decoderHidden, .backward, .product(frames, 2 * band.hiddenCount, features)) {
      let weight = PaddedMatrix(
        band.hidden.weight.value, rows: band.hiddenCount, columns: features)
      matrixProduct(dhidden, weight.view, into: back.dnormalised, .overwrite)
      let dweight = GradientTarget(
        band.hidden.weight.gradient, rows: band.hiddenCount, columns: features)
      matrixProduct(dhidden.transposed, normalised, into: dweight.view, .accumulate)
      dweight.finish()
      addColumnSums(of: dhidden, to: band.hidden.bias.gradient)
    }
  }

  /// With y = m·x as complex numbers: dm = dy·x̄ and dx = dy·m̄.
  private func filterBackward(
    _ utterance: Int, _ band: MaskDecoderParameters, _ firstBin: Int, _ mask: MatrixView,
    _ upstream: Storage, _ dmask: MatrixView, _ dspectrogram: Storage?
  ) {
    let width = band.maskCount / (2 * taps)
    for t in 0..<frames {
      guard let at = frame(utterance, t, firstBin) else { continue }
      let dy = upstream.base + at
      let row = dmask.row(t)
      for j in 0..<dmask.stride { row[j] = 0 }
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
        let m = mask.row(t) + 2 * tap
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
