import Communication

extension Probe {
  /// Sums of fractions, whose last bits depend on the order and on the precision of the addition:
  /// over MPI, over as many ranks inside this process, and by plain loops, all with the same bits.
  func fractions() throws {
    for format in WireFormat.allCases {
      var apart = 0
      for count in [0, 1, 3, 1_001, 30_011] {
        let sums = try Self.sums(format, count: count, over: communicator)
        let size = size
        let inProcess = try LocalCommunicator.run(size: size) { local in
          try Self.sums(format, count: count, over: local)
        }
        let plain = (0..<count).map { Self.plainSum(format, ranks: size, index: $0) }
        check(Self.areSame(sums, plain.map(\.sum)), "\(format) sums of \(count) over MPI")
        for (local, sums) in inProcess.enumerated() {
          check(
            Self.areSame(sums, plain.map(\.sum)), "\(format) sums of \(count) on thread \(local)")
        }
        apart += plain.count { !Self.areSame([$0.sum], [$0.otherwise]) }
      }
      // Otherwise these terms could not tell one addition from another.
      check(size < 3 || apart > 1_000, "\(apart) \(format) sums that depend on how terms are added")
    }
    try sumsInAnyOrder()
    try succeed()
  }

  /// MPI may add these in another order, but it gives all ranks the same bits.
  private func sumsInAnyOrder() throws {
    func terms(_ rank: Int) -> [Double] { (0..<1_001).map { Self.term(rank: rank, $0 + 5) } }
    let sums = try communicator.allReduceSum(terms(rank))
    for (index, sum) in sums.enumerated() {
      let terms = (0..<size).map { terms($0)[index] }
      let scale = terms.reduce(0) { $0 + abs($1) }
      check(abs(sum - terms.reduce(0, +)) <= 1e-15 * scale, "allReduceSum of fractions")
    }
    for bits in sums.map(\.bitPattern) {
      check(try communicator.allGather(bits).allSatisfy { $0 == bits }, "one sum on all ranks")
    }
  }

  /// Numbers of all magnitudes and both signs; the first elements are special on every rank.
  private static func term(rank: Int, _ index: Int) -> Double {
    switch index {
    case 0: return -0.0
    case 1: return rank == 1 ? .infinity : 1
    case 2: return rank == 0 ? .nan : 1
    case 3: return rank == 1 ? -0.0 : 0
    default: break
    }
    var state = UInt64(index * 64 + rank + 1) &* 0x9e37_79b9_7f4a_7c15
    state = (state ^ (state >> 31)) &* 0xbf58_476d_1ce4_e5b9
    state ^= state >> 29
    let fraction = 1 + Double(state >> 12) / Double(1 << 52)
    let exponent = Int(state & 31) - 16
    return (state & 32 == 0 ? 1 : -1)
      * Double(sign: .plus, exponent: exponent, significand: fraction)
  }

  /// Sums on all ranks after each has given its terms; as doubles, which hold all formats.
  private static func sums(
    _ format: WireFormat, count: Int, over communicator: any Communicator
  ) throws -> [Double] {
    let rank = communicator.rank
    let terms = (0..<count).map { term(rank: rank, $0) }
    func reduce<Term, Sum: BinaryFloatingPoint>(
      _ terms: [Term], _ zero: Sum,
      _ reduction: (UnsafeBufferPointer<Term>, UnsafeMutableBufferPointer<Sum>) -> Reduction
    ) throws -> [Double] {
      let sums = UnsafeMutableBufferPointer<Sum>.allocate(capacity: count)
      defer { sums.deallocate() }
      sums.initialize(repeating: zero)
      return try terms.withUnsafeBufferPointer { terms in
        communicator.startReduction(reduction(terms, sums))
        _ = try communicator.finishReductions()
        return sums.map { Double($0) }
      }
    }
    return switch format {
    case .float64: try reduce(terms, 7.0) { .float64($0, into: $1) }
    case .float32: try reduce(terms.map { Float($0) }, Float(7)) { .float32($0, into: $1) }
    case .bf16: try reduce(terms.map { BFloat16(Float($0)) }, Float(7)) { .bf16($0, into: $1) }
    }
  }

  /// The sum of an element, and what comes out of another order or another precision.
  private static func plainSum(
    _ format: WireFormat, ranks: Int, index: Int
  ) -> (sum: Double, otherwise: Double) {
    let terms = (0..<ranks).map { term(rank: $0, index) }
    switch format {
    case .float64:
      return (
        terms.dropFirst().reduce(terms[0], +),
        terms.reversed().dropFirst().reduce(terms[ranks - 1], +)
      )
    case .float32:
      let floats = terms.map { Float($0) }
      return (
        Double(Float(floats.reduce(0.0) { $0 + Double($1) })),
        Double(floats.reduce(Float(0), +))
      )
    case .bf16:
      let numbers = terms.map { BFloat16(Float($0)).value }
      return (
        Double(BFloat16(numbers.reduce(Float(0), +)).value),
        Double(numbers.reduce(Float(0)) { BFloat16($0 + $1).value })
      )
    }
  }

  /// Bit for bit, except that a NaN is as good as another.
  private static func areSame(_ a: [Double], _ b: [Double]) -> Bool {
    a.count == b.count
      && zip(a, b).allSatisfy { $0.bitPattern == $1.bitPattern || ($0.isNaN && $1.isNaN) }
  }
}
