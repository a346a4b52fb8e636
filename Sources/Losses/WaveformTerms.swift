import Foundation
import Tensor

// Terms between two waveforms [L]. Each returns its value and, if the tape records, adds `weight`
// times its gradient to the estimate's.

/// Mean absolute difference of the samples.
func timeTerm(_ estimate: Tensor, _ target: Tensor, weight: Double, _ tape: Tape) -> Double {
  let count = estimate.count
  let gradient = tape.isRecording ? estimate.gradientStorage().base : nil
  let slope = Float(weight / Double(count))
  var sum = 0.0
  for i in 0..<count {
    let difference = Double(estimate.base[i]) - Double(target.base[i])
    sum += abs(difference)
    if difference != 0 { gradient?[i] += difference > 0 ? slope : -slope }
  }
  return sum / Double(count)
}

/// The negative scale-invariant signal-to-noise ratio in decibels (Luo and Mesgarani 2018):
/// −10·log10((P + δ)/(N + δ)) with x and x̂ without their means, α = ⟨x̂, x⟩/(|x|² + δ),
/// P = |α·x|², N = |x̂ − α·x|² and δ = 1e-8, which keeps silence finite.
func negativeSISNR(_ estimate: Tensor, _ target: Tensor, weight: Double, _ tape: Tape) -> Double {
  let delta = 1e-8
  let count = estimate.count
  func centred(_ tensor: Tensor) -> [Double] {
    let values = (0..<count).map { Double(tensor.base[$0]) }
    let mean = values.reduce(0, +) / Double(count)
    return values.map { $0 - mean }
  }
  let (ours, theirs) = (centred(estimate), centred(target))
  let energy = theirs.reduce(0) { $0 + $1 * $1 } + delta
  let product = zip(ours, theirs).reduce(0) { $0 + $1.0 * $1.1 }
  let alpha = product / energy
  let power = alpha * alpha * (energy - delta)
  let rest = zip(ours, theirs).map { $0 - alpha * $1 }
  let noise = rest.reduce(0) { $0 + $1 * $1 }
  guard tape.isRecording else { return -10 * log10((power + delta) / (noise + delta)) }
  // dP/dx̂ = 2·α·(|x|²/(|x|² + δ))·x; dN/dx̂ = 2·(rest − ⟨rest, x⟩/(|x|² + δ)·x).
  let share = (energy - delta) / energy
  let along = zip(rest, theirs).reduce(0) { $0 + $1.0 * $1.1 } / energy
  let scale = -10 / log(10) * weight
  let slopes = (0..<count).map { i in
    scale
      * (2 * alpha * share * theirs[i] / (power + delta)
        - 2 * (rest[i] - along * theirs[i]) / (noise + delta))
  }
  // The mean was taken away, so its direction has no gradient.
  let mean = slopes.reduce(0, +) / Double(count)
  let gradient = estimate.gradientStorage().base
  for i in 0..<count { gradient[i] += Float(slopes[i] - mean) }
  return -10 * log10((power + delta) / (noise + delta))
}
