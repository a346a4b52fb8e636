import Foundation
import Platform

/// The durations of the parts of a step that scaling depends on: means over ranks of the medians
/// over steps, in seconds.
package struct StepScaling: Codable, Equatable {
  /// Number of the model's parameters.
  package var parameterCount: Int
  /// Largest number of ranks on a host.
  package var ranksPerHost: Int
  /// Time of loading utterances.
  package var dataSeconds: Double
  /// Time of forward passes.
  package var forwardSeconds: Double
  /// Time of backward passes and sums of gradients.
  package var backwardSeconds: Double
  /// Time of waiting for gradients of other ranks.
  package var exposedSeconds: Double
  /// Time of norm, clipping, the optimiser, and the all-reduce of losses between them.
  package var optimizerSeconds: Double
  /// Relative deviation of the ranks' computing time within a step; nil with one rank.
  package var jitterOverRanks: Double?
  /// Relative deviation of the computing time over the steps of a rank; nil with one step.
  package var jitterOverSteps: Double?
  /// Times at which gradients become final in a backward pass.
  package var readiness: [Readiness]

  /// Time of forward and backward passes.
  package var computeSeconds: Double { forwardSeconds + backwardSeconds }
  /// Jitter for the simulator: the deviation over ranks, or over steps if there is one rank.
  package var jitter: Double? { jitterOverRanks ?? jitterOverSteps }
}

/// The times of one step on one rank.
package struct StepTimes: Equatable {
  package var data = 0.0
  /// Time of forward, backward and the gradient norm.
  package var compute = 0.0
  package var exposed = 0.0
  /// Time from the norm to the end of the step.
  package var rest = 0.0

  /// Times in seconds.
  package init(
    data: Double = 0.0, compute: Double = 0.0, exposed: Double = 0.0, rest: Double = 0.0
  ) {
    self.data = data
    self.compute = compute
    self.exposed = exposed
    self.rest = rest
  }
}

extension StepScaling {
  /// Computes the durations from the measurements of all ranks.
  ///
  /// - Parameters:
  ///   - times: the timed steps of each rank.
  ///   - forwardShare: the share of forward passes in forward and backward.
  ///   - clip: the time of the gradient norm, which `compute` contains, in seconds.
  package init(
    times: [[StepTimes]], forwardShare: Double, clip: Double, parameterCount: Int,
    ranksPerHost: Int, readiness: [Readiness]
  ) {
    func mean(_ value: (StepTimes) -> Double) -> Double {
      let medians = times.map { Samples(values: $0.map(value)).median }
      return medians.reduce(0, +) / Double(max(1, medians.count))
    }
    let compute = max(0, mean(\.compute) - clip)
    self.parameterCount = parameterCount
    self.ranksPerHost = ranksPerHost
    dataSeconds = mean(\.data)
    forwardSeconds = compute * forwardShare
    backwardSeconds = compute * (1 - forwardShare)
    exposedSeconds = mean(\.exposed)
    optimizerSeconds = mean(\.rest) + clip
    self.readiness = readiness
    let compute2 = times.map { $0.map(\.compute) }
    let steps = compute2.first?.count ?? 0
    let acrossRanks = (0..<steps).map { step in compute2.map { $0[step] } }
    jitterOverRanks = Self.relativeDeviation(acrossRanks)
    jitterOverSteps = Self.relativeDeviation(compute2)
  }

  /// Root of the mean variance of groups, each relative to its own mean; nil for groups of one.
  static func relativeDeviation(_ groups: [[Double]]) -> Double? {
    let variances = groups.compactMap { group -> Double? in
      let count = Double(group.count)
      let mean = group.reduce(0, +) / count
      guard group.count > 1, mean > 0 else { return nil }
      return group.reduce(0) { $0 + ($1 / mean - 1) * ($1 / mean - 1) } / (count - 1)
    }
    if variances.isEmpty { return nil }
    return (variances.reduce(0, +) / Double(variances.count)).squareRoot()
  }

  /// Text of the durations in `bench step`.
  package var splitText: String {
    let text = NumberText.self
    return "data \(text.milliseconds(dataSeconds)), forward \(text.milliseconds(forwardSeconds)), "
      + "backward \(text.milliseconds(backwardSeconds)), exposed "
      + "\(text.milliseconds(exposedSeconds)), clip + optimiser "
      + "\(text.milliseconds(optimizerSeconds)) ms, mean over ranks"
  }

  /// Text of the jitter in `bench step`.
  package var jitterText: String {
    let parts =
      [jitterOverRanks.map { "\(Self.percent($0)) between ranks" }]
      + [jitterOverSteps.map { "\(Self.percent($0)) between steps" }]
    let known = parts.compactMap { $0 }
    return known.isEmpty
      ? "unknown from one step of one rank"
      : "computing deviates by " + known.joined(separator: ", ")
  }

  private static func percent(_ value: Double) -> String { String(format: "%.2f%%", 100 * value) }
}
