import KernelAPI

extension Kernels {
  /// Chains of multiply-adds that touch no memory, as many as hide their latency and fit into the
  /// registers. `factor` and `summand` come from outside, so that nothing is known beforehand.
  @inline(never)
  public static func multiplyAddChains(
    _ count: Int, factor: Float, summand: Float
  ) -> (flops: Double, value: Float) {
    let a = Vector(repeating: factor)
    let b = Vector(repeating: summand)
    var c0 = b
    var c1 = b + a
    var c2 = c1 + a
    var c3 = c2 + a
    var c4 = c3 + a
    #if AVX512
      var c5 = c4 + a
      var c6 = c5 + a
      var c7 = c6 + a
      var c8 = c7 + a
      var c9 = c8 + a
    #endif
    for _ in 0..<count {
      c0 = b.addingProduct(c0, a)
      c1 = b.addingProduct(c1, a)
      c2 = b.addingProduct(c2, a)
      c3 = b.addingProduct(c3, a)
      c4 = b.addingProduct(c4, a)
      #if AVX512
        c5 = b.addingProduct(c5, a)
        c6 = b.addingProduct(c6, a)
        c7 = b.addingProduct(c7, a)
        c8 = b.addingProduct(c8, a)
        c9 = b.addingProduct(c9, a)
      #endif
    }
    var chains = 5
    var sum = c0 + c1 + c2 + c3 + c4
    #if AVX512
      chains = 10
      sum += c5 + c6 + c7 + c8 + c9
    #endif
    return (Double(count) * Double(chains * laneCount * 2), laneSum(sum))
  }
}
