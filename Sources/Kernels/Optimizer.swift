import KernelAPI

extension Kernels {
  /// Σ x², whole blocks in float and these in double.
  public static func sumOfSquares(_ x: FloatPointer, count: Int) -> Double {
    var total = 0.0
    var i = 0
    // Blocks short enough that float sums stay exact to a few units, added in double.
    while i + 64 * laneCount <= count {
      var sums = Vector(repeating: 0)
      for j in stride(from: i, to: i + 64 * laneCount, by: laneCount) {
        let v = load(x + j)
        sums = sums.addingProduct(v, v)
      }
      total += Double(laneSum(sums))
      i += 64 * laneCount
    }
    while i < count {
      total += Double(x[i]) * Double(x[i])
      i += 1
    }
    return total
  }

  /// Adam (Kingma and Ba 2015) in PyTorch's form:
  ///   x *= decay,  m = β₁m + (1 − β₁)g,  v = β₂v + (1 − β₂)g²,  x −= lr/c₁ · m/(√v/√c₂ + ε),
  /// where decay is 1 − lr·λ of a decoupled weight decay λ (Loshchilov and Hutter 2019), or 1.
  public static func adam(
    _ step: AdamStep, value: MutableFloatPointer, gradient: FloatPointer,
    firstMoment: MutableFloatPointer, secondMoment: MutableFloatPointer, count: Int
  ) {
    let rate = Vector(repeating: step.learningRate / step.correction1)
    let root = Vector(repeating: 1 / step.correction2.squareRoot())
    let epsilon = Vector(repeating: step.epsilon)
    let scale = Vector(repeating: step.gradientScale)
    let b1 = Vector(repeating: Float(step.beta1))
    let r1 = Vector(repeating: Float(1 - step.beta1))
    let b2 = Vector(repeating: Float(step.beta2))
    let r2 = Vector(repeating: Float(1 - step.beta2))
    let decay = Vector(repeating: step.decayFactor)
    for i in stride(from: 0, to: count, by: laneCount) {
      let g = load(gradient + i) * scale
      let m = (r1 * g).addingProduct(b1, load(firstMoment + i))
      let v = (r2 * g * g).addingProduct(b2, load(secondMoment + i))
      store(m, firstMoment + i)
      store(v, secondMoment + i)
      let denominator = epsilon.addingProduct(squareRootOfNonNegative(v), root)
      // A factor of 1 leaves all bits as they are.
      store(load(value + i) * decay - rate * (m / denominator), value + i)
    }
  }

  /// y += x, in double precision.
  public static func accumulate(
    _ x: FloatPointer, to y: UnsafeMutablePointer<Double>, count: Int
  ) {
    for i in 0..<count { y[i] += Double(x[i]) }
  }

  /// out = sums·scale, rounded once.
  public static func scale(
    _ sums: UnsafePointer<Double>, by scale: Double, count: Int, out: MutableFloatPointer
  ) {
    for i in 0..<count { out[i] = Float(sums[i] * scale) }
  }

  /// average += (1 − decay)·(value − average)
  public static func movingAverage(
    _ average: MutableFloatPointer, towards value: FloatPointer, decay: Float, count: Int
  ) {
    let rest = Vector(repeating: 1 - decay)
    for i in stride(from: 0, to: count, by: laneCount) {
      let a = load(average + i)
      store(a.addingProduct(load(value + i) - a, rest), average + i)
    }
  }
}
