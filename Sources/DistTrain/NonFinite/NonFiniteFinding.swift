import Foundation
import Tensor

/// Where in the computation of an utterance a number first was not finite.
package struct NonFiniteFinding: Codable, Equatable, Sendable {
  /// The utterance.
  package var utterance: String
  /// The tensor.
  package var observation: Inspector.Observation
  /// Whether samples and spectrograms are finite.
  package var isInputFinite: Bool
  /// Whether all parameters are finite.
  package var areWeightsFinite: Bool

  /// Finding in `utterance`, named as in the corpus: `observation` is its first tensor that is not
  /// finite.
  package init(
    utterance: String, observation: Inspector.Observation, isInputFinite: Bool,
    areWeightsFinite: Bool
  ) {
    self.utterance = utterance
    self.observation = observation
    self.isInputFinite = isInputFinite
    self.areWeightsFinite = areWeightsFinite
  }

  /// The tensor and its layer, as the log says it: `forward of layers.2.intra (output)`.
  package var place: String {
    switch observation.stage {
    case .input: "input (\(observation.tensor))"
    case .weights: "weights of \(observation.layer) (\(observation.tensor))"
    case .forward, .backward:
      "\(observation.stage.rawValue) of \(observation.layer) (\(observation.tensor))"
    }
  }

  /// How much of the tensor is not finite: `3 NaN and 1 infinite of 7530`.
  package var extent: String {
    let statistics = observation.statistics
    let parts = [
      statistics.nanCount > 0 ? "\(statistics.nanCount) NaN" : nil,
      statistics.infinityCount > 0 ? "\(statistics.infinityCount) infinite" : nil,
    ]
    return parts.compactMap(\.self).joined(separator: " and ") + " of \(statistics.count)"
  }

  /// Whether another is at the same place: the same tensor of the same utterance.
  package func isAtSamePlace(as other: NonFiniteFinding) -> Bool {
    utterance == other.utterance && observation.stage == other.observation.stage
      && observation.layer == other.observation.layer
      && observation.tensor == other.observation.tensor
  }
}

/// Observations of a rank during a skipped step, before anything is computed again.
package struct NonFiniteEvidence: Codable, Equatable, Sendable {
  /// Whether the sum of this rank's own losses is finite.
  package var isOwnLossFinite: Bool
  /// The first parameter, in forward order, whose gradients summed over this rank's items are not
  /// all finite.
  package var ownGradient: String?
  /// The first parameter whose gradients, as means over all ranks, are not all finite.
  package var meanGradient: String?
  /// Whether this rank's terms with the discriminator are finite; nil without a discriminator.
  package var areOwnTermsFinite: Bool?

  /// Evidence of one rank; the gradients are names of parameters, nil if all elements were finite.
  /// Names of the discriminator's begin with its prefix.
  package init(
    isOwnLossFinite: Bool, ownGradient: String?, meanGradient: String?,
    areOwnTermsFinite: Bool? = nil
  ) {
    self.isOwnLossFinite = isOwnLossFinite
    self.ownGradient = ownGradient
    self.meanGradient = meanGradient
    self.areOwnTermsFinite = areOwnTermsFinite
  }

  /// Whether something of this rank's own was not finite.
  package var isOwn: Bool {
    !isOwnLossFinite || ownGradient != nil || areOwnTermsFinite == false
  }

  /// A text of what was not finite on the rank that `owner` names, such as "rank 1's own".
  package func text(owner: String, meanGradient: String?) -> String {
    var parts: [String] = []
    if let meanGradient { parts.append("the mean gradient of \(meanGradient)") }
    if let ownGradient { parts.append("\(owner) gradient sum of \(ownGradient)") }
    if !isOwnLossFinite { parts.append("\(owner) loss") }
    if areOwnTermsFinite == false { parts.append("\(owner) terms with the discriminator") }
    return (parts.isEmpty ? "the gradient norm was" : parts.joined(separator: " and ") + " was")
      + " not finite"
  }

  /// The name of the first parameter with an element in `gradients`, of the arena's layout, that is
  /// not finite.
  static func firstParameter(
    _ parameters: ParameterArena, in gradients: UnsafeMutableBufferPointer<some BinaryFloatingPoint>
  ) -> String? {
    parameters.parameters.first { parameter in
      gradients[parameter.offset..<parameter.offset + parameter.count]
        .contains { !$0.isFinite }
    }?.name
  }
}

/// Findings of one rank about its part of a skipped step.
package struct NonFiniteReport: Codable, Equatable, Sendable {
  /// The rank.
  package var rank: Int
  /// Observations during the step.
  package var evidence: NonFiniteEvidence
  /// Its utterances in that step.
  package var utterances: [String]
  /// The first place in each of them that is not finite throughout.
  package var findings: [NonFiniteFinding]
  /// Why an utterance could not be computed again.
  package var failure: String?

  /// Report of one rank. Without `findings` all was finite when it was computed again, unless a
  /// `failure` says that it could not be.
  package init(
    rank: Int, evidence: NonFiniteEvidence, utterances: [String], findings: [NonFiniteFinding] = [],
    failure: String? = nil
  ) {
    self.rank = rank
    self.evidence = evidence
    self.utterances = utterances
    self.findings = findings
    self.failure = failure
  }
}
