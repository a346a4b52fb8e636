import Files

/// The mean of a sample as an estimate of the population mean, with its confidence interval.
public struct Estimate: Equatable, Codable, Sendable {
  /// Mean of the values.
  public let mean: Double
  /// Half the width of the 95% confidence interval around `mean`, by Student's t distribution; nil
  /// for a single value.
  public let halfWidth: Double?
  /// Number of values.
  public let count: Int

  /// Estimates the mean of `values`; nil if `values` is empty.
  public init?(_ values: [Double]) {
    if values.isEmpty { return nil }
    count = values.count
    mean = values.reduce(0, +) / Double(count)
    guard count > 1 else {
      halfWidth = nil
      return
    }
    let mean = mean
    let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    let deviation = (squares / Double(count - 1)).squareRoot()
    halfWidth =
      StudentT.quantile975(degreesOfFreedom: count - 1) * deviation
      / Double(count).squareRoot()
  }

  /// The estimate as text, such as "2.3752 ± 0.1234".
  package func text(digits: Int, signed: Bool = false) -> String {
    let sign = signed && mean >= 0 ? "+" : ""
    let width = halfWidth.map { " ± " + TextTable.number($0, digits: digits) } ?? ""
    return sign + TextTable.number(mean, digits: digits) + width
  }
}
