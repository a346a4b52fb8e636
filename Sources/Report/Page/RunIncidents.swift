import Foundation
import Platform
import RunFiles

/// The events of a run that a reader of its curves should know, in sentences.
struct RunIncidents {
  /// A sentence about an event.
  struct Incident {
    /// A word for its kind.
    let kind: String
    let text: String
  }

  private(set) var all: [Incident] = []
  private static let slowData = "slow data"
  private static let leftOut = "left out"
  private static let unlabelled = "no label"

  /// Takes up `event`, which `timeline` holds already.
  mutating func add(_ event: RunEvent, _ timeline: RunTimeline) {
    switch event {
    case .start(let start) where timeline.startCount > 1:
      let ranks = NumberText.count(start.ranks ?? 1, "rank")
      note("restart", "started again after step \(start.step), on \(ranks)")
    case .stop(let stop): note("stop", "stopped after step \(stop.step): \(stop.reason)")
    case .rollback(let rollback):
      note(
        "rollback",
        "went back from step \(rollback.fromStep) to step \(rollback.step)"
          + (rollback.checkpoint == nil ? ", the initial weights" : "")
          + ", learning rate × \(rollback.rateFactor)"
          + " (rollback \(rollback.rollback) of \(rollback.limit))")
    case .diverged(let end):
      let steps = NumberText.count(end.skippedSteps, "step")
      let were = NumberText.agree(end.skippedSteps, "was", "were")
      note("diverged", "gave up at step \(end.step): \(steps) \(were) skipped in all")
    case .fallback(let fallback):
      note(
        "fallback",
        "\(fallback.file) could not be used (\(fallback.reason)); went on from step "
          + "\(fallback.step)")
    case .nonFinite(let report): note("skipped", Self.text(report))
    case .waiting(let waiting):
      // The steps that were measured are the last ones.
      let seconds = timeline.steps.suffix(waiting.report.steps)
        .reduce(0) { $0 + $1.busySeconds + $1.exposedSeconds }
      if let text = waiting.report.text(host: waiting.host, seconds: seconds) {
        note("waiting", "after step \(waiting.step): \(text)")
      }
    case .epoch(let epoch):
      guard let warning = epoch.dataWait.warning(epoch: epoch.report.epoch) else { return }
      // One line for all: the last, since first epochs fill caches.
      all.removeAll { $0.kind == Self.slowData }
      let before = timeline.epochs.count { $0.isSlowedByData } - 1
      let epochs = NumberText.count(before, "epoch")
      note(Self.slowData, warning + (before > 0 ? " (and \(epochs) before it)" : ""))
    case .leftOut(let report):
      // One line for all: a damaged file is met once an epoch.
      all.removeAll { $0.kind == Self.leftOut }
      note(
        Self.leftOut,
        NumberText.count(report.cropCount, "crop") + " could not be loaded, last in step "
          + "\(report.step): \(report.reasons.joined(separator: "; "))")
    case .unlabelled(let report):
      // One line for all: a crop in a pause is met again and again.
      all.removeAll { $0.kind == Self.unlabelled }
      let last = zip(report.utterances, report.reasons).map { "\($0): \($1)" }
      note(
        Self.unlabelled,
        NumberText.count(report.cropCount, "crop") + " had no PESQ for the discriminator, last in "
          + "step \(report.step): \(last.joined(separator: "; "))")
    case .start, .step, .checkpoint, .discriminator: break
    }
  }

  private mutating func note(_ kind: String, _ text: String) {
    all.append(Incident(kind: kind, text: text))
  }

  private static func text(_ report: RunEvent.NonFinite) -> String {
    let place = "step \(report.step) skipped: rank \(report.rank)"
    if report.isTransient { return "\(place), not finite once and finite when computed again" }
    let tensor = [report.layer, report.tensor].compactMap { $0 }.joined(separator: ", ")
    return "\(place), utterance \(report.utterance ?? "unknown"), first in "
      + (tensor.isEmpty ? "?" : tensor) + (report.stage.map { " (\($0))" } ?? "")
      + ": \(report.nan) NaN, \(report.infinite) infinite"
      + (report.isInputFinite ? "" : "; the input is not finite")
      + (report.areWeightsFinite ? "" : "; the weights are not finite")
      + (report.dump.map { "; dump \($0)" } ?? "")
  }
}

extension RunEvent.Epoch {
  /// The time that the steps of the epoch waited for training audio.
  fileprivate var dataWait: DataWait {
    DataWait(
      seconds: dataSeconds ?? 0,
      trainingSeconds: max(0, report.seconds - (report.validationSeconds ?? 0)))
  }

  fileprivate var isSlowedByData: Bool { dataWait.warning(epoch: report.epoch) != nil }
}
