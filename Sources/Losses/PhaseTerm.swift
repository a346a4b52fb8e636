import Foundation
import Recipes
import Tensor

// The anti-wrapped phase loss of MP-SENet (Lu, Ai and Ling 2023): with W(d) = |d − 2π·round(d/2π)|
// it is the sum of mean W(p − p̂), of the same for the differences along frequency, and of the same
// along time. Before the first bin and the first frame phases count as 0. The gradient of W is the
// sign of the bracket, 0 at 0.

/// Mean of the three terms of a phase loss, each unweighted.
struct PhaseMeans: Equatable {
  var instantaneous = 0.0
  var groupDelay = 0.0
  var angularFrequency = 0.0
}

/// The three means between the phases of two spectra [1, T, F, 2], and `weight` times the gradient
/// of their weighted sum for the estimate's. A bin of 0 has the phase 0 and no gradient.
func phaseTerm(
  _ estimate: Tensor, _ target: Tensor, _ term: LossSettings.PhaseTerm, weight: Double,
  _ tape: Tape
) -> PhaseMeans {
  let (frames, bins) = (estimate.shape[1], estimate.shape[2])
  // All three depend on the differences of the two phases alone.
  let difference = (0..<frames * bins).map { i in
    phase(target, i) - phase(estimate, i)
  }
  var slopes = [Double](repeating: 0, count: frames * bins)
  var means = PhaseMeans()
  for frame in 0..<frames {
    for bin in 0..<bins {
      let i = frame * bins + bin
      add(difference[i], to: &means.instantaneous, &slopes, term.instantaneous, at: i, nil)
      let below = bin > 0 ? i - 1 : nil
      add(
        (below.map { difference[$0] } ?? 0) - difference[i], to: &means.groupDelay, &slopes,
        -term.groupDelay, at: i, below)
      let before = frame > 0 ? i - bins : nil
      add(
        (before.map { difference[$0] } ?? 0) - difference[i], to: &means.angularFrequency,
        &slopes, -term.angularFrequency, at: i, before)
    }
  }
  let count = Double(frames * bins)
  if tape.isRecording {
    let gradient = estimate.gradientStorage().base
    for (i, slope) in slopes.enumerated() {
      let (re, im) = (Double(estimate.base[2 * i]), Double(estimate.base[2 * i + 1]))
      let square = re * re + im * im
      guard square > 0 else { continue }
      // d/dp̂ = −d/d(difference); dp̂/dre = −im/r², dp̂/dim = re/r².
      let scale = -slope * weight / count / square
      gradient[2 * i] += Float(-im * scale)
      gradient[2 * i + 1] += Float(re * scale)
    }
  }
  return PhaseMeans(
    instantaneous: means.instantaneous / count, groupDelay: means.groupDelay / count,
    angularFrequency: means.angularFrequency / count)
}

/// The phase of a bin. Negative zeros, which differ between transforms, count as positive ones.
private func phase(_ spectrum: Tensor, _ i: Int) -> Double {
  atan2(Double(spectrum.base[2 * i + 1]) + 0, Double(spectrum.base[2 * i]) + 0)
}

/// Adds W(`value`) to `sum`, and its sign times `weight` to the slope at `place`, with the other
/// sign at `other`.
private func add(
  _ value: Double, to sum: inout Double, _ slopes: inout [Double], _ weight: Double, at place: Int,
  _ other: Int?
) {
  let rest = value - 2 * .pi * (value / (2 * .pi)).rounded(.toNearestOrEven)
  sum += abs(rest)
  let sign: Double = rest > 0 ? 1 : rest < 0 ? -1 : 0
  slopes[place] += sign * weight
  if let other { slopes[other] -= sign * weight }
}
