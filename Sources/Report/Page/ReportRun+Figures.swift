import Files
import Foundation
import Tensor

extension ReportRun {
  /// Time of the finished epochs in seconds: computing, waiting for gradients, waiting for audio,
  /// validation, checkpoints and the rest.
  var timeParts: [Double] {
    let epochs = events.epochs
    let steps = events.finishedSteps
    let exchange = steps.reduce(0) { $0 + $1.exposedSeconds }
    let data = steps.reduce(0) { $0 + $1.dataSeconds }
    // The busy time of rank 0 contains loading.
    let computing = max(0, steps.reduce(0) { $0 + $1.busySeconds } - data)
    let validation = epochs.reduce(0) { $0 + $1.validationSeconds }
    let known = [computing, exchange, data, validation, events.finishedCheckpointSeconds]
    let whole = epochs.reduce(0) { $0 + $1.seconds }
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
    flat["(last start) data"] = events.data
    flat["(last start) ranks"] = events.ranks.map { "\($0)" }
    flat["(last start) program"] = events.program
    flat["(last start) kernels"] = events.kernels
    return flat
  }
}
