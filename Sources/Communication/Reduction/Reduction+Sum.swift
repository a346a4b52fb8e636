extension Reduction {
  /// The form that its terms and its sums travel in.
  var format: WireFormat {
    switch self {
    case .float64: .float64
    case .float32: .float32
    case .bf16: .bf16
    }
  }

  /// Adds up the ranks' terms of `count` elements, in the order of the ranks.
  ///
  /// `terms` holds the address of each rank's elements, by rank; terms and sums are in `format`.
  /// Doubles and floats are added in double precision and 16-bit numbers in single precision, and
  /// only the sum is rounded back. Every communicator adds here, so that the same terms have the
  /// same sum bit for bit, whether ranks are processes or threads.
  static func addInRankOrder(
    _ format: WireFormat, terms: [UnsafeRawPointer], count: Int,
    into sums: UnsafeMutableRawPointer
  ) {
    switch format {
    case .float64:
      // A sum that starts at −0 keeps the sign of zeros.
      add(terms, count, into: sums, from: -0.0, widened: { $0 }, rounded: { (sum: Double) in sum })
    case .float32:
      add(
        terms, count, into: sums, from: 0, widened: { Double($0) },
        rounded: { (sum: Double) in Float(sum) })
    case .bf16:
      add(
        terms, count, into: sums, from: 0, widened: \.value,
        rounded: { (sum: Float) in BFloat16(sum) })
    }
  }

  /// Adds `Term`s as `Sum`s that start at `zero`, a block at a time, whose partial sums stay in the
  /// first cache.
  @inline(__always)
  private static func add<Term, Sum: BinaryFloatingPoint>(
    _ terms: [UnsafeRawPointer], _ count: Int, into sums: UnsafeMutableRawPointer,
    from zero: Sum, widened: (Term) -> Sum, rounded: (Sum) -> Term
  ) {
    let terms = terms.map { $0.assumingMemoryBound(to: Term.self) }
    let sums = sums.assumingMemoryBound(to: Term.self)
    let block = 1_024
    withUnsafeTemporaryAllocation(of: Sum.self, capacity: block) { partial in
      for start in stride(from: 0, to: count, by: block) {
        let length = min(block, count - start)
        partial.initialize(repeating: zero)
        for term in terms {
          for i in 0..<length { partial[i] += widened(term[start + i]) }
        }
        for i in 0..<length { sums[start + i] = rounded(partial[i]) }
      }
    }
  }

  /// Puts sums, which are in the form they travel in, where this rank wants them.
  func receive(_ sums: UnsafeRawPointer) {
    switch self {
    case .float64(_, let receive):
      receive.baseAddress?.update(
        from: sums.assumingMemoryBound(to: Double.self), count: receive.count)
    case .float32(_, let receive):
      receive.baseAddress?.update(
        from: sums.assumingMemoryBound(to: Float.self), count: receive.count)
    case .bf16(_, let receive):
      let rounded = sums.assumingMemoryBound(to: BFloat16.self)
      for i in receive.indices { receive[i] = rounded[i].value }
    }
  }
}
