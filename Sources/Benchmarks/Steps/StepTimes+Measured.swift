import Communication
import DistTrain
import Forecast
import Foundation
import Loading
import Models
import Platform
import Tensor

extension StepTimes {
  /// Times of a step of items in memory, which took `seconds` in all.
  init(_ outcome: TrainingStep.Outcome, seconds: Double) {
    let exposed = outcome.exchanged.exposedSeconds
    let reduced = min(outcome.reducedSeconds, seconds)
    self.init(
      data: 0, compute: max(0, reduced - exposed), exposed: exposed, rest: seconds - reduced)
  }

  /// Gathers the steps of every rank, by rank, on all ranks.
  static func ofAllRanks(
    _ own: [StepTimes], over communicator: any Communicator
  ) throws(CommunicationError) -> [[StepTimes]] {
    var all = Array(repeating: [StepTimes](), count: communicator.worldSize)
    func gather(_ seconds: Double) throws(CommunicationError) -> [Double] {
      try communicator.allGather(seconds.bitPattern).map(Double.init(bitPattern:))
    }
    for step in own {
      let data = try gather(step.data)
      let compute = try gather(step.compute)
      let exposed = try gather(step.exposed)
      let rest = try gather(step.rest)
      for rank in all.indices {
        all[rank].append(
          StepTimes(
            data: data[rank], compute: compute[rank], exposed: exposed[rank], rest: rest[rank]))
      }
    }
    return all
  }
}

extension Profile {
  /// Share of forward passes in the time of forward and backward; a third without measurements.
  var forwardShare: Double {
    var forward = 0.0
    var backward = 0.0
    let others: [Part] = [.loading, .exchange, .clip, .adam, .labels]
    for part in Part.allCases where !others.contains(part) {
      forward += self[part, .forward].seconds
      backward += self[part, .backward].seconds + self[part, .recompute].seconds
    }
    return forward + backward > 0 ? forward / (forward + backward) : 1.0 / 3
  }
}

extension Readiness {
  /// Measures the times at which the gradients of `model` become final in the backward pass of
  /// `item`.
  package static func measure(
    _ model: SpeechEnhancer, _ item: BatchItem, _ execution: Execution
  ) -> [Readiness] {
    let tape = Tape(execution)
    let enhanced = model(item.noisy, tape)
    _ = spectralLoss(enhanced, item.clean, tape)
    let stopwatch = Stopwatch()
    var moments: [(from: Int, seconds: Double)] = []
    while let boundary = tape.backwardStep() {
      let seconds = stopwatch.seconds
      if let last = moments.last, last.from == boundary {
        // No further gradient is final, unless backward ends here.
        continue
      }
      moments.append((boundary, seconds))
    }
    let all = stopwatch.seconds
    model.parameters.zeroGradients()
    return moments.map { Readiness(from: $0.from, fraction: min(1, $0.seconds / all)) }
  }
}
