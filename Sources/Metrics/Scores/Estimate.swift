import Files

/// The mean of a sample, and how well it tells the mean of what the sample was drawn from.
public struct Estimate: Equatable, Codable, Sendable {
  /// Mean of the values.
  public let mean: Double
  /// Half the width of the 95% confidence interval around `mean`, by Student's t; nil for one value.
  public let halfWidth: Double?
  /// Number of values.
  public let count: Int

  /// Of `values`; nil if there are none.
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

  /// As "2.3752 ± 0.1234".
  package func text(digits: Int, signed: Bool = false) -> String {
    let sign = signed && mean >= 0 ? "+" : ""
    let width = halfWidth.map { " ± " + TextTable.number($0, digits: digits) } ?? ""
    return sign + TextTable.number(mean, digits: digits) + width
  }
}
