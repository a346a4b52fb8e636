import Foundation

/// The scale of an axis, which maps numbers to positions.
package struct ChartScale {
  /// The meaning of equal distances.
  package enum Kind: Equatable {
    /// Equal distances are equal differences.
    case linear
    /// Equal distances are equal ratios; ticks are at powers of two.
    case logarithmic
    /// Names side by side, numbered from 0.
    case categories([String])
  }

  /// A number with a line and a label at it.
  package struct Tick: Equatable {
    package let value: Double
    package let label: String
  }

  private let kind: Kind
  private let low: Double
  private let high: Double
  package let ticks: [Tick]

  /// A scale that holds all of `values`, and perhaps a little more so that its ends are round.
  ///
  /// - Parameters:
  ///   - isWhole: whether only integers have a meaning.
  ///   - tickCount: the approximate number of ticks that fit.
  ///   - isTight: whether the scale ends exactly at the smallest and largest value.
  package init(
    _ values: [Double], _ kind: Kind = .linear, isWhole: Bool = false, tickCount: Int = 5,
    isTight: Bool = false
  ) {
    self.kind = kind
    let finite = values.filter(\.isFinite)
    switch kind {
    case .categories(let names):
      low = -0.5
      high = Double(max(1, names.count)) - 0.5
      ticks = names.enumerated().map { Tick(value: Double($0.offset), label: $0.element) }
    case .logarithmic:
      let positive = finite.filter { $0 > 0 }.map(log2)
      let (first, last) = (positive.min() ?? 0, positive.max() ?? 1)
      let bottom = isTight ? first : first.rounded(.down)
      let top = isTight ? last : max(bottom + 1, last.rounded(.up))
      let every = max(1, ((top - bottom) / Double(max(1, tickCount))).rounded(.up))
      low = bottom
      high = top
      ticks = stride(from: bottom.rounded(.up), through: top, by: every).map {
        Tick(value: pow(2, $0), label: String(format: "%g", pow(2, $0)))
      }
    case .linear:
      var (first, last) = (finite.min() ?? 0, finite.max() ?? 1)
      if first == last {
        let room = isWhole ? 1 : (first == 0 ? 1 : abs(first) * 0.1)
        (first, last) = (first - room, last + room)
      }
      let step = Self.niceStep((last - first) / Double(max(1, tickCount)), isWhole: isWhole)
      let bottom = isTight ? first : (first / step + 1e-9).rounded(.down) * step
      let top = isTight ? last : (last / step - 1e-9).rounded(.up) * step
      low = bottom
      high = top
      let start = Int(clamped: (bottom / step - 1e-9).rounded(.up))
      let end = Int(clamped: (top / step + 1e-9).rounded(.down))
      ticks =
        start > end
        ? []
        : (start...end).map {
          Tick(value: Double($0) * step, label: Self.label(Double($0) * step, step: step))
        }
    }
  }

  /// Position of a number, from 0 to 1; outside of 0…1 for a number outside of the scale.
  package func place(_ value: Double) -> Double {
    let number = kind == .logarithmic ? log2(max(value, 1e-300)) : value
    return high == low ? 0.5 : (number - low) / (high - low)
  }

  /// Smallest of 1, 2, 5, 10 … (times a power of ten) that is not far below `step`.
  private static func niceStep(_ step: Double, isWhole: Bool) -> Double {
    let power = pow(10, log10(step).rounded(.down))
    let nice = [1, 2, 5, 10].first { $0 * power >= step / 1.3 } ?? 10
    return isWhole ? max(1, (nice * power).rounded()) : nice * power
  }

  /// Text of a tick, with the digits that distinguish neighbouring ticks.
  private static func label(_ value: Double, step: Double) -> String {
    if value == 0 { return "0" }
    if step < 1e-4 || abs(value) >= 1e6 { return String(format: "%.3g", value) }
    let digits = max(0, Int(clamped: (-log10(step) - 1e-9).rounded(.up)))
    return String(format: "%.\(digits)f", value)
  }
}
