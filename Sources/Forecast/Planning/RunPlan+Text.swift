import Foundation
import Platform

/// The format of numbers in plans.
enum PlanText {
  /// A number of bytes in gigabytes of 10⁹ bytes.
  static func gigabytes(_ bytes: Int) -> String { String(format: "%.1f GB", Double(bytes) / 1e9) }

  /// An integer with its digits grouped, such as "2,877,704".
  static func thousands(_ number: Int) -> String {
    var groups: [String] = []
    var rest = number
    while rest >= 1000 {
      groups.insert(String(format: "%03d", rest % 1000), at: 0)
      rest /= 1000
    }
    return ([String(rest)] + groups).joined(separator: ",")
  }

  /// A duration in seconds, minutes or hours, with three significant digits.
  static func time(_ seconds: Double) -> String {
    switch seconds {
    case 7200...: "\(NumberText.figures(seconds / 3600)) h"
    case 120..<7200: "\(NumberText.figures(seconds / 60)) min"
    default: "\(NumberText.figures(seconds)) s"
    }
  }
}

extension RunPlan: CustomStringConvertible {
  /// The plan as text, one line per figure, warnings last.
  package var description: String {
    let lines: [(String, String)] = [
      ("model", "\(preset), \(PlanText.thousands(parameterCount)) parameters"),
      ("ranks", ranksText), ("network", "\(network)"),
      ("measured", measuredText), ("", ""),
      ("memory", memoryText), ("of a node", nodeText), ("", ""),
      ("corpus", corpusText), ("batch", batchText), ("steps", stepsText), ("", ""),
      ("step", stepText), ("epoch", epochText), ("run", runText), ("efficiency", efficiencyText),
    ]
    let text = lines.map { name, text in
      name.isEmpty ? "" : name.padding(toLength: 12, withPad: " ", startingAt: 0) + text
    }
    let remarks = warnings.map { "warning: \($0)" }
    return (text + [""] + (remarks.isEmpty ? ["nothing speaks against it"] : remarks))
      .joined(separator: "\n")
  }

  private var ranksText: String {
    let text = NumberText.self
    return "\(ranks): \(text.count(nodes, "node")) with \(text.count(ranksPerNode, "rank")) of "
      + text.count(threads, "thread")
  }

  private var measuredText: String {
    "\(calibration), \(processor); computing deviates by \(NumberText.percent(jitter)) between "
      + "ranks"
  }

  private var memoryText: String {
    let megabytes = NumberText.megabytes
    let utterances = NumberText.count(memory.utterancesSideBySide, "utterance")
    let parts: [(name: String, bytes: Int)] = [
      ("weights", memory.weights), ("gradients", memory.gradients), ("moments", memory.moments),
      ("sums", memory.sums), ("on the wire", memory.wire), ("averaged weights", memory.average),
      ("activations of \(utterances)\(recompute ? " with --recompute" : "")", memory.activations),
      ("program and audio", memory.program),
    ]
    let known = parts.filter { $0.bytes > 0 }.map { "\($0.name) \(megabytes($0.bytes))" }
    return "\(megabytes(memory.rankBytes)) a rank: \(known.joined(separator: ", "))"
  }

  private var nodeText: String {
    "\(PlanText.gigabytes(memory.nodeBytes)) of \(PlanText.gigabytes(memoryPerNode))"
      + (isMemoryOfThisMachine ? ", which this machine has" : "")
  }

  private var corpusText: String {
    "\(PlanText.thousands(corpus.trainingUtterances)) training "
      + NumberText.agree(corpus.trainingUtterances, "utterance, ", "utterances, ")
      + "\(PlanText.thousands(corpus.validationUtterances)) for validation of "
      + "\(NumberText.figures(corpus.validationUtteranceSeconds)) s"
  }

  private var batchText: String {
    let accumulated = accumulate == 1 ? "" : " x \(accumulate) accumulated"
    return "\(NumberText.count(globalBatch, "utterance")) a step: \(batch)\(accumulated) x "
      + NumberText.count(ranks, "rank")
  }

  private var stepsText: String {
    "\(PlanText.thousands(stepsPerEpoch)) an epoch, the last with "
      + "\(NumberText.count(lastStepUtterances, "utterance")); "
      + "\(PlanText.thousands(stepsPerEpoch * epochs)) in "
      + NumberText.count(epochs, "epoch")
  }

  private var stepText: String {
    let parts: [(name: String, seconds: Double)] = [
      ("computing", step.compute + step.optimizer), ("sharing cores", step.sharing),
      ("waiting for the slowest rank", step.jitter), ("moving messages", step.progress),
      ("exposed communication", step.exposed),
    ]
    let known = parts.filter { $0.seconds > 0 }.map {
      "\($0.name) \(NumberText.figures($0.seconds))"
    }
    return "\(NumberText.figures(stepSeconds)) s: \(known.joined(separator: ", ")); "
      + "\(NumberText.figures(audioSecondsPerSecond)) s of audio a second"
  }

  private var epochText: String {
    "\(PlanText.time(epochSeconds)): training \(PlanText.time(trainingSeconds)), validation "
      + "\(PlanText.time(validationSeconds)), checkpoints \(PlanText.time(checkpointSeconds))"
  }

  private var runText: String {
    let ends = wallTime.map { " of \(TimeSpan.text($0))" } ?? ""
    return "\(PlanText.time(runSeconds)), \(NumberText.figures(coreHours)) core hours: "
      + "\(NumberText.count(jobs, "job"))\(ends)"
  }

  private var efficiencyText: String {
    let percent = NumberText.percent
    let loss =
      mainLoss == .none
      ? "" : "; most is lost to \(mainLoss.rawValue): \(percent(mainLossShare)) of an epoch"
    return "\(percent(weakEfficiency)) of one rank with as many utterances of its own, "
      + "\(percent(strongEfficiency)) of one rank with the whole batch\(loss)"
  }
}
