import Platform
import Tensor

/// The achieved rate of a part's work, compared with the bound that the machine sets.
struct AchievedRate: Encodable, Equatable {
  /// The resource that limits the speed of a part.
  enum Bound: String, Encodable {
    /// Multiply-adds of matrix products.
    case products
    /// Vector instructions on the multiply-add ports.
    case arithmetic
    /// Bytes to and from the L2 cache.
    case memory
  }

  /// Rate of products, in 10⁹ floating-point operations per second; nil without products.
  let gflops: Double?
  /// Rate of vector arithmetic, in 10⁹ lanes per second; nil where none is counted.
  let gigaoperationsPerSecond: Double?
  /// Rate of bytes read and written, in 10⁹ per second; nil where none are counted.
  let gigabytesPerSecond: Double?
  /// Bound that gives the longest time; nil for work that is only timed.
  let boundBy: Bound?
  /// Shortest time that this bound allows, in seconds.
  let boundSeconds: Double?
  /// Ratio of `boundSeconds` to the measured time.
  let fractionOfBound: Double?

  /// The rate of one core that has done `work` in `seconds`.
  init(_ work: Profile.Work, seconds: Double, _ limits: CoreLimits) {
    func rate(_ amount: Double) -> Double? { amount > 0 ? amount / seconds / 1e9 : nil }
    gflops = rate(work.productFlops)
    gigaoperationsPerSecond = rate(work.laneOperations)
    gigabytesPerSecond = rate(work.bytes)
    let times: [(bound: Bound, seconds: Double)] = [
      (.products, work.productFlops / limits.flops),
      (.arithmetic, work.laneOperations / limits.laneOperations),
      (.memory, work.bytes / limits.cacheBytes),
    ]
    let longest = times.max { $0.seconds < $1.seconds }
    if let longest, longest.seconds > 0 {
      boundBy = longest.bound
      boundSeconds = longest.seconds
      fractionOfBound = longest.seconds / seconds
    } else {
      boundBy = nil
      boundSeconds = nil
      fractionOfBound = nil
    }
  }

  /// The last cells of a table's row: the rate of the limiting resource, and its bound.
  func cells(_ limits: CoreLimits) -> [String] {
    guard let boundBy, let fractionOfBound else { return Self.headings.map { _ in "" } }
    let share = NumberText.percent(fractionOfBound)
    func cells(_ rate: Double?, _ limit: Double, _ unit: String) -> [String] {
      [
        NumberText.figures(rate ?? 0), NumberText.figures(limit / 1e9), unit,
        boundBy.rawValue, share,
      ]
    }
    switch boundBy {
    case .products: return cells(gflops, limits.flops, "GFLOP/s")
    case .arithmetic: return cells(gigaoperationsPerSecond, limits.laneOperations, "Gop/s")
    case .memory: return cells(gigabytesPerSecond, limits.cacheBytes, "GB/s")
    }
  }

  /// Headings of the columns of `cells`.
  static let headings = ["rate", "bound", "unit", "bound by", "of bound"]
}
