import Files
import Foundation
import Tensor

extension ReportRun {
  /// Time of the finished epochs in seconds: computing, waiting for gradients, waiting for audio,
  /// validation, checkpoints and the rest.
  var timeParts: [Double] {
    let epochs = timeline.epochs
    // Version 0.1.0 does not tell where epochs end: there all steps count as those of finished
    // ones.
    let last = timeline.lastStep(ofEpoch: timeline.finishedEpochs) ?? .max
    let steps = timeline.steps.prefix { $0.step <= last }
    let exchange = steps.reduce(0) { $0 + $1.exposedSeconds }
    let data = steps.reduce(0) { $0 + $1.dataSeconds }
    // The busy time of rank 0 contains loading.
    let computing = max(0, steps.reduce(0) { $0 + $1.busySeconds } - data)
    let validation = epochs.reduce(0) { $0 + ($1.report.validationSeconds ?? 0) }
    let saving = timeline.checkpoints.reduce(0) { $0 + ($1.step <= last ? $1.seconds : 0) }
    let known = [computing, exchange, data, validation, saving]
    let whole = epochs.reduce(0) { $0 + $1.report.seconds }
    return known + [max(0, whole - known.reduce(0, +))]
  }

  /// The settings in `configuration.json` and in the event of the last start, by keys with dots.
  package var settings: [String: String] {
    var flat: [String: String] = [:]
    func add(_ key: String, _ value: JSONValue) {
      guard case .object(let members) = value else {
        flat[key] = value.string ?? value.description
        return
      }
      for (name, member) in members { add(key.isEmpty ? name : "\(key).\(name)", member) }
    }
    if let json = try? summary.configuration.json(),
      let value = try? JSONValue(parsing: json.utf8)
    {
      add("", value)
    }
    let start = timeline.lastStart
    flat["(last start) data"] = start?.data
    flat["(last start) ranks"] = start?.ranks.map { "\($0)" }
    flat["(last start) program"] = start?.program
    flat["(last start) kernels"] = start?.kernels
    return flat
  }
}
