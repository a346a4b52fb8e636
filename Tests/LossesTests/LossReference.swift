import Foundation
import Recipes

/// The terms of a loss in double precision by their definitions in polar form, with transforms as
/// plain sums. Spectra are [T][F] of (re, im).
struct LossReference {
  typealias Bin = (re: Double, im: Double)
  let settings: LossSettings
  let length: Int
  let hop: Int
  var bins: Int { length / 2 + 1 }

  /// The weighted sum of all terms.
  func loss(_ estimate: [Double], _ target: [Double]) -> Double {
    let (ours, theirs) = (frames(estimate), frames(target))
    let (wave, clean) = (inverse(ours, length, hop), inverse(theirs, length, hop))
    var (x, y) = (ours, theirs)
    if let other = settings.transform {
      x = forward(wave, other.fftLength, other.hopSamples)
      y = forward(clean, other.fftLength, other.hopSamples)
    }
    var sum = settings.complex.weight * complex(x, y) + settings.magnitude.weight * magnitude(x, y)
    if settings.phase.weight != 0 { sum += settings.phase.weight * phase(x, y) }
    sum += settings.time * zip(wave, clean).reduce(0) { $0 + abs($1.0 - $1.1) } / Double(wave.count)
    if settings.consistency.weight != 0 {
      sum += settings.consistency.weight * consistency(ours, forward(wave, length, hop))
    }
    if settings.siSNR != 0 { sum += settings.siSNR * negativeSISNR(wave, clean) }
    return sum
  }

  private func frames(_ numbers: [Double]) -> [[Bin]] {
    stride(from: 0, to: numbers.count, by: 2 * bins).map { start in
      (0..<bins).map { (numbers[start + 2 * $0], numbers[start + 2 * $0 + 1]) }
    }
  }

  private func window(_ n: Int, _ length: Int) -> Double {
    0.5 - 0.5 * cos(2 * .pi * Double(n) / Double(length))
  }

  private func forward(_ x: [Double], _ length: Int, _ hop: Int) -> [[Bin]] {
    func sample(_ i: Int) -> Double {
      let at = i < 0 ? -i : i
      return x[at < x.count ? at : 2 * (x.count - 1) - at]
    }
    return (0...x.count / hop).map { frame in
      (0...length / 2).map { bin in
        (0..<length).reduce((0.0, 0.0)) { sum, n in
          let value = window(n, length) * sample(frame * hop + n - length / 2)
          let angle = 2 * .pi * Double(bin * n % length) / Double(length)
          return (sum.0 + value * cos(angle), sum.1 - value * sin(angle))
        }
      }
    }
  }

  private func inverse(_ spectrum: [[Bin]], _ length: Int, _ hop: Int) -> [Double] {
    let count = hop * (spectrum.count - 1)
    var (sum, power) = ([Double](repeating: 0, count: count), [Double](repeating: 0, count: count))
    for (frame, row) in spectrum.enumerated() {
      for n in 0..<length {
        let at = frame * hop + n - length / 2
        guard sum.indices.contains(at) else { continue }
        var value = row[0].re + row[length / 2].re * (n % 2 == 0 ? 1 : -1)
        for bin in 1..<length / 2 {
          let angle = 2 * .pi * Double(bin * n % length) / Double(length)
          value += 2 * (row[bin].re * cos(angle) - row[bin].im * sin(angle))
        }
        sum[at] += window(n, length) * value / Double(length)
        power[at] += window(n, length) * window(n, length)
      }
    }
    return zip(sum, power).map { $0 / $1 }
  }

  private func polar(_ z: Bin) -> (r: Double, p: Double) { (hypot(z.re, z.im), atan2(z.im, z.re)) }

  private func mean(_ x: [[Bin]], _ y: [[Bin]], _ f: (Bin, Bin) -> Double) -> Double {
    let all = zip(x, y).flatMap { zip($0, $1).map { f($0, $1) } }
    return all.reduce(0, +) / Double(all.count)
  }

  private func norm(_ difference: Double, _ norm: LossSettings.Norm) -> Double {
    norm == .l1 ? abs(difference) : difference * difference
  }

  private func complex(_ x: [[Bin]], _ y: [[Bin]]) -> Double {
    let e = settings.complex.exponent
    return mean(x, y) { a, b in
      let (a, b) = (polar(a), polar(b))
      let re = pow(a.r, e) * cos(a.p) - pow(b.r, e) * cos(b.p)
      let im = pow(a.r, e) * sin(a.p) - pow(b.r, e) * sin(b.p)
      return norm(hypot(re, im), settings.complex.norm)
    }
  }

  private func magnitude(_ x: [[Bin]], _ y: [[Bin]]) -> Double {
    let (e, epsilon) = (settings.magnitude.exponent, settings.magnitudeEpsilon)
    return mean(x, y) { a, b in
      norm(
        pow(polar(a).r + epsilon, e) - pow(polar(b).r + epsilon, e), settings.magnitude.norm)
    }
  }

  private func phase(_ x: [[Bin]], _ y: [[Bin]]) -> Double {
    func wrapped(_ d: Double) -> Double { abs(remainder(d, 2 * .pi)) }
    let count = Double(x.count * x[0].count)
    func p(_ s: [[Bin]], _ t: Int, _ f: Int) -> Double { t < 0 || f < 0 ? 0 : polar(s[t][f]).p }
    var (ip, gd, iaf) = (0.0, 0.0, 0.0)
    for t in x.indices {
      for f in x[t].indices {
        ip += wrapped(p(y, t, f) - p(x, t, f))
        gd += wrapped((p(y, t, f - 1) - p(y, t, f)) - (p(x, t, f - 1) - p(x, t, f)))
        iaf += wrapped((p(y, t - 1, f) - p(y, t, f)) - (p(x, t - 1, f) - p(x, t, f)))
      }
    }
    let term = settings.phase
    return (term.instantaneous * ip + term.groupDelay * gd + term.angularFrequency * iaf) / count
  }

  private func consistency(_ x: [[Bin]], _ own: [[Bin]]) -> Double {
    let e = settings.consistency.exponent
    return mean(x, own) { a, b in
      let a = polar(a)
      let r = pow((b.re * b.re + b.im * b.im + 1e-10).squareRoot(), e)
      let p = atan2(b.im + 1e-10, b.re + 1e-10)
      let (re, im) = (pow(a.r, e) * cos(a.p) - r * cos(p), pow(a.r, e) * sin(a.p) - r * sin(p))
      return re * re + im * im
    }
  }

  private func negativeSISNR(_ x: [Double], _ y: [Double]) -> Double {
    func centred(_ v: [Double]) -> [Double] {
      let mean = v.reduce(0, +) / Double(v.count)
      return v.map { $0 - mean }
    }
    func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
    let (x, y) = (centred(x), centred(y))
    let alpha = dot(x, y) / (dot(y, y) + 1e-8)
    let projected = y.map { alpha * $0 }
    let rest = zip(x, projected).map { $0 - $1 }
    return -10 * log10((dot(projected, projected) + 1e-8) / (dot(rest, rest) + 1e-8))
  }
}
