import Foundation
import Metrics
import Platform

extension RunComparison.Difference {
  /// The line about the two recipes under the table.
  var text: String {
    let counts =
      one.scores.count == other.scores.count
      ? NumberText.count(one.scores.count, "seed") + " of each"
      : "\(one.scores.count) and \(NumberText.count(other.scores.count, "seed"))"
    let means = String(
      format: "%@ − %@: %+.4f", one.label, other.label, self.means.difference)
    let limit = String(format: "from %.4f on", self.means.smallest)
    if self.means.isBeyondNoise {
      return "\(means), beyond noise (\(counts) tell differences \(limit))"
    }
    let needed =
      self.means.difference == 0
      ? ""
      : "; it would need "
        + (self.means.countNeeded.map { "\($0)" } ?? "more than "
          + NumberText.grouped(MeanDifference.largestCount)) + " seeds of each"
    return "\(means), which may be noise (\(counts) tell differences \(limit))\(needed)"
  }
}
