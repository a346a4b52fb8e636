import Convolution
import Tensor
import TestSupport
import Testing

/// Instance norm with PReLU, or one of them.
struct PixelNormCase: OperationCase {
  let shape: [Int]
  var hasNorm = true
  var hasSlope = true

  var arrays: [NamedArray] {
    let channels = shape[3]
    return [NamedArray("in.x", shape, -2...3)]
      + (hasNorm
        ? [
          NamedArray("param.norm.weight", [channels], 0.6...1.4),
          NamedArray("param.norm.bias", [channels], -0.3...0.3),
        ] : []) + (hasSlope ? [NamedArray("param.slope", [channels], 0.1...0.4)] : [])
  }
  var outputShape: [Int] { shape }
  var work: Int { 10 * shape.reduce(1, *) }
  var differenceStep: Double { 1e-6 }
  var testDescription: String { "\(shape), norm \(hasNorm), PReLU \(hasSlope)" }

  func reference(_ values: [String: [Double]]) -> [Double] {
    func array(_ name: String) -> [Double]? { values["param.\(name)"] }
    let x = values["in.x"] ?? []
    guard hasNorm else {
      return x.indices.map { x[$0] > 0 ? x[$0] : (array("slope") ?? [])[$0 % shape[3]] * x[$0] }
    }
    return Reference.instanceNorm2d(
      x, shape, weight: array("norm.weight") ?? [], bias: array("norm.bias") ?? [],
      slope: array("slope"))
  }

  func apply(
    _ inputs: [String: Tensor], _ parameters: [String: Parameter], _ tape: Tape
  ) -> Tensor {
    guard let x = inputs["x"] else { preconditionFailure("missing input") }
    guard hasNorm else { return prelu(x, slope: parameter(parameters, "slope"), tape) }
    return instanceNorm2d(
      x, affineParameters(parameters, "norm"),
      slope: hasSlope ? parameter(parameters, "slope") : nil,
      tape)
  }
}

/// The global maximum.
struct MaximumCase: OperationCase {
  let shape: [Int]

  var arrays: [NamedArray] { [NamedArray("in.x", shape, -2...1)] }
  var outputShape: [Int] { [shape[0], shape[3]] }
  var work: Int { shape.reduce(1, *) }
  var differenceStep: Double { 1e-6 }
  var testDescription: String { "\(shape)" }

  func reference(_ values: [String: [Double]]) -> [Double] {
    Reference.globalMaximum(values["in.x"] ?? [], shape)
  }

  func apply(
    _ inputs: [String: Tensor], _ parameters: [String: Parameter], _ tape: Tape
  ) -> Tensor {
    guard let x = inputs["x"] else { preconditionFailure("missing input") }
    return globalMaximum(x, tape)
  }
}

/// Operations on the pixels of an image against their witnesses.
struct PixelOperationTests {
  static let shapes = [
    [1, 3, 2, 1], [2, 3, 5, 2], [1, 7, 4, 3], [2, 5, 3, 16], [1, 1, 9, 17], [2, 31, 19, 32],
    [1, 40, 33, 5],
  ]

  static let norms: [PixelNormCase] = shapes.flatMap { shape in
    [
      PixelNormCase(shape: shape), PixelNormCase(shape: shape, hasSlope: false),
      PixelNormCase(shape: shape, hasNorm: false),
    ]
  }

  @Test(arguments: norms) func norm(subject: PixelNormCase) throws {
    try expectMatchesReference(subject, floor: 1e-8)
  }

  @Test func everyNormGradient() throws {
    try expectMatchesReference(
      PixelNormCase(shape: [2, 3, 4, 3]), everyElement: true, floor: 1e-8)
  }

  /// One pixel has no deviation: the output is the bias, and nothing depends on the input.
  @Test func onePixel() throws {
    let subject = PixelNormCase(shape: [2, 1, 1, 3])
    let values = subject.randomValues(seed: 1)
    let evaluation = try subject.evaluate(values, upstream: subject.randomUpstream(seed: 1))
    let bias = try #require(values["param.norm.bias"])
    let slope = try #require(values["param.slope"])
    let expected = (0..<6).map { bias[$0 % 3] > 0 ? bias[$0 % 3] : slope[$0 % 3] * bias[$0 % 3] }
    #expect(evaluation.out == expected)
    #expect(evaluation.gradients["in.x"]?.allSatisfy { $0 == 0 } == true)
  }

  /// The gradient of a PReLU at 0 is its slope.
  @Test func kink() {
    let arena = ParameterArena()
    let slope = ParameterScope(arena).parameter("slope", [1], .constant(0.25))
    arena.allocate(seed: 0)
    let x = Tensor(shape: [1, 1, 3, 1], elements: [0, -1, 1], requiresGradient: true)
    let tape = Tape()
    let out = prelu(x, slope: slope, tape)
    #expect(out.elements == [0, -0.25, 1])
    out.gradient = Tensor(shape: out.shape, elements: [1, 1, 1]).storage
    tape.backward()
    #expect(x.gradient?.elements == [0.25, 0.25, 1])
    #expect(slope.gradient[0] == -1)
  }

  /// A small deviation beside a large mean: a sum of squares without the mean would lose it.
  @Test func largeMean() {
    let arena = ParameterArena()
    let scope = ParameterScope(arena)
    let affine = AffineParameters(
      weight: scope.parameter("w", [16], .ones), bias: scope.parameter("b", [16], .zeros))
    arena.allocate(seed: 0)
    let x = randomFloats(40 * 50 * 16, 999...1001, seed: 1, stream: "x")
    let out = instanceNorm2d(
      Tensor(shape: [1, 40, 50, 16], elements: x), affine, slope: nil, .inference)
    let expected = Reference.instanceNorm2d(
      x.map(Double.init), out.shape, weight: Array(repeating: 1, count: 16),
      bias: Array(repeating: 0, count: 16), slope: nil)
    expectClose(out.elements, expected.map(Float.init), 1e-4, "normalised")
  }

  @Test(arguments: shapes) func maximum(shape: [Int]) throws {
    try expectMatchesReference(MaximumCase(shape: shape), floor: 1e-8)
  }

  @Test func modes() throws {
    for subject in [
      PixelNormCase(shape: [2, 21, 19, 5]), PixelNormCase(shape: [2, 21, 19, 32]),
      PixelNormCase(shape: [2, 21, 19, 5], hasNorm: false),
    ] {
      try expectSameInEveryMode(subject)
      try expectAddsGradients(subject)
      try expectNaNShows(subject)
      try expectUpstreamNaNShows(subject)
      try expectSameOnThreads(subject)
    }
    let maximum = MaximumCase(shape: [2, 5, 4, 3])
    try expectSameInEveryMode(maximum)
    try expectAddsGradients(maximum)
  }

  /// The first of equal numbers by rows gets the gradient, and NaN is the largest.
  @Test func firstOfEqual() {
    let x = Tensor(
      shape: [1, 2, 3, 2], elements: [1, 0, 2, 5, 3, 5, 3, .nan, 3, 9, 1, .nan],
      requiresGradient: true)
    let tape = Tape()
    let out = globalMaximum(x, tape)
    #expect(out.elements[0] == 3 && out.elements[1].isNaN)
    out.gradient = Tensor(shape: [1, 2], elements: [7, 8]).storage
    tape.backward()
    #expect(x.gradient?.elements == [0, 0, 0, 0, 7, 0, 0, 8, 0, 0, 0, 0])
  }
}
