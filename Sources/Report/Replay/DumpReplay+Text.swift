import DistTrain
import Files
import Foundation
import Recipes
import Tensor

extension DumpReplay {
  /// The report: what the dump is of, a table for each utterance, and the comparison.
  package var text: String {
    let header = dump.header
    var lines = [
      "\(dump.path): rank \(header.report.rank) of \(header.worldSize), step \(header.step) in "
        + "epoch \(header.epoch), model \(header.configuration.model.name), learning rate "
        + "\(header.learningRate), \(header.program), \(header.kernels) kernels"
    ]
    if lacksDiscriminator {
      lines.append(
        "the recipe has a discriminator, and the dump has none: only the model is computed again")
    }
    for inspection in inspections { lines += ["", section(inspection)] }
    lines += ["", conclusion]
    return lines.joined(separator: "\n")
  }

  private func section(_ inspection: UtteranceInspection) -> String {
    let finding = inspection.finding
    let first = finding.map { "\($0.place), \($0.extent)" } ?? "nothing, all is finite"
    var lines = [
      "utterance \(inspection.name): loss \(Self.number(Double(inspection.loss))), gradient norm "
        + Self.number(inspection.gradientNorm),
      "first non-finite: \(first)",
    ]
    if let recorded = recorded(inspection) {
      let isSame = finding.map { $0.isAtSamePlace(as: recorded) } ?? false
      lines.append(
        isSame
          ? "as recorded" + (finding == recorded ? "" : ", there \(recorded.extent)")
          : "recorded was: \(recorded.place), \(recorded.extent)")
    }
    return (lines + [table(inspection)]).joined(separator: "\n")
  }

  /// Largest finite magnitudes by layer, in the order of forward.
  private func table(_ inspection: UtteranceInspection) -> String {
    var rows = [["layer", "weights", "output", "output gradient", "weight gradients"]]
    let observations = inspection.observations
    for seen in observations where seen.stage == .input {
      rows.append([seen.tensor, "", Self.cell(seen.statistics), "", ""])
    }
    for output in observations where output.stage == .forward {
      let layer = output.layer
      // Layers of a discriminator have rows for each of its passes, and weights in common.
      let owner = layer.replacing(#/\[\w+\]/#, with: "")
      let weights = observations.filter { $0.stage == .weights && $0.layer == owner }
      let upstream = observations.filter { $0.tensor == "gradient of the output of \(layer)" }
      let gradients = observations.filter {
        $0.stage == .backward && $0.layer == layer && $0.tensor.hasPrefix("gradient of ")
          && !$0.tensor.hasPrefix("gradient of the output of ")
      }
      rows.append(
        [layer]
          + [weights, [output], upstream, gradients].map { $0.isEmpty ? "" : Self.cell($0) })
    }
    return TextTable(rows).aligned
  }

  private var conclusion: String {
    let recorded = dump.header.report.findings
    switch verdict {
    case .same: return "what was recorded came again"
    case .transient:
      let evidence = dump.header.report.evidence
      return "the fault was transient: computed again, all was finite, and is so here; at the time "
        + evidence.text(owner: "this rank's own", meanGradient: evidence.meanGradient)
    case .other:
      return recorded.isEmpty
        ? "recorded was a transient fault, all finite when computed again; here it is not"
        : "what was recorded did not come again"
    }
  }

  private static func cell(_ observations: [Inspector.Observation]) -> String {
    var all = TensorStatistics()
    for seen in observations { all.merge(seen.statistics) }
    return cell(all)
  }

  private static func cell(_ statistics: TensorStatistics) -> String {
    if statistics.nanCount == statistics.count { return "all NaN" }
    var text = String(format: "%.3g", Double(statistics.largest))
    if statistics.nanCount > 0 { text += ", \(statistics.nanCount) NaN" }
    if statistics.infinityCount > 0 { text += ", \(statistics.infinityCount) Inf" }
    return text
  }

  private static func number(_ value: Double) -> String {
    if value.isNaN { return "nan" }
    return value.isFinite ? String(format: "%.6g", value) : "\(value)"
  }
}
