import Adversarial
import Files
import Foundation
import Tensor

/// Computes the utterances of a dump again and compares with what was recorded.
package struct DumpReplay {
  /// Result of a replay.
  package enum Verdict: Equatable, Sendable {
    /// Every recorded finding came again at the same place.
    case same
    /// Another finding, or none, where one was recorded.
    case other
    /// None was recorded, since the fault did not come again at the time, and none came now.
    case transient
  }

  /// The dump.
  package let dump: NonFiniteDump
  /// Its utterances, computed again, in the dump's order.
  package let inspections: [UtteranceInspection]

  /// Computes the utterances of `dump`, or only the one called `name`.
  package init(_ dump: NonFiniteDump, utterance name: String? = nil) throws {
    let chosen = dump.utterances.filter { name == nil || $0.name == name }
    if let name, chosen.isEmpty {
      throw NonFiniteDumpError.noUtterance(
        path: dump.path, name: name, names: dump.utterances.map(\.name))
    }
    let inspector = UtteranceInspector(
      try dump.model(), dump.header.configuration.recipe.losses,
      adversary: try dump.adversarialInspection())
    self.dump = dump
    inspections = try chosen.map {
      try inspector.inspect($0.name, noisy: $0.noisy, clean: $0.clean, judged: $0.judged)
    }
  }

  /// Whether the recipe has a discriminator that is not in the dump.
  package var lacksDiscriminator: Bool {
    dump.header.configuration.adversary != nil && dump.header.discriminator == nil
  }

  /// How the findings compare with those recorded.
  package var verdict: Verdict {
    if dump.header.report.findings.isEmpty {
      return inspections.allSatisfy { $0.finding == nil } ? .transient : .other
    }
    return inspections.allSatisfy(isAsRecorded) ? .same : .other
  }

  private func isAsRecorded(_ inspection: UtteranceInspection) -> Bool {
    guard let recorded = recorded(inspection), let finding = inspection.finding else {
      return recorded(inspection) == nil && inspection.finding == nil
    }
    return finding.isAtSamePlace(as: recorded)
  }

  /// The finding that was recorded of the same utterance; nil if none was.
  package func recorded(_ inspection: UtteranceInspection) -> NonFiniteFinding? {
    dump.header.report.findings.first { $0.utterance == inspection.name }
  }
}
