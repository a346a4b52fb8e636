import Communication
import DistTrain
import Exchange
import Tensor

extension Probe {
  /// Every collective, with sizes that are empty, odd, and larger than MPI's eager messages.
  func collectives() throws {
    check((0..<size).contains(rank), "rank \(rank) of \(size)")
    check(communicator.hostSize == size, "host size \(communicator.hostSize)")
    check(communicator.hostRank == rank, "host rank \(communicator.hostRank)")
    for count in [0, 1, 3, 999, 1_000, 1_001, 300_007] {
      try floats(count: count)
    }
    try scalars()
    try bytes()
    try succeed()
  }

  private func floats(count: Int) throws {
    let root = size - 1
    var values = (0..<count).map { Float(rank * 1_000 + $0 % 777) }
    try values.withUnsafeMutableBufferPointer { try communicator.broadcast($0, root: root) }
    check(
      values == (0..<count).map { Float(root * 1_000 + $0 % 777) }, "broadcast of \(count) floats")

    // Whole numbers, whose sum is exact in any order.
    var terms = (0..<count).map { Double((rank + 1) * ($0 % 1_013)) }
    try terms.withUnsafeMutableBufferPointer { try communicator.allReduceSum($0) }
    let factor = size * (size + 1) / 2
    check(terms == (0..<count).map { Double(factor * ($0 % 1_013)) }, "sum of \(count) doubles")
  }

  private func scalars() throws {
    let sums = try communicator.allReduceSum((0..<2_500).map { Double(rank + $0) })
    let ranks = size * (size - 1) / 2
    check(sums == (0..<2_500).map { Double(ranks + size * $0) }, "sums of doubles")
    check(try communicator.allReduceSum([]) == [], "sum of no doubles")
    // Not representable as Double: an integer reduction keeps every bit.
    let large = Int64.max - 10
    check(
      try communicator.allReduceMax(large + Int64(rank)) == large + Int64(size - 1), "maximum")
    check(
      try communicator.allReduceMin(-large - Int64(rank)) == -large - Int64(size - 1), "minimum")
    let all = try communicator.allGather(UInt64.max - UInt64(rank))
    check(all == (0..<size).map { UInt64.max - UInt64($0) }, "allGather")
  }

  private func bytes() throws {
    for root in 0..<size {
      let mine = payload(of: rank)
      let all = try communicator.gather(mine, root: root)
      if rank == root {
        check(all == (0..<size).map(payload), "gather to \(root)")
      } else {
        check(all == nil, "gather elsewhere than \(root)")
      }
      check(try communicator.broadcast(mine, root: root) == payload(of: root), "bytes of \(root)")
    }
  }

  /// Rank 1 has nothing to say, the others 3 MB and a bit.
  private func payload(of rank: Int) -> [UInt8] {
    let count = rank == 1 ? 0 : 3_000_000 + rank
    return (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ rank) }
  }

  /// An exchange against sums over all items in one place, with uneven and zero item counts, small
  /// buckets, every wire format, early and late.
  func buckets() throws {
    // Several buckets, the last one smaller.
    let count = 10_007
    let arena = ParameterArena()
    _ = ParameterScope(arena).parameter("w", [count], .zeros)
    arena.allocate(seed: 0)
    for dealt in [[3, 0, 2, 1], [0, 5, 0, 0], [0, 0, 0, 0], [6, 6, 6, 6]] {
      let counts = Array(dealt.prefix(size))
      let first = counts.prefix(rank).reduce(0, +)
      let all = counts.reduce(0, +)
      let scale = all == 0 ? 0 : 1 / Double(all)
      for (wire, tolerance) in [(WireFormat.float64, Float(0)), (.float32, 0), (.bf16, 0.01)] {
        for overlaps in [true, false] {
          let settings = ExchangeSettings(bucketBytes: 10_000, wire: wire, overlaps: overlaps)
          let exchange = try GradientExchange(arena, settings, over: communicator)
          exchange.begin()
          exchange.count(items: counts[rank])
          for item in first..<first + counts[rank] {
            for index in 0..<count {
              arena.gradients.base[index] = gradient(item: item, index)
            }
            exchange.sums.add(arena)
          }
          exchange.ready(from: count / 2)
          let total = try exchange.finish().itemCount
          check(total == all, "\(total) items of \(all)")
          for index in 0..<count {
            let exact = (0..<all).reduce(0.0) { $0 + Double(gradient(item: $1, index)) } * scale
            let error = abs(arena.gradients.base[index] - Float(exact))
            let limit = tolerance * (abs(Float(exact)) + Float(64 * Double(size) * scale))
            check(error <= limit, "\(wire) mean gradients of \(counts), off by \(error)")
          }
        }
      }
    }
    try succeed()
  }

  /// Whole numbers, so that sums do not depend on their order.
  private func gradient(item: Int, _ index: Int) -> Float {
    Float((item * 37 + index * 11) % 127 - 63)
  }

  /// Equal copies pass; then each rank named in the arguments flips one bit.
  func replica() throws {
    var values = (0..<100_003).map { Float($0) * 0.1 }
    let before = values
    try values.withUnsafeBufferPointer {
      try ReplicaCheck.verify($0, subject: "parameters", over: communicator)
    }
    if arguments.contains("\(rank)") {
      values[77_777] = Float(bitPattern: values[77_777].bitPattern ^ 1)
    }
    check(arguments.contains("\(rank)") == (values != before), "the flipped bit")
    do {
      try values.withUnsafeBufferPointer {
        try ReplicaCheck.verify($0, subject: "parameters", over: communicator)
      }
    } catch {
      try succeed(": \(error)")
      return
    }
    try succeed(": equal")
  }
}
