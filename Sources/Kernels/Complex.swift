import KernelAPI

// Complex numbers as the losses take them.

/// Splits sixteen complex numbers at `p` into real and imaginary parts.
@inline(__always)
func loadComplex(_ p: FloatPointer) -> (re: Vector, im: Vector) {
  let low = load(p)
  let high = load(p + laneCount)
  return (
    Vector(lowHalf: low.evenHalf, highHalf: high.evenHalf),
    Vector(lowHalf: low.oddHalf, highHalf: high.oddHalf)
  )
}

/// A complex number as its modulus and the unit vector in its direction, which is 0 for 0.
///
/// It is brought to about 1 by a power of two first: squares of parts below 1e-19 would underflow,
/// and a bin that starts as good as silent would lose its gradient, the steepest of all.
@_transparent
func polar(
  _ re: Vector, _ im: Vector
) -> (modulus: Vector, unitRe: Vector, unitIm: Vector) {
  let reMagnitude = absolute(re)
  let imMagnitude = absolute(im)
  var larger = reMagnitude.replacing(with: imMagnitude, where: reMagnitude .< imMagnitude)
  let least = Vector(repeating: 0x1p-126)
  let most = Vector(repeating: 0x1p126)
  larger = larger.replacing(with: least, where: larger .< least)
  larger = larger.replacing(with: most, where: larger .> most)
  // Its exponent's bits make 2^e, and counted from the other end 2^−e.
  let exponent =
    unsafeBitCast(larger, to: SIMD16<Int32>.self) & SIMD16<Int32>(repeating: 0x7f80_0000)
  let scale = unsafeBitCast(SIMD16<Int32>(repeating: 0x7f00_0000) &- exponent, to: Vector.self)
  let re = re * scale
  let im = im * scale
  let square = (re * re).addingProduct(im, im)
  var root = Vector(repeating: 0)
  for lane in 0..<laneCount { root[lane] = square[lane].squareRoot() }
  let zero = Vector(repeating: 0)
  let reciprocal = (Vector(repeating: 1) / root).replacing(with: zero, where: root .== zero)
  return (root * unsafeBitCast(exponent, to: Vector.self), re * reciprocal, im * reciprocal)
}
