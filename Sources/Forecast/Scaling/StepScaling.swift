import Foundation
import Platform

/// Where the time of a step goes, as far as scaling is about it: means over ranks of the medians over
/// steps, in seconds.
package struct StepScaling: Codable, Equatable {
  /// Numbers of the model.
  package var parameterCount: Int
  /// Ranks on a host with most of them.
  package var ranksPerHost: Int
  /// Making utterances ready.
  package var dataSeconds: Double
  /// Forward passes.
  package var forwardSeconds: Double
  /// Backward passes and sums of gradients.
  package var backwardSeconds: Double
  /// Standing still for gradients of others.
  package var exposedSeconds: Double
  /// Norm, clipping, the optimiser, and the all-reduce of losses between them.
  package var optimizerSeconds: Double
  /// Relative deviation of the ranks' computing time within a step; nil with one rank.
  package var jitterOverRanks: Double?
  /// Relative deviation of computing time over the steps of a rank; nil with one step.
  package var jitterOverSteps: Double?
  /// When gradients are final in a backward pass.
  package var readiness: [Readiness]

  /// Forward and backward.
  package var computeSeconds: Double { forwardSeconds + backwardSeconds }
  /// What the simulator takes: how ranks differ, or how steps do where there is one rank.
  package var jitter: Double? { jitterOverRanks ?? jitterOverSteps }
}

/// The times of one step on one rank.
package struct StepTimes: Equatable {
  package var data = 0.0
  /// Forward, backward and the gradient norm.
  package var compute = 0.0
  package var exposed = 0.0
  /// From the norm to the end.
  package var rest = 0.0

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
  /// Puts together what all ranks measured.
  ///
  /// - Parameters:
  ///   - times: of each rank its timed steps.
  ///   - forwardShare: forward passes over forward and backward.
  ///   - clip: seconds of the gradient norm, which `compute` contains.
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

  /// The lines of `bench step` about it, without their names.
  package var splitText: String {
    let text = NumberText.self
    return "data \(text.milliseconds(dataSeconds)), forward \(text.milliseconds(forwardSeconds)), "
      + "backward \(text.milliseconds(backwardSeconds)), exposed "
      + "\(text.milliseconds(exposedSeconds)), clip + optimiser "
      + "\(text.milliseconds(optimizerSeconds)) ms, mean over ranks"
  }

  /// See `splitText`.
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
