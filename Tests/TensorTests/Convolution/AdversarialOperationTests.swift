import Convolution
import Foundation
import Tensor
import TestSupport
import Testing

/// (|X| + ε)^p with frequency first.
struct MagnitudeCase: OperationCase {
  let batch: Int
  let frames: Int
  let bins: Int
  let exponent: Float
  let epsilon: Float

  var arrays: [NamedArray] { [NamedArray("in.X", [batch, frames, bins, 2], -1...1)] }
  var outputShape: [Int] { [batch, bins, frames] }
  var work: Int { batch * frames * bins }
  var differenceStep: Double { 1e-5 }
  var testDescription: String { "\(batch) × \(frames) × \(bins), \(exponent), \(epsilon)" }

  func reference(_ values: [String: [Double]]) -> [Double] {
    let x = values["in.X"] ?? []
    return (0..<batch * bins * frames).map { index in
      let (b, f, t) = (index / (bins * frames), index / frames % bins, index % frames)
      let at = 2 * ((b * frames + t) * bins + f)
      return pow(hypot(x[at], x[at + 1]) + Double(epsilon), Double(exponent))
    }
  }

  func apply(
    _ inputs: [String: Tensor], _ parameters: [String: Parameter], _ tape: Tape
  ) -> Tensor {
    guard let x = inputs["X"] else { preconditionFailure("missing input") }
    return compressedMagnitude(x, exponent: exponent, epsilon: epsilon, tape)
  }
}

/// The head of the discriminator.
struct MetricHeadCase: OperationCase {
  let batch: Int
  let features: Int
  let hidden: Int
  let dropoutFactors: [Float]?

  var arrays: [NamedArray] {
    [
      NamedArray("in.x", [batch, features], -1...2),
      NamedArray("in.hidden", [hidden, features], -0.5...0.5),
      NamedArray("in.score", [1, hidden], -0.5...0.5),
      NamedArray("param.hiddenBias", [hidden], -0.3...0.3),
      NamedArray("param.prelu", [hidden], 0.1...0.4),
      NamedArray("param.scoreBias", [1], -0.3...0.3),
      NamedArray("param.sigmoid", [1], 0.5...1.5),
    ]
  }
  var outputShape: [Int] { [batch] }
  var work: Int { batch * features * hidden }
  var differenceStep: Double { 1e-6 }
  var testDescription: String { "\(batch) × \(features), \(hidden)" }

  func reference(_ values: [String: [Double]]) -> [Double] {
    func array(_ name: String) -> [Double] { values[name] ?? [] }
    return array("in.x").rows(features).enumerated().map { utterance, x in
      let hidden = Reference.linear(x, array("in.hidden"), array("param.hiddenBias"))
      let active = hidden.indices.map { unit in
        let kept = hidden[unit] * Double(dropoutFactors?[utterance * self.hidden + unit] ?? 1)
        return kept > 0 ? kept : array("param.prelu")[unit] * kept
      }
      let score = Reference.linear(active, array("in.score"), array("param.scoreBias"))[0]
      return 1.2 * Reference.sigmoid(array("param.sigmoid")[0] * score)
    }
  }

  func apply(
    _ inputs: [String: Tensor], _ parameters: [String: Parameter], _ tape: Tape
  ) -> Tensor {
    guard let x = inputs["x"], let hidden = inputs["hidden"], let score = inputs["score"] else {
      preconditionFailure("missing input")
    }
    func named(_ name: String) -> Parameter { parameter(parameters, name) }
    return metricHead(
      x,
      MetricHeadParameters(
        hiddenWeight: hidden, hiddenBias: named("hiddenBias"), prelu: named("prelu"),
        scoreWeight: score, scoreBias: named("scoreBias"), sigmoid: named("sigmoid"), beta: 1.2),
      dropoutFactors: dropoutFactors, tape)
  }
}

/// Operations of the discriminator alone against their witnesses.
struct AdversarialOperationTests {
  @Test(
    arguments: [[1, 1, 1], [2, 5, 3], [1, 17, 33], [2, 21, 16]],
    [(Float(0.3), Float(1e-10)), (0.3, 0), (0.5, 0.01)])
  func magnitude(shape: [Int], power: (exponent: Float, epsilon: Float)) throws {
    let subject = MagnitudeCase(
      batch: shape[0], frames: shape[1], bins: shape[2], exponent: power.exponent,
      epsilon: power.epsilon)
    try expectMatchesReference(subject, everyElement: shape[1] < 17)
    try expectSameInEveryMode(subject)
    try expectAddsGradients(subject)
    // A NaN shows in its bin, and in no other.
    var values = subject.randomValues(seed: 1)
    values["in.X"]?[1] = .nan
    let spoiled = try subject.evaluate(values, upstream: subject.randomUpstream(seed: 1))
    #expect(spoiled.out.indices.filter { spoiled.out[$0].isNaN } == [0])
    let gradient = try #require(spoiled.gradients["in.X"])
    #expect(gradient.indices.filter { gradient[$0].isNaN } == [0, 1])
  }

  /// Silent bins have magnitude ε^0.3 and no gradient; very small ones keep theirs.
  @Test func silence() throws {
    for epsilon in [Float(0), 1e-10] {
      let x = Tensor(
        shape: [1, 1, 3, 2], elements: [0, 0, 3e-30, 4e-30, 0.6, 0.8], requiresGradient: true)
      let tape = Tape()
      let out = compressedMagnitude(x, epsilon: epsilon, tape)
      let base = [0, 5e-30, 1].map { $0 + Double(epsilon) }
      expectClose(out.elements, base.map { Float(pow($0, 0.3)) }, 1e-6, "magnitudes")
      out.gradient = Tensor(shape: [3], elements: [1, 1, 1]).storage
      tape.backward()
      let gradient = try #require(x.gradient).elements
      #expect(gradient[0] == 0 && gradient[1] == 0)
      for (bin, unit) in [(1, [0.6, 0.8]), (2, [0.6, 0.8])] {
        for part in 0..<2 {
          let expected = 0.3 * pow(base[bin], -0.7) * unit[part]
          #expect(abs(Double(gradient[2 * bin + part]) / expected - 1) < 1e-5)
        }
      }
    }
  }

  @Test(arguments: [(1, 1, 1), (2, 5, 3), (3, 32, 16)]) func head(sizes: (Int, Int, Int)) throws {
    for drops in [false, true] {
      let count = sizes.0 * sizes.2
      let factors = drops ? (0..<count).map { Float($0 % 3 == 0 ? 0 : 1) / 0.7 } : nil
      let subject = MetricHeadCase(
        batch: sizes.0, features: sizes.1, hidden: sizes.2, dropoutFactors: factors)
      try expectMatchesReference(subject, everyElement: sizes.1 < 32, floor: 1e-8)
      try expectSameInEveryMode(subject)
      try expectAddsGradients(subject)
      for array in subject.arrays where array.name != "param.prelu" {
        var values = subject.randomValues(seed: 1)
        values[array.name]?[0] = .nan
        #expect(try subject.infer(values).contains { $0.isNaN }, "\(array.name)")
      }
    }
  }

  @Test func planes() throws {
    let x = Tensor(shape: [1, 2, 2], elements: [1, 2, 3, 4], requiresGradient: true)
    let y = Tensor(shape: [1, 2, 2], elements: [5, 6, 7, 8])
    let tape = Tape()
    let out = stackedPlanes([x, y, x], tape)
    #expect(out.shape == [1, 2, 2, 3])
    #expect(out.elements == [1, 5, 1, 2, 6, 2, 3, 7, 3, 4, 8, 4])
    out.gradient = Tensor(shape: [12], elements: (0..<12).map(Float.init)).storage
    tape.backward()
    #expect(x.gradient?.elements == [2, 8, 14, 20] && y.gradient == nil)
  }

  /// A weight, u and v with random values; u and v of length 1.
  private func spectralParameters(_ shape: [Int]) -> (ParameterArena, [Parameter]) {
    let arena = ParameterArena()
    let scope = ParameterScope(arena)
    let parameters = [
      scope.parameter("weight", shape, .uniform(bound: 1)),
      scope.parameter("u", [shape[0]], .unitNormal),
      scope.parameter("v", [shape[1...].reduce(1, *)], .unitNormal),
    ]
    arena.allocate(seed: 3)
    return (arena, parameters)
  }

  private static func normalised(_ x: [Double]) -> [Double] {
    let length = x.reduce(0) { $0 + $1 * $1 }.squareRoot()
    return x.map { $0 / max(length, 1e-12) }
  }

  @Test(arguments: [[1, 1], [3, 5], [1, 17], [4, 2, 3, 3], [32, 16, 4, 4]], [false, true])
  func spectral(shape: [Int], iterates: Bool) throws {
    let (arena, p) = spectralParameters(shape)
    let (rows, columns) = (shape[0], p[2].count)
    let weight = p[0].elements.map(Double.init)
    var (u, v) = (p[1].elements.map(Double.init), p[2].elements.map(Double.init))
    #expect(abs(u.reduce(0) { $0 + $1 * $1 } - 1) < 1e-6)
    let upstream = randomFloats(rows * columns, -1...1, seed: 3, stream: "upstream")
    // Two passes before one backward, each with the vectors that it had.
    let tape = Tape()
    var outputs: [Tensor] = []
    var vectors: [(u: [Double], v: [Double])] = []
    func times(_ v: [Double], _ weight: [Double]) -> [Double] {
      (0..<rows).map { i in (0..<columns).reduce(0) { $0 + weight[i * columns + $1] * v[$1] } }
    }
    for _ in 0..<2 {
      if iterates {
        v = Self.normalised(
          (0..<columns).map { j in (0..<rows).reduce(0) { $0 + weight[$1 * columns + j] * u[$1] } })
        u = Self.normalised(times(v, weight))
      }
      vectors.append((u, v))
      outputs.append(spectralNorm(p[0], u: p[1], v: p[2], iterates: iterates, tape))
      expectClose(p[1].elements, u.map(Float.init), 1e-6, "u")
      expectClose(p[2].elements, v.map(Float.init), 1e-6, "v")
    }
    func reference(_ weight: [Double], _ vectors: (u: [Double], v: [Double])) -> [Double] {
      let sigma = zip(vectors.u, times(vectors.v, weight)).reduce(0) { $0 + $1.0 * $1.1 }
      return weight.map { $0 / sigma }
    }
    for (out, vectors) in zip(outputs, vectors) {
      expectClose(out.elements, reference(weight, vectors).map(Float.init), 3e-6, "W/σ")
      out.gradient = Tensor(shape: shape, elements: upstream).storage
    }
    tape.backward()
    let gradient = (0..<rows * columns).map { p[0].gradient[$0] }
    let largest = gradient.reduce(0) { max($0, abs(Double($1))) }
    for index in stride(from: 0, to: gradient.count, by: max(1, gradient.count / 50)) {
      var moved = weight
      let expected = fivePointDerivative(at: weight[index], step: 1e-4) { position in
        moved[index] = position
        return vectors.reduce(0) { sum, vectors in
          sum + zip(reference(moved, vectors), upstream).reduce(0) { $0 + $1.0 * Double($1.1) }
        }
      }
      #expect(abs(Double(gradient[index]) - expected) <= 2e-5 * largest + 1e-6, "\(index)")
    }
    withExtendedLifetime(arena) {}
  }
}
