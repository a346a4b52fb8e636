/// The difference between the means of two samples, and how much of it could be noise, by Student's
/// two-sided t test at 5% with one variance for both samples.
///
/// With n₁ and n₂ values, s² = (Σ(x − x̄)² + Σ(y − ȳ)²) / ν and ν = n₁ + n₂ − 2, a difference of
/// means is beyond noise from t₀.₉₇₅(ν) · s · √(1/n₁ + 1/n₂) on.
package struct MeanDifference: Equatable, Sendable {
  /// Mean of the first sample less that of the second, in the unit of the values.
  package let difference: Double
  /// The smallest difference of means that these samples can tell from noise.
  package let smallest: Double
  /// Standard deviation s of the single value, over both samples.
  package let deviation: Double

  /// Compares the means; nil if a sample is empty or neither has a spread.
  package init?(_ one: [Double], _ other: [Double]) {
    let freedom = one.count + other.count - 2
    guard !one.isEmpty, !other.isEmpty, freedom > 0 else { return nil }
    let (first, second) = (Self.squares(one), Self.squares(other))
    deviation = ((first.sum + second.sum) / Double(freedom)).squareRoot()
    difference = first.mean - second.mean
    smallest =
      StudentT.quantile975(degreesOfFreedom: freedom) * deviation
      * (1 / Double(one.count) + 1 / Double(other.count)).squareRoot()
  }

  /// Whether the difference is at least the smallest that counts. Equal means never differ.
  package var isBeyondNoise: Bool { difference != 0 && abs(difference) >= smallest }

  /// The number of values that each sample would need for this difference to be beyond noise, with
  /// the same spread; nil if the means are equal, or if it is above `largestCount`.
  package var countNeeded: Int? {
    guard difference != 0, difference.isFinite, deviation.isFinite else { return nil }
    // The quantile is above 1.9599 for every number of degrees of freedom.
    let ratio = 1.9599 * deviation / abs(difference)
    let bound = 2 * ratio * ratio
    guard bound < Double(Self.largestCount) else { return nil }
    var count = max(2, Int(bound))
    while Self.smallest(deviation: deviation, count: count) > abs(difference) { count += 1 }
    return count <= Self.largestCount ? count : nil
  }

  /// Largest number of values that `countNeeded` names.
  package static let largestCount = 100_000

  /// The smallest difference between the means of two samples of `count` values each, of which each
  /// has the standard deviation `deviation`, that is beyond noise: t₀.₉₇₅(2n − 2) · s · √(2/n).
  package static func smallest(deviation: Double, count: Int) -> Double {
    precondition(count > 1, "MeanDifference: samples of \(count)")
    return StudentT.quantile975(degreesOfFreedom: 2 * count - 2) * deviation
      * (2 / Double(count)).squareRoot()
  }

  private static func squares(_ values: [Double]) -> (mean: Double, sum: Double) {
    let mean = values.reduce(0, +) / Double(values.count)
    return (mean, values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) })
  }
}
