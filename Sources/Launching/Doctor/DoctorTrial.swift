import Benchmarks
import Communication
import DistTrain
import Foundation
import Models
import Platform
import Tensor

/// One exchange and a few steps, on all ranks, to see that they work and how fast.
package struct DoctorTrial: Codable, Equatable, Sendable {
  /// Bytes that were reduced.
  package let bytes: Int
  /// Median seconds of an all-reduce, as seen by this rank.
  package let exchangeSeconds: Double
  /// Seconds of a training step of one utterance of 2 s, without waiting for others.
  package let computeSeconds: Double
  /// Those with the exchange.
  package let stepSeconds: Double

  /// Runs them. All ranks call it together.
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
    let item = TestSignals.pair(sampleCount: 32_000, stream: "doctor \(communicator.rank)")
    let execution = Execution(threads: threads)
    var whole = Samples()
    var compute = Samples()
    for count in 0..<4 {
      try communicator.barrier()
      let stopwatch = Stopwatch()
      let outcome = try step.run(LoadedBatch([item]), learningRate: 1e-4, execution)
      let seconds = stopwatch.seconds
      // The first lays out memory and weights.
      if count == 0 { continue }
      whole.add(seconds)
      compute.add(seconds - outcome.exchanged.exposedSeconds)
    }
    return DoctorTrial(
      bytes: values.count * MemoryLayout<Double>.size, exchangeSeconds: exchange.median,
      computeSeconds: compute.median, stepSeconds: whole.median)
  }
}

/// Why ranks cannot train together.
enum DoctorError: Error, Equatable, CustomStringConvertible {
  /// Numbers added over the ranks came out wrong.
  case wrongSum(expected: Double, found: Double)

  /// One sentence saying what to do.
  var description: String {
    switch self {
    case .wrongSum(let expected, let found):
      "numbers that all ranks added came out as \(found), not \(expected): this MPI cannot be "
        + "trusted; try another build of it or another transport (--mca btl tcp,self)"
    }
  }
}
