import Communication
import Forecast
import Foundation
import KernelAPI
import Platform
import Tensor

/// Measures the duration of all-reduces over the ranks, by the exchange that training uses and by
/// MPI's own all-reduce.
package struct AllReduceBenchmark {
  /// Sizes of the shortest and the longest buffer, in bytes on the wire.
  package let sizes: ClosedRange<Int>
  package let wire: WireFormat
  package let bucketBytes: Int
  /// Number of timed all-reduces of each size; nil for as many as `secondsPerSize` allows.
  package let iterations: Int?
  /// Approximate time for all iterations of a size.
  package let secondsPerSize: Double

  /// Benchmark of buffers of `sizes` bytes, each twice as long as the one before. The exchange
  /// sends `bucketBytes` at a time; each size gets `iterations`, or about `secondsPerSize` of
  /// wall-clock time.
  package init(
    sizes: ClosedRange<Int>, wire: WireFormat, bucketBytes: Int, iterations: Int?,
    secondsPerSize: Double
  ) {
    self.sizes = sizes
    self.wire = wire
    self.bucketBytes = bucketBytes
    self.iterations = iterations
    self.secondsPerSize = secondsPerSize
  }

  /// Measures the figures, which are equal on all ranks. All ranks call this together.
  package func run(over communicator: any Communicator) throws -> AllReduceFigures {
    guard communicator.worldSize > 1 else { throw ScalingError.alone }
    let perHost = Int(try communicator.allReduceMax(Int64(communicator.hostSize)))
    let layout = RankLayout(ranks: communicator.worldSize, perHost: perHost)
    var rows: [AllReduceFigures.Row] = []
    for algorithm in [AllReduceFigures.exchange, AllReduceFigures.plain] {
      let isPlain = algorithm == AllReduceFigures.plain
      for count in counts(elementBytes: isPlain ? 8 : wire.byteCount) {
        let reducer =
          isPlain
          ? PlainReducer(count: count, communicator) as any Reducer
          : ExchangeReducer(
            count: count, wire: wire, bucketBytes: bucketBytes, communicator) as any Reducer
        rows.append(try measure(reducer, algorithm, count, communicator))
      }
    }
    let longest = rows.last { $0.algorithm == AllReduceFigures.exchange }
    return AllReduceFigures(
      layout: layout, wire: wire, bucketBytes: bucketBytes, rows: rows,
      processorSecondsPerByte: try measureProcessor(
        bytes: longest?.bytes ?? 0, seconds: longest?.maximumSeconds ?? 0, communicator))
  }

  /// Numbers of elements of the buffers, each with twice the bytes of the one before.
  private func counts(elementBytes: Int) -> [Int] {
    var counts: [Int] = []
    var bytes = sizes.lowerBound
    while bytes <= sizes.upperBound {
      let count = max(1, bytes / elementBytes)
      if counts.last != count { counts.append(count) }
      bytes *= 2
    }
    return counts
  }

  /// Time that computing loses per byte which its rank sends or receives meanwhile, in seconds; the
  /// mean over the ranks.
  ///
  /// Multiply-adds that touch no memory run with and without an exchange that ends before they do.
  private func measureProcessor(
    bytes: Int, seconds: Double, _ communicator: any Communicator
  ) throws -> Double {
    let reducer = ExchangeReducer(
      count: max(1, bytes / wire.byteCount), wire: wire, bucketBytes: bucketBytes, communicator)
    func compute(_ calls: Int) -> Double {
      secondsTaken {
        for _ in 0..<calls { _ = kernels.multiplyAddChains(100_000, factor: 0.999, summand: 0.5) }
      }
    }
    // The exchange is slower beside computing than alone, so computing takes twice its time.
    let own = max(1, Int(2 * seconds / max(compute(20) / 20, 1e-6)))
    let calls = Int(try communicator.allReduceMax(Int64(min(own, 100_000))))
    var alone = Samples()
    var beside = Samples()
    for _ in 0..<5 {
      try communicator.barrier()
      alone.add(compute(calls))
      try communicator.barrier()
      reducer.start()
      beside.add(compute(calls))
      try reducer.finish()
    }
    let moved =
      4 * Double(bytes) * Double(communicator.worldSize - 1) / Double(communicator.worldSize)
    let lost = max(0, beside.median - alone.median) / max(1, moved)
    let all = try communicator.allGather(lost.bitPattern).map(Double.init(bitPattern:))
    return all.reduce(0, +) / Double(all.count)
  }

  private func measure(
    _ reducer: any Reducer, _ algorithm: String, _ count: Int, _ communicator: any Communicator
  ) throws -> AllReduceFigures.Row {
    let bytes = count * reducer.elementBytes
    reducer.fill(Double(communicator.rank + 1))
    try reducer.run()
    let expected = Double(communicator.worldSize * (communicator.worldSize + 1) / 2)
    if !reducer.holds(expected) {
      throw ScalingError.wrongSum(algorithm: algorithm, bytes: bytes, rank: communicator.rank)
    }
    // Zeros stay zero, however often they are added in place.
    reducer.fill(0)
    func once() throws -> Double {
      try communicator.barrier()
      return try secondsTaken { try reducer.run() }
    }
    var warm = try once()
    for _ in 0..<2 { warm = min(warm, try once()) }
    let slowest = Double(try communicator.allReduceMax(Int64(warm * 1e9))) / 1e9
    let repeats = iterations ?? min(1000, max(5, Int(secondsPerSize / max(slowest, 1e-7))))
    var sum = 0.0
    for _ in 0..<repeats { sum += try once() }
    let means = try communicator.allGather((sum / Double(repeats)).bitPattern)
      .map(Double.init(bitPattern:))
    let average = means.reduce(0, +) / Double(means.count)
    return AllReduceFigures.Row(
      algorithm: algorithm, bytes: bytes, averageSeconds: average,
      minimumSeconds: means.min() ?? average, maximumSeconds: means.max() ?? average,
      iterations: repeats, ranks: communicator.worldSize)
  }
}
