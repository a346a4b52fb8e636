import Foundation
import Recipes
import Tensor

// Terms between two spectra [1, T, F, 2]. Each returns its mean and, if the tape records, adds
// `weight` times its gradient to the estimate's. Sums are in double precision, so that they do not
// depend on the order of bins by more than a rounding.

/// A complex bin raised to the power e: |z|^e·z/|z|, and what its gradient needs. 0 stays 0 and has
/// no gradient.
struct CompressedBin {
  let re: Double
  let im: Double
  private let unitRe: Double
  private let unitIm: Double
  /// |z|^(e − 1).
  private let scale: Double
  private let exponent: Double

  init(_ re: Double, _ im: Double, exponent: Double) {
    self.exponent = exponent
    let modulus = hypot(re, im)
    guard modulus > 0 else {
      (self.re, self.im, unitRe, unitIm, scale) = (0, 0, 0, 0, 0)
      return
    }
    (unitRe, unitIm) = (re / modulus, im / modulus)
    scale = exponent == 1 ? 1 : pow(modulus, exponent - 1)
    (self.re, self.im) = (re * scale, im * scale)
  }

  /// d/dz of an objective with the gradient (re, im) for the power:
  /// |z|^(e−1)·(g + (e − 1)·⟨g, u⟩·u) with u = z/|z|.
  func backward(_ re: Double, _ im: Double) -> (re: Double, im: Double) {
    let along = (exponent - 1) * (re * unitRe + im * unitIm)
    return (scale * (re + along * unitRe), scale * (im + along * unitIm))
  }
}

/// A complex bin raised to the power e with SEMamba's guards near 0:
/// (re² + im² + ε)^(e/2) in the direction of (re + ε, im + ε), ε = 1e-10.
struct GuardedBin {
  static let epsilon = 1e-10
  let re: Double
  let im: Double
  private let input: (re: Double, im: Double)
  private let unitRe: Double
  private let unitIm: Double
  private let modulus: Double
  private let square: Double
  private let magnitude: Double
  private let exponent: Double

  init(_ re: Double, _ im: Double, exponent: Double) {
    self.exponent = exponent
    input = (re, im)
    square = re * re + im * im + Self.epsilon
    magnitude = pow(square, exponent / 2)
    // Never 0: then the input would be −ε exactly, which no float is.
    modulus = hypot(re + Self.epsilon, im + Self.epsilon)
    (unitRe, unitIm) = ((re + Self.epsilon) / modulus, (im + Self.epsilon) / modulus)
    (self.re, self.im) = (magnitude * unitRe, magnitude * unitIm)
  }

  /// d/dz of an objective with the gradient (re, im) for the power: the part along u through the
  /// magnitude, the part across u through the direction.
  func backward(_ re: Double, _ im: Double) -> (re: Double, im: Double) {
    let along = re * unitRe + im * unitIm
    let radial = along * exponent * magnitude / square
    let turn = magnitude / modulus
    return (
      radial * input.re + turn * (re - along * unitRe),
      radial * input.im + turn * (im - along * unitIm)
    )
  }
}

/// Mean modulus of the difference of the powers (`l1`), or of its square (`l2`).
func complexTerm(
  _ estimate: Tensor, _ target: Tensor, norm: LossSettings.Norm, exponent: Double, weight: Double,
  _ tape: Tape
) -> Double {
  let bins = estimate.count / 2
  let gradient = tape.isRecording ? estimate.gradientStorage().base : nil
  var sum = 0.0
  for i in 0..<bins {
    let ours = CompressedBin(
      Double(estimate.base[2 * i]), Double(estimate.base[2 * i + 1]), exponent: exponent)
    let theirs = CompressedBin(
      Double(target.base[2 * i]), Double(target.base[2 * i + 1]), exponent: exponent)
    let (re, im) = (ours.re - theirs.re, ours.im - theirs.im)
    let square = re * re + im * im
    let factor: Double
    switch norm {
    case .l1:
      let modulus = square.squareRoot()
      sum += modulus
      factor = modulus > 0 ? 1 / modulus : 0
    case .l2:
      sum += square
      factor = 2
    }
    guard let gradient else { continue }
    let back = ours.backward(factor * re, factor * im)
    gradient[2 * i] += Float(weight * back.re / Double(bins))
    gradient[2 * i + 1] += Float(weight * back.im / Double(bins))
  }
  return sum / Double(bins)
}

/// Mean of ||Ŝ|^e − |S|^e| (`l1`) or of its square (`l2`), with (|·| + ε)^e.
func magnitudeTerm(
  _ estimate: Tensor, _ target: Tensor, norm: LossSettings.Norm, exponent: Double,
  epsilon: Double, weight: Double, _ tape: Tape
) -> Double {
  let bins = estimate.count / 2
  let gradient = tape.isRecording ? estimate.gradientStorage().base : nil
  var sum = 0.0
  for i in 0..<bins {
    let (re, im) = (Double(estimate.base[2 * i]), Double(estimate.base[2 * i + 1]))
    let modulus = hypot(re, im)
    let ours = pow(modulus + epsilon, exponent)
    let other = hypot(Double(target.base[2 * i]), Double(target.base[2 * i + 1]))
    let difference = ours - pow(other + epsilon, exponent)
    let factor: Double
    switch norm {
    case .l1:
      sum += abs(difference)
      factor = difference > 0 ? 1 : difference < 0 ? -1 : 0
    case .l2:
      sum += difference * difference
      factor = 2 * difference
    }
    guard let gradient, modulus > 0 else { continue }
    let slope = factor * exponent * ours / (modulus + epsilon) * weight / Double(bins)
    gradient[2 * i] += Float(slope * re / modulus)
    gradient[2 * i + 1] += Float(slope * im / modulus)
  }
  return sum / Double(bins)
}

/// Mean squared modulus of the difference between the power of `estimate` and that of `own`, the
/// spectrum of its waveform, with a gradient for both.
func consistencyTerm(
  _ estimate: Tensor, _ own: Tensor, exponent: Double, weight: Double, _ tape: Tape
) -> Double {
  let bins = estimate.count / 2
  let isRecording = tape.isRecording
  var sum = 0.0
  for i in 0..<bins {
    let ours = CompressedBin(
      Double(estimate.base[2 * i]), Double(estimate.base[2 * i + 1]), exponent: exponent)
    let again = GuardedBin(
      Double(own.base[2 * i]), Double(own.base[2 * i + 1]), exponent: exponent)
    let (re, im) = (ours.re - again.re, ours.im - again.im)
    sum += re * re + im * im
    guard isRecording else { continue }
    let scale = 2 * weight / Double(bins)
    let direct = ours.backward(scale * re, scale * im)
    let through = again.backward(-scale * re, -scale * im)
    let (first, second) = (estimate.gradientStorage().base, own.gradientStorage().base)
    first[2 * i] += Float(direct.re)
    first[2 * i + 1] += Float(direct.im)
    second[2 * i] += Float(through.re)
    second[2 * i + 1] += Float(through.im)
  }
  return sum / Double(bins)
}
