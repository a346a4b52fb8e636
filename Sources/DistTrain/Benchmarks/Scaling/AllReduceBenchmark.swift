import Foundation

/// Measures how long ranks take to add up buffers, by the exchange that training uses and by MPI's
/// own all-reduce.
struct AllReduceBenchmark {
  /// Bytes on the wire of the shortest and the longest buffer.
  let sizes: ClosedRange<Int>
  let wire: WireFormat
  let bucketBytes: Int
  /// Timed all-reduces of a size; nil for as many as `secondsPerSize` allow.
  let iterations: Int?
  /// Time that all iterations of a size may take, about.
  let secondsPerSize: Double

  /// The figures, the same on all ranks; all of them call it together.
  func run(over communicator: any Communicator) throws -> AllReduceFigures {
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
    return AllReduceFigures(layout: layout, wire: wire, bucketBytes: bucketBytes, rows: rows)
  }

  /// Numbers in the buffers: each twice as many bytes as the one before.
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
    // Zero stays zero however often it is added up in place.
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

/// One way to add up a buffer over all ranks.
private protocol Reducer {
  var elementBytes: Int { get }
  func fill(_ value: Double)
  func run() throws
  func holds(_ value: Double) -> Bool
}

/// The exchange of gradients, in buckets, with nothing to hide it.
private final class ExchangeReducer: Reducer {
  let elementBytes: Int
  private let communicator: any Communicator
  private let sums: UnsafeMutableBufferPointer<Double>
  private let mean: UnsafeMutableBufferPointer<Float>
  private let wire: Wire
  private let buckets: GradientBuckets

  init(count: Int, wire format: WireFormat, bucketBytes: Int, _ communicator: any Communicator) {
    self.communicator = communicator
    elementBytes = format.byteCount
    sums = .allocate(capacity: count)
    sums.initialize(repeating: 0)
    mean = .allocate(capacity: count)
    mean.initialize(repeating: 0)
    wire = Wire(format, count: count)
    buckets = GradientBuckets(
      count: count, bucketBytes: bucketBytes, elementBytes: format.byteCount)
  }

  deinit {
    sums.deallocate()
    mean.deallocate()
  }

  func fill(_ value: Double) { sums.update(repeating: value) }

  func run() throws {
    for range in buckets.ranges {
      if let reduction = wire.reduction(of: sums, range) { communicator.startReduction(reduction) }
    }
    _ = try communicator.finishReductions()
  }

  func holds(_ value: Double) -> Bool {
    wire.mean(of: sums, scale: 1, into: mean)
    // Small whole numbers, which 8 significant bits hold for up to 22 ranks.
    return mean.allSatisfy { abs(Double($0) - value) <= value / 128 }
  }
}

/// The all-reduce of the MPI library, in double precision and in place.
private final class PlainReducer: Reducer {
  let elementBytes = 8
  private let communicator: any Communicator
  private let values: UnsafeMutableBufferPointer<Double>

  init(count: Int, _ communicator: any Communicator) {
    self.communicator = communicator
    values = .allocate(capacity: count)
    values.initialize(repeating: 0)
  }

  deinit { values.deallocate() }

  func fill(_ value: Double) { values.update(repeating: value) }
  func run() throws { try communicator.allReduceSum(values) }
  func holds(_ value: Double) -> Bool { values.allSatisfy { $0 == value } }
}
