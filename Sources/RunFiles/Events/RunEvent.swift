import Platform

extension RunEvents {
  /// A line of the file, with the keys of every kind of event that the report reads.
  package struct Event: Decodable {
    let event: String
    let time: String?
    let step: Int?
    let epoch: Int?
    let loss: Double?
    let skipped: Bool?
    let seconds: Double?
    let validationSeconds: Double?
    let dataSeconds: Double?
    let busySeconds: Double?
    let exposedSeconds: Double?
    let audioRate: Double?
    // start, stop
    let ranks: Int?
    let data: String?
    let program: String?
    let kernels: String?
    let reason: String?
    // rollback, fallback
    let fromStep: Int?
    let rateFactor: Double?
    let rollback: Int?
    let limit: Int?
    let checkpoint: String?
    let file: String?
    // nonfinite
    let rank: Int?
    let transient: Bool?
    let utterance: String?
    let stage: String?
    let layer: String?
    let tensor: String?
    let nan: Int?
    let infinite: Int?
    let inputFinite: Bool?
    let weightsFinite: Bool?
    let dump: String?
    // waiting
    let host: String?
    let stepsLast: Int?
    let steps: Int?
    let waitedSeconds: Double?
    // diverged
    let skippedSteps: Int?

    private enum CodingKeys: String, CodingKey {
      case event, time, step, epoch, loss, skipped, seconds, ranks, data, program, kernels, reason
      case rollback, limit, checkpoint, file, rank, transient, utterance, stage, layer, tensor, nan
      case infinite, dump, host, steps
      case validationSeconds = "validation_seconds"
      case dataSeconds = "data_seconds"
      case busySeconds = "busy_seconds"
      case exposedSeconds = "exposed_exchange_seconds"
      case audioRate = "audio_seconds_per_second"
      case fromStep = "from_step"
      case rateFactor = "rate_factor"
      case inputFinite = "input_finite"
      case weightsFinite = "weights_finite"
      case stepsLast = "steps_last"
      case waitedSeconds = "waited_seconds"
      case skippedSteps = "skipped_steps"
    }

    /// A sentence about the event for a reader of the report; nil for regular events. `startCount`
    /// is the number of starts so far, this one included.
    func incident(startCount: Int) -> String? {
      let place = "step \(step ?? 0)"
      switch event {
      case "start" where startCount > 1:
        return "started again after \(place), on \(NumberText.count(ranks ?? 1, "rank"))"
      case "stop": return "stopped after \(place): \(reason ?? "no reason given")"
      case "rollback":
        return "went back from step \(fromStep ?? 0) to \(place)"
          + (checkpoint == nil ? ", the initial weights" : "")
          + ", learning rate × \(rateFactor ?? 1)"
          + " (rollback \(rollback ?? 0) of \(limit ?? 0))"
      case "diverged":
        return "gave up at \(place): \(skippedSteps ?? 0) steps were skipped in all"
      case "fallback":
        return "\(file ?? "a checkpoint") could not be used (\(reason ?? "damaged")); "
          + "went on from \(place)"
      case "nonfinite": return nonFinite
      default: return nil
      }
    }

    private var nonFinite: String {
      let place = "step \(step ?? 0) skipped: rank \(rank ?? 0)"
      if transient ?? false { return "\(place), not finite once and finite when computed again" }
      let what = [layer, tensor].compactMap { $0 }.joined(separator: ", ")
      return "\(place), utterance \(utterance ?? "unknown"), first in \(what.isEmpty ? "?" : what)"
        + (stage.map { " (\($0))" } ?? "") + ": \(nan ?? 0) NaN, \(infinite ?? 0) infinite"
        + ((inputFinite ?? true) ? "" : "; the input is not finite")
        + ((weightsFinite ?? true) ? "" : "; the weights are not finite")
        + (dump.map { "; dump \($0)" } ?? "")
    }
  }
}
