import KernelAPI

/// The parameters of one band of the band split, w bins wide.
public struct BandSplitParameters {
  /// GroupNorm over 2w features.
  public let norm: AffineParameters
  /// 2w → N.
  public let projection: AffineParameters

  /// Parameters of one band; the norm's width, 2w, gives that of the band.
  public init(norm: AffineParameters, projection: AffineParameters) {
    self.norm = norm
    self.projection = projection
  }

  /// 2w.
  var width: Int { norm.weight.count }
  var all: [Parameter] { norm.all + projection.all }
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
///   - bands: Parameters of each band, in the order of the bins.
///   - statistics: One entry a band, to normalise with instead of the spectrogram's own; for
///     inference only, since they have no gradient.
///   - tape: The tape that records the backward step.
/// - Returns: [B, K, T, N].
public func splitIntoBands(
  _ spectrogram: Tensor, bands: [BandSplitParameters], statistics: [GroupStatistics]? = nil,
  _ tape: Tape
) -> Tensor {
  let shape = spectrogram.shape
  precondition(
    shape.count == 4 && shape[3] == 2, "splitIntoBands: expected [B, T, F, 2], got \(shape)")
  let bins = bands.reduce(0) { $0 + $1.width } / 2
  precondition(
    bins == shape[2], "splitIntoBands: bands cover \(bins) bins, the spectrogram \(shape[2])")
  precondition(
    statistics.map { $0.count == bands.count && !tape.isRecording } ?? true,
    "splitIntoBands: statistics of \(statistics?.count ?? 0) bands for \(bands.count), or a tape "
      + "that records")
  let op = BandSplit(spectrogram, bands, tape.execution)
  let (out, moments) = op.forward(given: statistics)
  tape.record(using: bands.flatMap(\.all)) { op.backward(out, moments) }
  return out
}

/// Buffers of one band of one utterance.
private struct BandSplitScratch {
  /// The band's columns [T, 2w], as they are and normalised.
  let rows: MatrixView
  let normalised: MatrixView
  /// Gradient of `normalised`, for backward.
  let dnormalised: MatrixView
  /// Output rows [T, N] where they are no whole vectors.
  let spare: MatrixView

  init(_ parts: inout SlabCarver, _ band: BandSplitParameters, frames: Int, backward: Bool) {
    rows = parts.matrix(rows: frames, columns: band.width)
    normalised = parts.matrix(rows: frames, columns: band.width)
    dnormalised = parts.matrix(rows: backward ? frames : 0, columns: band.width)
    spare = parts.matrix(rows: frames, columns: band.projection.bias.count)
  }
}

private struct BandSplit {
  private let input: Tensor
  private let bands: [BandSplitParameters]
  private let frames: Int
  private let features: Int
  private let execution: Execution
  /// First column of each band in a frame.
  private let firstColumns: [Int]

  init(_ input: Tensor, _ bands: [BandSplitParameters], _ execution: Execution) {
    self.input = input
    self.bands = bands
    self.execution = execution
    frames = input.shape[1]
    features = bands[0].projection.bias.count
    firstColumns = bands.map(\.width).startOffsets
  }

  /// Bands share nothing but the input, so each is one thread's, in all utterances.
  private func forEachBand(
    backward: Bool, _ body: (_ utterance: Int, _ k: Int, _ scratch: BandSplitScratch) -> Void
  ) {
    let workers = execution.workers(tasks: bands.count) {
      ThreadScratch(bands) { BandSplitScratch(&$0, $1, frames: frames, backward: backward) }
    }
    parallel(execution.threads, tasks: bands.count) { k, worker in
      let scratch = workers[worker].carve(bands[k])
      for utterance in 0..<input.shape[0] {
        execution.profile.measure(
          .bandSplit, backward ? .backward : .forward,
          .product(frames, (backward ? 2 : 1) * features, bands[k].width)
        ) { body(utterance, k, scratch) }
      }
    }
  }

  /// A band's columns of one utterance in a tensor of the spectrogram's shape [T, 2w].
  private func columns(_ base: MutableFloatPointer, _ utterance: Int, _ k: Int) -> MatrixView {
    let stride = 2 * input.shape[2]
    return MatrixView(
      base + utterance * frames * stride + firstColumns[k], rows: frames, columns: bands[k].width,
      stride: stride)
  }

  /// A band's rows of one utterance in [B, K, T, N].
  private func rows(_ base: MutableFloatPointer, _ utterance: Int, _ k: Int) -> MatrixView {
    MatrixView(
      base + (utterance * bands.count + k) * frames * features, rows: frames, columns: features,
      stride: features)
  }

  /// The output, and the moments of each [utterance, band], taken from the input or `given`.
  func forward(given: [GroupStatistics]?) -> (Tensor, [GroupMoments]) {
    let out = Tensor(uninitialized: [input.shape[0], bands.count, frames, features])
    var moments = Array(
      repeating: GroupMoments(mean: 0, inverse: 0), count: input.shape[0] * bands.count)
    moments.withUnsafeMutableBufferPointer { moments in
      // Each task writes its own elements.
      nonisolated(unsafe) let moments = moments
      forEachBand(backward: false) { utterance, k, scratch in
        let band = bands[k]
        scratch.rows.copyPadded(columns(input.base, utterance, k))
        let own = given.map {
          GroupMoments(
            mean: $0[k].mean, inverse: 1 / ($0[k].variance + normEpsilon).squareRoot())
        }
        let moment = own ?? kernels.groupMoments(scratch.rows, epsilon: normEpsilon)
        moments[utterance * bands.count + k] = moment
        normalise(band, moment, scratch)
        let weight = PaddedMatrix(
          transposing: band.projection.weight.value, rows: features, columns: band.width)
        let bias = PaddedMatrix(band.projection.bias.value, count: features)
        let target = rows(out.base, utterance, k)
        let isPadded = features != target.paddedColumns
        matrixProduct(
          scratch.normalised, weight.view, into: isPadded ? scratch.spare : target,
          .bias(bias.view.base))
        if isPadded { target.copy(scratch.spare) }
      }
    }
    return (out, moments)
  }

  private func normalise(
    _ band: BandSplitParameters, _ moments: GroupMoments, _ scratch: BandSplitScratch
  ) {
    let norm = PaddedAffine(band.norm)
    kernels.groupNormForward(
      scratch.rows, norm.vectors, moments: moments, out: scratch.normalised)
  }

  func backward(_ out: Tensor, _ moments: [GroupMoments]) {
    guard let upstream = out.gradient else { return }
    let dinput = input.requiresGradient ? input.gradientStorage() : nil
    forEachBand(backward: true) { utterance, k, scratch in
      let band = bands[k]
      let moments = moments[utterance * bands.count + k]
      scratch.rows.copyPadded(columns(input.base, utterance, k))
      normalise(band, moments, scratch)
      let dout = rows(upstream.base, utterance, k).padded(in: scratch.spare)

      let dweight = GradientTarget(
        band.projection.weight.gradient, rows: features, columns: band.width)
      matrixProduct(dout.transposed, scratch.normalised, into: dweight.view, .accumulate)
      dweight.finish()
      addColumnSums(of: dout, to: band.projection.bias.gradient)

      let weight = PaddedMatrix(
        band.projection.weight.value, rows: features, columns: band.width)
      matrixProduct(dout, weight.view, into: scratch.dnormalised, .overwrite)
      let dx = scratch.normalised
      groupNormBackward(scratch.rows, scratch.dnormalised, band.norm, moments, dx: dx)
      if let dinput {
        let target = columns(dinput.base, utterance, k)
        for frame in 0..<frames {
          kernels.add(dx.row(frame), to: target.row(frame), count: band.width)
        }
      }
    }
    out.gradient = nil
  }
}

extension [Int] {
  /// The sum of the elements before each.
  var startOffsets: [Int] {
    var sum = 0
    return map { element in
      defer { sum += element }
      return sum
    }
  }
}
