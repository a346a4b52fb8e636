import KernelAPI
import Tensor

/// The compressed magnitude (|X| + ε)^p of a spectrogram, with frequency as the first axis.
///
/// With an ε of 0 the magnitude of X = 0 is 0. The gradient at X = 0 is taken as 0.
///
/// - Parameters:
///   - spectrogram: X, [B, T, F, 2].
///   - exponent: p.
///   - epsilon: ε, which is added to |X|; 0 for none.
///   - tape: The tape that records the backward step.
/// - Returns: [B, F, T].
public func compressedMagnitude(
  _ spectrogram: Tensor, exponent: Float = 0.3, epsilon: Float, _ tape: Tape
) -> Tensor {
  let shape = spectrogram.shape
  precondition(
    shape.count == 4 && shape[3] == 2,
    "compressedMagnitude: expected [B, T, F, 2], got \(shape)")
  let (frames, bins) = (shape[1], shape[2])
  let count = frames * bins
  let out = Tensor(
    shape: [shape[0], bins, frames], requiresGradient: spectrogram.requiresGradient)
  let spare = Storage(uninitialized: count)
  for utterance in 0..<shape[0] {
    kernels.compressedMagnitude(
      FloatPointer(spectrogram.base + 2 * utterance * count), count: count, exponent: exponent,
      epsilon: epsilon, out: spare.base)
    kernels.transpose(
      MatrixView(spare.base, rows: frames, columns: bins, stride: bins),
      into: MatrixView(
        out.base + utterance * count, rows: bins, columns: frames, stride: frames))
  }
  tape.record {
    guard spectrogram.requiresGradient, let upstream = out.gradient else { return }
    let gradient = spectrogram.gradientStorage()
    let spare = Storage(uninitialized: count)
    for utterance in 0..<shape[0] {
      kernels.transpose(
        MatrixView(
          upstream.base + utterance * count, rows: bins, columns: frames, stride: frames),
        into: MatrixView(spare.base, rows: frames, columns: bins, stride: bins))
      kernels.addCompressedMagnitudeGradient(
        FloatPointer(spectrogram.base + 2 * utterance * count), FloatPointer(spare.base),
        count: count, exponent: exponent, epsilon: epsilon,
        to: gradient.base + 2 * utterance * count)
    }
    out.gradient = nil
  }
  return out
}

/// An image whose channels are the given planes, first to last.
///
/// - Parameters:
///   - planes: Tensors of one shape [B, H, W]; the same one may be there more than once.
///   - tape: The tape that records the backward step.
/// - Returns: [B, H, W, number of planes].
public func stackedPlanes(_ planes: [Tensor], _ tape: Tape) -> Tensor {
  precondition(
    !planes.isEmpty && planes.allSatisfy { $0.shape.count == 3 && $0.shape == planes[0].shape },
    "stackedPlanes: expected tensors [B, H, W] of one shape, got \(planes.map(\.shape))")
  let channels = planes.count
  let out = Tensor(
    shape: planes[0].shape + [channels],
    requiresGradient: planes.contains { $0.requiresGradient })
  for (channel, plane) in planes.enumerated() {
    let (source, target) = (plane.base, out.base + channel)
    for index in 0..<plane.count { target[index * channels] = source[index] }
  }
  guard out.requiresGradient else { return out }
  tape.record {
    guard let upstream = out.gradient else { return }
    for (channel, plane) in planes.enumerated() where plane.requiresGradient {
      let (source, target) = (upstream.base + channel, plane.gradientStorage().base)
      for index in 0..<plane.count { target[index] += source[index * channels] }
    }
    out.gradient = nil
  }
  return out
}
