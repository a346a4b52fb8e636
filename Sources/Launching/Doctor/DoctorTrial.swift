import Benchmarks
import Checkpoints
import Communication
import DistTrain
import Foundation
import Loading
import Models
import Platform
import Recipes
import Tensor

/// The trial of a gradient exchange and a few steps on all ranks, which shows whether they work and
/// how fast.
package struct DoctorTrial: Codable, Equatable, Sendable {
  /// Number of bytes that were reduced.
  package let bytes: Int
  /// Median duration of an all-reduce on this rank, in seconds.
  package let exchangeSeconds: Double
  /// Duration of a training step of one utterance of 2 s, without waiting for others, in seconds.
  package let computeSeconds: Double
  /// Duration of such a step with the exchange, in seconds.
  package let stepSeconds: Double

  /// Runs the trial. All ranks call this together.
  ///
  /// - Throws: `DoctorError` if the all-reduce gives a wrong sum.
  package static func run(
    _ model: ModelConfiguration, threads: Int, over communicator: any Communicator
  ) throws -> DoctorTrial {
    let values = UnsafeMutableBufferPointer<Double>.allocate(capacity: 1 << 17)
    defer { values.deallocate() }
    values.initialize(repeating: Double(communicator.rank + 1))
    try communicator.allReduceSum(values)
    let sum = Double(communicator.worldSize * (communicator.worldSize + 1) / 2)
    if values[0] != sum || values[values.count - 1] != sum {
      throw DoctorError.wrongSum(expected: sum, found: values[0])
    }
    var exchange = Samples()
    for _ in 0..<9 {
      values.update(repeating: 1)
      try communicator.barrier()
      let stopwatch = Stopwatch()
      try communicator.allReduceSum(values)
      exchange.add(stopwatch.seconds)
    }

    let configuration = TrainingConfiguration(model: model) {
      $0.batch = 1
      $0.ranks = communicator.worldSize
    }
    let step = try TrainingStep(
      TrainingState(configuration), clip: configuration.clip, over: communicator)
    let frontEnd = model.frontEnd
    let item = TestSignals.pair(
      frontEnd, sampleCount: frontEnd.sampleCount(seconds: 2),
      stream: "doctor \(communicator.rank)")
    let execution = Execution(threads: threads)
    var whole = Samples()
    var compute = Samples()
    for count in 0..<4 {
      try communicator.barrier()
      let stopwatch = Stopwatch()
      let outcome = try step.run(LoadedBatch([item]), learningRate: 1e-4, execution)
      let seconds = stopwatch.seconds
      // The first step allocates memory and lays out weights, so it is not measured.
      if count == 0 { continue }
      whole.add(seconds)
      compute.add(seconds - outcome.exchanged.exposedSeconds)
    }
    return DoctorTrial(
      bytes: values.count * MemoryLayout<Double>.size, exchangeSeconds: exchange.median,
      computeSeconds: compute.median, stepSeconds: whole.median)
  }
}

/// Reasons for which ranks cannot train together.
enum DoctorError: Error, Equatable, CustomStringConvertible {
  /// An all-reduce over the ranks gave a wrong sum.
  case wrongSum(expected: Double, found: Double)

  /// One sentence that says what to do.
  var description: String {
    switch self {
    case .wrongSum(let expected, let found):
      "numbers that all ranks added came out as \(found), not \(expected): this MPI cannot be "
        + "trusted; try another build of it or another transport (--mca btl tcp,self)"
    }
  }
}
