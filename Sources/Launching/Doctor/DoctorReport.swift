import Files
import Foundation
import Platform

/// The report that `doctor` prints.
package struct DoctorReport {
  package let launcher: String
  package let mpi: String?
  package let preset: String
  package let surveys: [RankSurvey]
  package let trials: [DoctorTrial]
  package let findings: [DoctorFinding]

  /// Report of the ranks' `surveys` and `trials`, both by rank; `mpi` names the library, nil
  /// without a launcher.
  package init(
    launcher: String, mpi: String?, preset: String, surveys: [RankSurvey], trials: [DoctorTrial],
    findings: [DoctorFinding]
  ) {
    self.launcher = launcher
    self.mpi = mpi
    self.preset = preset
    self.surveys = surveys
    self.trials = trials
    self.findings = findings
  }

  /// Factor over the median computing time from which on a rank counts as slow.
  package static let slowFactor = 1.15

  /// Findings of the trial: ranks that make the others wait.
  package static func slowRanks(_ surveys: [RankSurvey], _ trials: [DoctorTrial]) -> [DoctorFinding]
  {
    let sorted = trials.map(\.computeSeconds).sorted()
    guard sorted.count > 1 else { return [] }
    let median = sorted[(sorted.count - 1) / 2]
    return zip(surveys, trials).compactMap { survey, trial in
      guard trial.computeSeconds > slowFactor * median else { return nil }
      return DoctorFinding(
        weight: .problem,
        text: String(
          format: "%@: rank %d computes a step in %.2f s, the median rank in %.2f s: all wait for "
            + "it; look what else runs there", survey.host, survey.rank, trial.computeSeconds,
          median))
    }
  }

  /// The report as text.
  package var text: String {
    let hosts = Dictionary(grouping: surveys, by: \.host)
    var lines = [
      surveys[0].program,
      "launcher   \(launcher)",
      "MPI        \(mpi ?? "not started: one process without a launcher")",
      "transport  \(transport)",
      "ranks      \(surveys.count) on \(NumberText.count(hosts.count, "host"))",
      "kernels    \(Set(surveys.map(\.instructionSet)).sorted().joined(separator: ", ")); OpenBLAS "
        + "(for comparison) \(Set(surveys.map(\.openBLASCore)).sorted().joined(separator: ", "))",
      "", table.aligned, "",
    ]
    if let trial = trials.first {
      let slowest = trials.map(\.exchangeSeconds).max() ?? 0
      lines.append(
        surveys.count == 1
          ? "all-reduce one rank alone: nothing to exchange"
          : String(
            format: "all-reduce %.1f MB in %.3f ms, right on all ranks: %.2f GB/s",
            Double(trial.bytes) / 1e6, slowest * 1e3, Double(trial.bytes) / slowest / 1e9))
      lines.append(
        String(
          format: "step       %@, one utterance of 2 s a rank: %.3f s, %.3f to %.3f s of it "
            + "computing", preset, trials.map(\.stepSeconds).max() ?? 0,
          trials.map(\.computeSeconds).min() ?? 0, trials.map(\.computeSeconds).max() ?? 0))
    }
    lines.append("")
    lines += findings.map { "\($0.weight.rawValue): \($0.text)" }
    if findings.isEmpty { lines.append("nothing to change") }
    return lines.joined(separator: "\n")
  }

  private var transport: String {
    if mpi == nil { return "none" }
    let ways = Set(surveys.compactMap(\.transport)).sorted()
    return ways.isEmpty ? "as MPI chooses; it does not show" : ways.joined(separator: "; ")
  }

  private var table: TextTable {
    var rows = [
      [
        "rank", "host", "process", "may use", "of", "threads", "memory", "/dev/shm", "data",
        "step s",
      ]
    ]
    func size(_ bytes: Int?) -> String { bytes.map { NumberText.megabytes($0) } ?? "?" }
    for (index, survey) in surveys.enumerated() {
      rows.append([
        "\(survey.rank)", survey.host, "\(survey.process)", survey.processorList,
        "\(survey.hostProcessors)", "\(survey.threads)", size(survey.availableMemory),
        size(survey.sharedMemory), survey.dataFileSystem ?? "-",
        index < trials.count ? String(format: "%.3f", trials[index].computeSeconds) : "-",
      ])
    }
    return TextTable(rows)
  }
}
