/// Quantiles of samples without sorting all of them: counts of samples that share their upper bits
/// tell which ones lie around a quantile.
final class Quantiles {
  /// Bits that are counted: sign, exponent and four of the fraction.
  private static let shift: UInt64 = 48
  private var counts = [Int32](repeating: 0, count: 1 << 16)
  private var near: [Double] = []

  /// The quantile `q` of 0 … 1 of `samples`: linear between the sorted samples at (n − 1)·q.
  func quantile(_ q: Double, of samples: UnsafeBufferPointer<Double>) -> Double {
    precondition(!samples.isEmpty && (0...1).contains(q), "Quantiles: \(q) of \(samples.count)")
    let place = Double(samples.count - 1) * q
    let lower = min(Int(place), samples.count - 1)
    let upper = min(lower + 1, samples.count - 1)
    count(samples)
    // The buckets of both places, and how many samples lie before them.
    var (bucket, before) = (0, 0)
    while before + Int(counts[bucket]) <= lower {
      before += Int(counts[bucket])
      bucket += 1
    }
    let first = bucket
    var through = before + Int(counts[bucket])
    while through <= upper {
      bucket += 1
      through += Int(counts[bucket])
    }
    let buckets = first...bucket
    near.removeAll(keepingCapacity: true)
    for sample in samples where buckets.contains(Self.bucket(sample)) { near.append(sample) }
    near.sort()
    let (low, high) = (near[lower - before], near[upper - before])
    let part = place - Double(lower)
    // From the nearer of the two, so that either end is met exactly.
    return part < 0.5 ? low + (high - low) * part : high - (high - low) * (1 - part)
  }

  private func count(_ samples: UnsafeBufferPointer<Double>) {
    counts.withUnsafeMutableBufferPointer { counts in
      counts.update(repeating: 0)
      for sample in samples { counts[Self.bucket(sample)] += 1 }
    }
  }

  /// Number of the bucket of a sample, increasing with the sample.
  private static func bucket(_ sample: Double) -> Int {
    let bits = sample.bitPattern
    // Larger magnitudes come first among negative numbers.
    let ordered = bits >> 63 == 1 ? ~bits : bits | 1 << 63
    return Int(ordered >> shift)
  }
}
