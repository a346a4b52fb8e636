/// Dot product `Σ a[i] b[i]`, accumulated in eight lanes: a single sum would be limited by the
/// latency of its own additions.
@inline(__always)
func dot(_ a: UnsafePointer<Double>, _ b: UnsafePointer<Double>, count: Int) -> Double {
  typealias Lanes = SIMD8<Double>
  var sums = Lanes.zero
  var i = 0
  while i + Lanes.scalarCount <= count {
    sums.addProduct(
      UnsafeRawPointer(a + i).loadUnaligned(as: Lanes.self),
      UnsafeRawPointer(b + i).loadUnaligned(as: Lanes.self))
    i += Lanes.scalarCount
  }
  var sum = sums.sum()
  while i < count {
    sum += a[i] * b[i]
    i += 1
  }
  return sum
}
