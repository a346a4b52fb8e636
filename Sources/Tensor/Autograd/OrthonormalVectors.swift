import Files

/// `count` random orthonormal vectors of `length` elements, with `count` ≤ `length`.
///
/// Vectors of normally distributed numbers are orthonormalised one after the other (Gram and
/// Schmidt); torch.nn.init.orthogonal_ does so by a QR decomposition whose R has a positive
/// diagonal. Each vector is projected twice, which removes the rounding errors of the first
/// projection.
func orthonormalVectors(_ count: Int, length: Int, _ random: inout Random) -> [[Double]] {
  precondition(count <= length, "\(count) orthonormal vectors of \(length) numbers")
  var vectors: [[Double]] = []
  for _ in 0..<count {
    var vector = (0..<length).map { _ in random.normal() }
    for _ in 0..<2 {
      for other in vectors {
        var product = 0.0
        for i in 0..<length { product += other[i] * vector[i] }
        for i in 0..<length { vector[i] -= product * other[i] }
      }
    }
    var squares = 0.0
    for x in vector { squares += x * x }
    let scale = 1 / squares.squareRoot()
    vectors.append(vector.map { $0 * scale })
  }
  return vectors
}
