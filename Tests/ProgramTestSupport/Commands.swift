import Evaluation
import Foundation
import Models
import Testing
import TestSupport

/// Runs the built program as a user would: one rank without a launcher, several under mpirun.
package func disttrain(
  ranks: Int = 1, _ arguments: [String], environment: [String: String] = [:], folder: URL? = nil,
  timeLimit: Double = 120
) throws -> SubprocessOutcome {
  if ranks == 1 {
    return try MPIRun.runAlone(
      product: "disttrain", arguments: arguments, environment: environment, folder: folder,
      timeLimit: timeLimit)
  }
  return try MPIRun.run(
    ranks: ranks, product: "disttrain", arguments: arguments, environment: environment,
    folder: folder, timeLimit: timeLimit)
}

/// Expects that the program ended with status 1 and one line on stderr that holds every text.
package func expectError(
  _ outcome: SubprocessOutcome, _ texts: String...,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(outcome.status == 1, "\(outcome)", sourceLocation: sourceLocation)
  let lines = outcome.errors.split(separator: "\n")
  #expect(lines.count == 1, "\(outcome)", sourceLocation: sourceLocation)
  #expect(
    lines.first?.hasPrefix("disttrain: error: ") == true, "\(outcome)",
    sourceLocation: sourceLocation)
  for text in texts {
    #expect(outcome.errors.contains(text), "\(outcome)", sourceLocation: sourceLocation)
  }
}

extension EnhanceFixture {
  /// The fixture's model with its weights.
  package static func model() throws -> SpeechEnhancer {
    try TrainedModel.load(weights: weights, preset: preset)
  }
}
