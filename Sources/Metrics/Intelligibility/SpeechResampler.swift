import Foundation

/// Resamples a whole signal from 16 to 10 kHz for STOI, with linear phase and no delay.
///
/// `y[m] = Σ_k x[k] h[8m − 5k]` with zeros outside of `x`, and `h[t] = sinc(t / 8) · kaiser(t)` for
/// |t| ≤ 290, scaled to the sum 5. The Kaiser window's β = 0.1102 (60 − 8.7) gives 60 dB of
/// attenuation. The usual tool computes its scores with this filter: another one changes STOI in
/// the third digit.
package struct SpeechResampler {
  /// Number of samples at the new rate for each `down` samples at the old rate.
  package static let up = 5
  /// Number of samples at the old rate for each `up` samples at the new rate.
  package static let down = 8
  private static let reach = 290

  /// The coefficients of the outputs m with one remainder m mod 5: `taps[i]` multiplies `x[8 (m /
  /// 5) + first + i]`.
  private struct Phase {
    let first: Int
    let taps: [Double]
  }

  private let phases: [Phase]
  private let margin: Int

  /// Computes the filter.
  package init() {
    let taps = Self.filter()
    phases = (0..<Self.up).map { phase in
      let center = Self.down * phase
      let first = Int((Double(center - Self.reach) / Double(Self.up)).rounded(.up))
      let last = Int((Double(center + Self.reach) / Double(Self.up)).rounded(.down))
      return Phase(
        first: first,
        taps: (first...last).map { taps[center - Self.up * $0 + Self.reach] })
    }
    margin = Self.reach / Self.up + Self.down
  }

  /// The impulse response h[−290]…h[290].
  package static func filter() -> [Double] {
    let beta = 0.1102 * (60 - 8.7)
    let edge = besselI0(beta)
    let taps = (-reach...reach).map { t -> Double in
      let x = Double.pi * Double(t) / Double(down)
      let sinc = t == 0 ? 1 : sin(x) / x
      let place = Double(t) / Double(reach)
      return sinc * besselI0(beta * (1 - place * place).squareRoot()) / edge
    }
    let scale = Double(up) / taps.reduce(0, +)
    return taps.map { $0 * scale }
  }

  /// The modified Bessel function of order zero, by its series: Σ ((x/2)^k / k!)².
  private static func besselI0(_ x: Double) -> Double {
    var term = 1.0
    var sum = 1.0
    var k = 1.0
    while term > sum * 1e-18 {
      term *= (x / 2 / k) * (x / 2 / k)
      sum += term
      k += 1
    }
    return sum
  }

  /// `signal` at 10 kHz, `ceil(5 n / 8)` samples.
  package func resample(_ signal: [Double]) -> [Double] {
    let count = (signal.count * Self.up + Self.down - 1) / Self.down
    let zeros = [Double](repeating: 0, count: margin)
    let padded = zeros + signal + zeros + zeros
    var result = [Double](repeating: 0, count: count)
    padded.withUnsafeBufferPointer { padded in
      guard let start = padded.baseAddress else { return }
      for phase in 0..<Self.up {
        let (first, taps) = (phases[phase].first, phases[phase].taps)
        taps.withUnsafeBufferPointer { taps in
          guard let taps = taps.baseAddress else { return }
          for (round, m) in stride(from: phase, to: count, by: Self.up).enumerated() {
            result[m] = dot(
              start + margin + Self.down * round + first, taps, count: phases[phase].taps.count)
          }
        }
      }
    }
    return result
  }
}
