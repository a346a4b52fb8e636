import KernelAPI

// Vector exponentials and logarithms. Polynomials are minimax fits made for this project; the
// tests hold their error in units of the last place. Bounds are applied by compare-and-select,
// never by a SIMD minimum or maximum: those would turn a NaN into the bound and hide it. For the
// same reason 2^n is a factor made of bits, not an addition to the exponent's bits: that would turn
// a NaN with low bits set, as a file may hold, into a small number.
//
// All are @_transparent: of functions that are only @inline(__always) the optimiser left calls in
// the convolution and the scan, and a call passes a vector in quarters.

/// 1.5·2²³: adding it to a small number rounds that to an integer n and leaves n in the low bits.
private let roundingShift: Float = 12_582_912
/// The constant that leaves n + 127 in the low bits: shifted up by 23 they are those of 2^n.
private let exponentShift: Float = 12_582_912 + 127

/// 2^n out of n + `exponentShift`.
@_transparent
private func powerOfTwo(_ shifted: Vector) -> Vector {
  unsafeBitCast(unsafeBitCast(shifted, to: SIMD16<Int32>.self) &<< 23, to: Vector.self)
}

/// (2^f − 1)/f on ±½.
@_transparent
private func exp2Ratio(_ f: Vector) -> Vector {
  var p = Vector(repeating: 0.001_326_472_7)
  p = Vector(repeating: 0.009_671_513).addingProduct(p, f)
  p = Vector(repeating: 0.055_507_337).addingProduct(p, f)
  p = Vector(repeating: 0.240_222_42).addingProduct(p, f)
  return Vector(repeating: 0.693_147).addingProduct(p, f)
}

/// 2^x for x in −126…126; exactly 1 at 0, so that long products of decays do not drift.
@_transparent
private func exp2Unclamped(_ x: Vector) -> Vector {
  let shifted = x + Vector(repeating: exponentShift)
  let f = x - (shifted - Vector(repeating: exponentShift))
  return Vector(repeating: 1).addingProduct(exp2Ratio(f), f) * powerOfTwo(shifted)
}

/// 2^x of x ≤ 0, held above −126 unless the caller knows that it is. A NaN stays one only if its
/// low nine bits are zero: n is added to the exponent's bits, one multiplication less than
/// elsewhere.
@_transparent
func exp2OfNonPositive(_ value: Vector, isHeld: Bool = true) -> Vector {
  let least = Vector(repeating: -126)
  let x = isHeld ? value.replacing(with: least, where: value .< least) : value
  let shifted = x + Vector(repeating: roundingShift)
  let f = x - (shifted - Vector(repeating: roundingShift))
  let mantissa = Vector(repeating: 1).addingProduct(exp2Ratio(f), f)
  return unsafeBitCast(
    unsafeBitCast(mantissa, to: SIMD16<Int32>.self)
      &+ (unsafeBitCast(shifted, to: SIMD16<Int32>.self) &<< 23), to: Vector.self)
}

/// 1 − 2^x of x ≤ 0, to eleven units in the last place however small it is.
@_transparent
func oneMinusExp2OfNonPositive(_ x: Vector) -> Vector {
  let least = Vector(repeating: -126)
  let x = x.replacing(with: least, where: x .< least)
  let shifted = x + Vector(repeating: exponentShift)
  let f = x - (shifted - Vector(repeating: exponentShift))
  // (1 − 2^n) − 2^n·(2^f − 1), where the bracket is exact, and 0 for n = 0.
  let scale = powerOfTwo(shifted)
  return (Vector(repeating: 1) - scale).addingProduct(scale * -f, exp2Ratio(f))
}

/// e^x, held inside ±87; relative error about 1 unit in the last place.
@_transparent
func exp(_ value: Vector) -> Vector {
  let most = Vector(repeating: 87)
  let least = Vector(repeating: -87)
  var x = value.replacing(with: least, where: value .< least)
  x = x.replacing(with: most, where: x .> most)
  let shifted = Vector(repeating: exponentShift).addingProduct(
    x, Vector(repeating: Float(MathConstants.log2E)))
  let n = shifted - Vector(repeating: exponentShift)
  // x − n·ln 2 in two parts (Cody and Waite): the first has few bits, so its product is exact.
  var r = x.addingProduct(n, Vector(repeating: -0.693_359_375))
  r = r.addingProduct(n, Vector(repeating: 2.121_944_4e-4))
  var p = Vector(repeating: 0.001_384_356)
  p = Vector(repeating: 0.008_374_236).addingProduct(p, r)
  p = Vector(repeating: 0.041_668_007).addingProduct(p, r)
  p = Vector(repeating: 0.166_664_3).addingProduct(p, r)
  p = Vector(repeating: 0.499_999_94).addingProduct(p, r)
  p = Vector(repeating: 1).addingProduct(p, r)
  p = Vector(repeating: 1).addingProduct(p, r)
  return p * powerOfTwo(shifted)
}

/// σ(x) = 1/(1 + e^−x)
@_transparent
func sigmoid(_ x: Vector) -> Vector {
  Vector(repeating: 1) / (Vector(repeating: 1) + exp(-x))
}

/// atanh(s)/s as a polynomial in s², for s² ≤ 1/9.
@_transparent
private func atanhRatio(_ u: Vector) -> Vector {
  var p = Vector(repeating: 0.122_065_34)
  p = Vector(repeating: 0.106_966_25).addingProduct(p, u)
  p = Vector(repeating: 0.143_103_61).addingProduct(p, u)
  p = Vector(repeating: 0.199_993_45).addingProduct(p, u)
  p = Vector(repeating: 0.333_333_4).addingProduct(p, u)
  return Vector(repeating: 1).addingProduct(p, u)
}

/// log(1 + t) for t in 0…1: 2·atanh(t/(2 + t)).
@_transparent
private func log1pOfUnit(_ t: Vector) -> Vector {
  let s = t / (Vector(repeating: 2) + t)
  return (s + s) * atanhRatio(s * s)
}

/// log(1 + e^x), as max(x, 0) + log(1 + e^−|x|).
@_transparent
func softplus(_ x: Vector) -> Vector {
  let zero = Vector(repeating: 0)
  let magnitude = absolute(x)
  return x.replacing(with: zero, where: x .< zero) + log1pOfUnit(exp(-magnitude))
}

/// log₂ of a positive normal number; infinity and NaN stay what they are.
@_transparent
func log2(_ x: Vector) -> Vector {
  // x = m·2^e with m in [√½, √2): the offset moves the exponent's border to √½.
  let bits = unsafeBitCast(x, to: SIMD16<Int32>.self)
  let offset = SIMD16<Int32>(repeating: 0x3f35_04f3)
  let exponentBits = (bits &- offset) & SIMD16<Int32>(repeating: -0x0080_0000)
  let m = unsafeBitCast(bits &- exponentBits, to: Vector.self)
  // Float of the small integer exponent without a conversion: place it in a mantissa.
  let exponent =
    unsafeBitCast(
      (exponentBits &>> 23) &+ SIMD16<Int32>(repeating: 0x4b40_0000), to: Vector.self)
    - Vector(repeating: roundingShift)
  let s = (m - Vector(repeating: 1)) / (m + Vector(repeating: 1))
  let log = exponent.addingProduct(
    s * atanhRatio(s * s), Vector(repeating: Float(2 * MathConstants.log2E)))
  return log.replacing(with: x, where: .!(x .<= Vector(repeating: .greatestFiniteMagnitude)))
}

/// x^power for positive normal x.
@_transparent
func power(_ x: Vector, _ exponent: Float) -> Vector {
  let t = log2(x) * Vector(repeating: exponent)
  let least = Vector(repeating: -126)
  return exp2Unclamped(t.replacing(with: least, where: t .< least))
}

/// tanh(x): an odd polynomial near 0, where the exponential form would cancel.
@_transparent
func tanh(_ x: Vector) -> Vector {
  let magnitude = absolute(x)
  let u = x * x
  var p = Vector(repeating: -5.704_988_7e-3)
  p = Vector(repeating: 2.063_908_8e-2).addingProduct(p, u)
  p = Vector(repeating: -5.373_971_6e-2).addingProduct(p, u)
  p = Vector(repeating: 1.333_144_2e-1).addingProduct(p, u)
  p = Vector(repeating: -3.333_328_2e-1).addingProduct(p, u)
  let near = x.addingProduct(x * u, p)
  let e = exp(magnitude + magnitude)
  let far = Vector(repeating: 1) - Vector(repeating: 2) / (e + Vector(repeating: 1))
  return near.replacing(with: withSign(of: x, far), where: magnitude .> Vector(repeating: 0.625))
}

/// erf(x) = 2/√π · ∫₀ˣ e^−t² dt: an odd polynomial near 0, else 1 − e^p(|x|), where p is
/// log(1 − erf) and held at |x| = 4, behind which the result is 1.
@_transparent
func erf(_ x: Vector) -> Vector {
  let magnitude = absolute(x)
  let u = x * x
  var p = Vector(repeating: -6.090_346_8e-4)
  p = Vector(repeating: 5.011_96e-3).addingProduct(p, u)
  p = Vector(repeating: -2.677_890_7e-2).addingProduct(p, u)
  p = Vector(repeating: 1.128_214_1e-1).addingProduct(p, u)
  p = Vector(repeating: -3.761_252_5e-1).addingProduct(p, u)
  p = Vector(repeating: 1.283_791_5e-1).addingProduct(p, u)
  let near = x.addingProduct(x, p)
  let four = Vector(repeating: 4)
  let m = magnitude.replacing(with: four, where: magnitude .> four)
  var q = Vector(repeating: 1.971_817_9e-4)
  q = Vector(repeating: -3.055_607_2e-3).addingProduct(q, m)
  q = Vector(repeating: 2.227_708_5e-2).addingProduct(q, m)
  q = Vector(repeating: -1.040_373_6e-1).addingProduct(q, m)
  q = Vector(repeating: -6.370_597_5e-1).addingProduct(q, m)
  q = Vector(repeating: -1.127_749_6).addingProduct(q, m)
  q = Vector(repeating: -1.774_948_6e-4).addingProduct(q, m)
  let far = Vector(repeating: 1) - exp(q)
  return near.replacing(with: withSign(of: x, far), where: magnitude .> Vector(repeating: 0.9))
}

/// |x|, by clearing the sign bit.
@_transparent
func absolute(_ x: Vector) -> Vector {
  unsafeBitCast(
    unsafeBitCast(x, to: SIMD16<Int32>.self) & SIMD16<Int32>(repeating: 0x7fff_ffff),
    to: Vector.self)
}

/// The non-negative `magnitude` with the sign of `x`.
@_transparent
func withSign(of x: Vector, _ magnitude: Vector) -> Vector {
  let sign =
    unsafeBitCast(x, to: SIMD16<Int32>.self) & SIMD16<Int32>(repeating: Int32.min)
  return unsafeBitCast(unsafeBitCast(magnitude, to: SIMD16<Int32>.self) | sign, to: Vector.self)
}

/// √x by the processor, lane by lane in halves: the stdlib's vector root is sixteen calls.
@_transparent
func squareRootOfNonNegative(_ x: Vector) -> Vector {
  // Newton steps on 1/√x from the bit trick; 0 stays 0.
  let half = x * Vector(repeating: 0.5)
  let bits =
    SIMD16<Int32>(repeating: 0x5f37_59df) &- (unsafeBitCast(x, to: SIMD16<Int32>.self) &>> 1)
  var y = unsafeBitCast(bits, to: Vector.self)
  let threeHalves = Vector(repeating: 1.5)
  y = y * threeHalves.addingProduct(-(half * y), y)
  y = y * threeHalves.addingProduct(-(half * y), y)
  y = y * threeHalves.addingProduct(-(half * y), y)
  let root = x * y
  // One correction of the root itself.
  return root.addingProduct(x.addingProduct(-root, root), y * Vector(repeating: 0.5))
}

extension Kernels {
  /// x = softplus(x) in place.
  public static func softplus(_ x: MutableFloatPointer, count: Int) {
    for i in stride(from: 0, to: count, by: laneCount) {
      store(vectorSoftplus(load(x + i)), x + i)
    }
  }

  /// The elementary functions as the kernels compute them.
  public static func elementary(
    _ function: ElementaryFunction, _ x: FloatPointer, count: Int, out: MutableFloatPointer
  ) {
    switch function {
    case .exp: map(x, count, out) { vectorExp($0) }
    case .exp2: map(x, count, out) { exp2OfNonPositive($0) }
    case .oneMinusExp2: map(x, count, out) { oneMinusExp2OfNonPositive($0) }
    case .log2: map(x, count, out) { vectorLog2($0) }
    case .sigmoid: map(x, count, out) { sigmoid($0) }
    case .tanh: map(x, count, out) { vectorTanh($0) }
    case .softplus: map(x, count, out) { vectorSoftplus($0) }
    case .erf: map(x, count, out) { erf($0) }
    }
  }

  // A while loop: of the iterator behind `stride` the optimiser may keep a function, which the
  // linker would merge with the other kernels' (see KernelObjectsTests).
  @inline(__always)
  private static func map(
    _ x: FloatPointer, _ count: Int, _ out: MutableFloatPointer, _ function: (Vector) -> Vector
  ) {
    var i = 0
    while i < count {
      store(function(load(x + i)), out + i)
      i += laneCount
    }
  }
}

// Inside `Kernels` the short names mean its own static functions.
@_transparent func vectorExp(_ x: Vector) -> Vector { exp(x) }
@_transparent private func vectorLog2(_ x: Vector) -> Vector { log2(x) }
@_transparent func vectorTanh(_ x: Vector) -> Vector { tanh(x) }
@_transparent func vectorSoftplus(_ x: Vector) -> Vector { softplus(x) }
