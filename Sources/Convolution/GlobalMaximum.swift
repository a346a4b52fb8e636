import Tensor

/// The largest number of each utterance and channel. The gradient goes to the first of equal ones
/// in the order of rows, and in a row of columns. NaN is larger than all numbers.
///
/// - Parameters:
///   - x: [B, H, W, C].
///   - tape: The tape that records the backward step.
/// - Returns: [B, C].
public func globalMaximum(_ x: Tensor, _ tape: Tape) -> Tensor {
  let shape = x.shape
  precondition(
    shape.count == 4 && shape[1] > 0 && shape[2] > 0,
    "globalMaximum: expected [B, H, W, C] with pixels, got \(shape)")
  let (pixels, channels) = (shape[1] * shape[2], shape[3])
  let out = Tensor(uninitialized: [shape[0], channels])
  var places = Array(repeating: 0, count: shape[0] * channels)
  for utterance in 0..<shape[0] {
    let source = x.base + utterance * pixels * channels
    let best = out.base + utterance * channels
    best.update(from: source, count: channels)
    for pixel in 1..<max(pixels, 1) {
      let row = source + pixel * channels
      for channel in 0..<channels where !(row[channel] <= best[channel]) && !best[channel].isNaN {
        best[channel] = row[channel]
        places[utterance * channels + channel] = pixel
      }
    }
  }
  tape.record {
    guard let upstream = out.gradient else { return }
    if x.requiresGradient {
      let gradient = x.gradientStorage()
      for utterance in 0..<shape[0] {
        for channel in 0..<channels {
          let index = utterance * channels + channel
          gradient.base[(utterance * pixels + places[index]) * channels + channel] +=
            upstream.base[index]
        }
      }
    }
    out.gradient = nil
  }
  return out
}
