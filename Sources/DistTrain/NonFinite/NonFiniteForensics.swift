import Checkpoints
import Communication
import Files
import Foundation
import Platform
import Recipes
import RunFiles
import Tensor

/// Finds out after a skipped step where its numbers first were not finite, tells the log, and
/// keeps what is needed to see it again.
///
/// A skipped step leaves the weights as they were, and crops are functions of seed, epoch and
/// utterance: so each rank computes its utterances once more, one by one, with an inspector. All
/// exchanges are collective and nothing in between throws, so that no rank waits for ever.
final class NonFiniteForensics {
  private let trainer: Trainer
  private let folder: NonFiniteFolder
  private let log: RunLog
  private let communicator: any Communicator
  /// On rank 0: where the same finding was dumped before, by what makes it the same.
  private var dumped: [String: String] = [:]
  private var lastStep: Int?

  init(
    _ trainer: Trainer, folder: NonFiniteFolder, log: RunLog, over communicator: any Communicator
  ) {
    self.trainer = trainer
    self.folder = folder
    self.log = log
    self.communicator = communicator
  }

  /// After a skipped step of this rank's `items`, taken at `learningRate` in epoch `epoch`. All
  /// ranks call it together.
  func investigate(_ items: [Int], epoch: Int, learningRate: Double) throws {
    // Before anything is computed again: that overwrites what the step has left.
    var report = NonFiniteReport(
      rank: communicator.rank, evidence: trainer.nonFiniteEvidence,
      utterances: trainer.names(items))
    let samples = inspect(items, epoch: epoch, &report)
    let step = trainer.state.progress.step
    let bytes = (try? JSONEncoder().encode(report)) ?? Data()
    let reports = try communicator.gather(Array(bytes), root: 0)?.compactMap {
      try? JSONDecoder().decode(NonFiniteReport.self, from: Data($0))
    }
    let places = try RootDecision(communicator).value { placeDumps(reports ?? [], step: step) }
    var failure = places.failure ?? ""
    if let path = places.paths[String(communicator.rank)] {
      var header = NonFiniteDump.Header(
        kernels: kernels.instructionSet, step: step, epoch: epoch, learningRate: learningRate,
        worldSize: communicator.worldSize, report: report, configuration: trainer.configuration)
      header.discriminator = trainer.duelDecisions.map { .init(decisions: $0) }
      failure = write(header, chosen(samples, report), to: path)
    }
    let failures = try communicator.gather(Array(failure.utf8), root: 0)
    if let reports, let failures {
      tell(
        reports, places, failures.map { String(decoding: $0, as: UTF8.self) }, step: step,
        epoch: epoch)
    }
  }

  /// Computes `items` again and notes what is found; their samples.
  private func inspect(
    _ items: [Int], epoch: Int, _ report: inout NonFiniteReport
  ) -> [NonFiniteDump.Utterance] {
    let inspector = UtteranceInspector(
      trainer.state.model, trainer.configuration.recipe.losses, trainer.execution,
      adversary: trainer.adversarialInspection())
    var all: [NonFiniteDump.Utterance] = []
    for item in items {
      do {
        let utterance = try trainer.samplesAgain(item, epoch: epoch)
        all.append(utterance)
        let inspection = try inspector.inspect(
          utterance.name, noisy: utterance.noisy, clean: utterance.clean,
          judged: utterance.judged)
        if let finding = inspection.finding { report.findings.append(finding) }
      } catch {
        report.failure = ErrorText.sentence(error)
      }
    }
    return all
  }

  /// The samples to keep: of the utterances with a finding, or of all where there is none.
  private func chosen(
    _ samples: [NonFiniteDump.Utterance], _ report: NonFiniteReport
  ) -> [NonFiniteDump.Utterance] {
    if report.findings.isEmpty { return samples }
    let names = Set(report.findings.map(\.utterance))
    return samples.filter { names.contains($0.name) }
  }

  private func write(
    _ header: NonFiniteDump.Header, _ utterances: [NonFiniteDump.Utterance], to path: String
  ) -> String {
    do {
      // A shared file system may show rank 0's new folder late.
      try folder.make()
      let bytes = try NonFiniteDump.serialized(
        header, trainer.state.model, utterances, adversarial: trainer.state.adversarial)
      try AtomicFile.write(bytes, to: URL(fileURLWithPath: path))
      return ""
    } catch {
      return ErrorText.sentence(error)
    }
  }

  /// Which ranks write a dump, and where; decided by rank 0.
  private struct DumpPlaces: Codable {
    /// Path by rank.
    var paths: [String: String] = [:]
    /// For ranks that write none, the earlier dump of an equal finding.
    var earlier: [String: String] = [:]
    /// Whether more dumps were called for than the run folder may get.
    var isLimited = false
    /// Why none can be written.
    var failure: String?
  }

  private func placeDumps(_ reports: [NonFiniteReport], step: Int) -> DumpPlaces {
    // A finding of the computation is the same as before only while nothing was learned between;
    // a bad input stays one.
    if lastStep != step - 1 { dumped = dumped.filter { $0.key.hasPrefix("input") } }
    lastStep = step
    var places = DumpPlaces()
    var room = folder.room
    for report in Self.witnesses(reports) {
      let rank = String(report.rank)
      let key = Self.key(report)
      if let path = dumped[key] {
        places.earlier[rank] = path
      } else if room > 0 {
        room -= 1
        let path = folder.path(step: step, rank: report.rank)
        places.paths[rank] = path
        dumped[key] = path
      } else {
        places.isLimited = folder.limit > 0
      }
    }
    if !places.paths.isEmpty {
      do {
        try folder.make()
      } catch {
        places.failure = ErrorText.sentence(error)
        for path in places.paths.values { forget(path) }
        places.paths = [:]
      }
    }
    return places
  }

  private func forget(_ path: String) { dumped = dumped.filter { $0.value != path } }

  /// The ranks with something to show, lowest first: with a finding; else what was not finite at
  /// the time; else, when neither is any rank's own, the first.
  private static func witnesses(_ reports: [NonFiniteReport]) -> [NonFiniteReport] {
    let found = reports.filter { !$0.findings.isEmpty }
    if !found.isEmpty { return found }
    let own = reports.filter(\.evidence.isOwn)
    return own.isEmpty ? Array(reports.prefix(1)) : own
  }

  private static func key(_ report: NonFiniteReport) -> String {
    guard let finding = report.findings.first else { return "transient \(report.rank)" }
    let seen = finding.observation
    switch seen.stage {
    case .input: return "input \(finding.utterance) \(seen.tensor)"
    case .weights: return "weights \(seen.tensor)"
    case .forward, .backward: return "\(seen.stage.rawValue) \(seen.layer) \(seen.tensor)"
    }
  }

  // MARK: Telling

  /// Lines of different findings in the log at most.
  private static let lineLimit = 4

  private func tell(
    _ reports: [NonFiniteReport], _ places: DumpPlaces, _ failures: [String], step: Int, epoch: Int
  ) {
    let witnesses = Self.witnesses(reports)
    let reduced = reports.first?.evidence.meanGradient
    let counts = Dictionary(grouping: witnesses, by: Self.key).mapValues(\.count)
    var told: Set<String> = []
    for report in witnesses {
      let rank = String(report.rank)
      var path = places.paths[rank]
      if let failure = failures.indices.contains(report.rank) ? failures[report.rank] : nil,
        !failure.isEmpty
      {
        log.warning("no dump of step \(step): \(failure)")
        if let path { forget(path) }
        path = nil
      }
      let key = Self.key(report)
      if told.count < Self.lineLimit, told.insert(key).inserted {
        let others = (counts[key] ?? 1) - 1
        log.line(
          (told.count == 1 ? "" : "also ") + Self.text(report, reduced)
            + (others > 0 ? ", the same on " + NumberText.count(others, "more rank") : "")
            + Self.dumpText(path, places.earlier[rank], places.isLimited, folder.limit))
      }
      log.append(
        .nonFinite(
          .init(
            report, meanGradient: reduced, dump: path ?? places.earlier[rank], step: step,
            epoch: epoch)))
    }
    if counts.count > told.count {
      log.line("and \(counts.count - told.count) more, see metrics.jsonl")
    }
    for report in reports {
      if let failure = report.failure {
        log.warning("rank \(report.rank) could not compute its part again: \(failure)")
      }
    }
  }

  private static func text(_ report: NonFiniteReport, _ reduced: String?) -> String {
    if let finding = report.findings.first {
      let others = report.findings.count - 1
      return "first non-finite: rank \(report.rank), utterance \(finding.utterance), "
        + "\(finding.place), \(finding.extent), weights "
        + "\(finding.areWeightsFinite ? "finite" : "not finite"), input "
        + "\(finding.isInputFinite ? "finite" : "not finite")"
        + (others > 0 ? ", and \(others) more of its utterances" : "")
    }
    return "transient: computed again, all is finite; at the time "
      + report.evidence.text(owner: "rank \(report.rank)'s own", meanGradient: reduced)
  }

  private static func dumpText(
    _ path: String?, _ earlier: String?, _ isLimited: Bool, _ limit: Int
  ) -> String {
    if let path { return "; dump: \(path); see it again with: disttrain replay \(path)" }
    if let earlier { return "; the same is in the dump \(earlier)" }
    return isLimited ? "; no dump: the run folder has \(limit) already" : ""
  }
}

extension RunEvent.NonFinite {
  /// The event of a rank's `report` on the step numbered `step`; `meanGradient` is the first
  /// parameter whose mean over all ranks was not finite.
  fileprivate init(
    _ report: NonFiniteReport, meanGradient: String?, dump: String?, step: Int, epoch: Int
  ) {
    self.init()
    self.step = step
    self.epoch = epoch
    rank = report.rank
    isTransient = report.findings.isEmpty
    if let finding = report.findings.first {
      let seen = finding.observation
      utterance = finding.utterance
      (stage, layer, tensor) = (seen.stage.rawValue, seen.layer, seen.tensor)
      (nan, infinite) = (seen.statistics.nanCount, seen.statistics.infinityCount)
      areWeightsFinite = finding.areWeightsFinite
      isInputFinite = finding.isInputFinite
    }
    utterances = report.findings.map(\.utterance)
    isOwnLossFinite =
      report.evidence.isOwnLossFinite && report.evidence.areOwnTermsFinite != false
    ownGradient = report.evidence.ownGradient
    self.meanGradient = meanGradient
    self.dump = dump
  }
}
