import Foundation

/// The fit of α and B to measured all-reduces: least squares of t = messages·α + bytes/B in
/// relative errors, so that short and long all-reduces count alike.
package struct NetworkFit: Equatable, Sendable {
  /// A measured all-reduce.
  package struct Point: Equatable, Sendable {
    /// Number of messages that a rank sends one after another.
    package var messages: Double
    /// Number of bytes that the busiest link carries each way.
    package var bytes: Double
    /// Duration in seconds.
    package var seconds: Double

    /// Measured all-reduce; counts are those of one rank's link, each way.
    package init(messages: Double, bytes: Double, seconds: Double) {
      self.messages = messages
      self.bytes = bytes
      self.seconds = seconds
    }
  }

  /// Cost α of a message, in seconds.
  package let alpha: Double
  /// Bandwidth B, in bytes per second.
  package let bandwidth: Double
  /// Root of the mean square of the relative errors.
  package let error: Double

  /// Fits `points`; nil unless two of them differ in size and all durations are positive.
  package init?(_ points: [Point]) {
    guard points.allSatisfy({ $0.seconds > 0 && $0.bytes > 0 }),
      let largest = points.max(by: { $0.bytes < $1.bytes }),
      points.contains(where: { $0.bytes != largest.bytes })
    else { return nil }
    // Sums of the normal equations of (m·α + s·β)/t ≈ 1.
    var mm = 0.0
    var ms = 0.0
    var ss = 0.0
    var m1 = 0.0
    var s1 = 0.0
    for point in points {
      let m = point.messages / point.seconds
      let s = point.bytes / point.seconds
      mm += m * m
      ms += m * s
      ss += s * s
      m1 += m
      s1 += s
    }
    let determinant = mm * ss - ms * ms
    var alpha = determinant > 0 ? (m1 * ss - s1 * ms) / determinant : 0
    var inverse = determinant > 0 ? (s1 * mm - m1 * ms) / determinant : 0
    // Noise can make one of them negative; then the other explains all of the time.
    if alpha < 0 || determinant <= 0 {
      alpha = 0
      inverse = s1 / ss
    }
    if inverse <= 0 {
      inverse = largest.seconds / largest.bytes
      alpha = max(0, (m1 - inverse * ms) / mm)
    }
    self.alpha = alpha
    bandwidth = 1 / inverse
    let squares = points.reduce(0.0) { sum, point in
      let model = point.messages * alpha + point.bytes * inverse
      let relative = model / point.seconds - 1
      return sum + relative * relative
    }
    error = (squares / Double(points.count)).squareRoot()
  }
}
