import Convolution
import Tensor
import TestSupport
import Testing

/// Convolutions against plain loops and their differences, over awkward sizes.
struct ConvolutionTests {
  private static let kernels = [
    Extent2d(1, 1), Extent2d(1, 3), Extent2d(3, 3), Extent2d(4, 4), Extent2d(2, 5),
  ]
  private static let strides = [Extent2d(1, 1), Extent2d(2, 2), Extent2d(1, 2), Extent2d(3, 2)]
  private static let dilations = [Extent2d(1, 1), Extent2d(2, 1), Extent2d(4, 1), Extent2d(1, 2)]
  private static let paddings = [Extent2d(0, 0), Extent2d(1, 1), Extent2d(2, 1), Extent2d(4, 3)]
  private static let inputs = [[1], [2], [3], [17], [16, 16], [3, 16, 1]]
  private static let outputs = [1, 2, 3, 17, 64, 80]
  private static let extents = [
    Extent2d(1, 1), Extent2d(5, 7), Extent2d(2, 13), Extent2d(13, 2), Extent2d(17, 9),
  ]

  /// Any two of the values above meet in some case, unless nothing would be left of the image.
  static let awkward: [ConvolutionCase] = {
    let counts = [
      kernels.count, strides.count, dilations.count, paddings.count, inputs.count, outputs.count,
      extents.count, 2, 2,
    ]
    return allPairs(counts).compactMap { row in
      let geometry = Convolution2d(
        kernel: kernels[row[0]], stride: strides[row[1]], dilation: dilations[row[2]],
        padding: paddings[row[3]])
      let out = geometry.outputExtent(of: extents[row[6]])
      guard out.height > 0 && out.width > 0 else { return nil }
      return ConvolutionCase(
        batch: 1 + row[7], extent: extents[row[6]], inputs: inputs[row[4]],
        outputs: outputs[row[5]], geometry: geometry, hasBias: row[8] == 0,
        hasTensorWeight: row[7] == row[8])
    }
  }()

  static let awkwardTransposed: [ConvolutionCase] = {
    let counts = [
      kernels.count, strides.count, dilations.count, paddings.count, inputs.count, outputs.count,
      extents.count, 2, 2,
    ]
    return allPairs(counts).compactMap { row in
      let geometry = Convolution2d(
        kernel: kernels[row[0]], stride: strides[row[1]], dilation: dilations[row[2]],
        padding: paddings[row[3]])
      let out = geometry.transposedExtent(of: extents[row[6]])
      guard out.height > 0 && out.width > 0 else { return nil }
      return ConvolutionCase(
        batch: 1 + row[7], extent: extents[row[6]], inputs: [inputs[row[4]].reduce(0, +)],
        outputs: outputs[row[5]], geometry: geometry, isTransposed: true, hasBias: row[8] == 0,
        hasTensorWeight: row[7] == row[8])
    }
  }()

  @Test func enoughCases() {
    #expect(Self.awkward.count > 30 && Self.awkwardTransposed.count > 30)
    #expect(Self.awkward.contains { $0.extent.width < $0.geometry.kernel.width })
  }

  @Test(arguments: awkward) func matchesReference(subject: ConvolutionCase) throws {
    try expectMatchesReference(subject)
  }

  @Test(arguments: awkwardTransposed) func transposedMatchesReference(
    subject: ConvolutionCase
  ) throws { try expectMatchesReference(subject) }

  /// The shapes of the metric discriminator and of SEMamba, on smaller images.
  static let published: [ConvolutionCase] = {
    let discriminator = [2, 16, 32, 64].map { inputs in
      ConvolutionCase(
        batch: 1, extent: Extent2d(33, 31), inputs: [inputs],
        outputs: inputs == 2 ? 16 : 2 * inputs,
        geometry: Convolution2d(
          kernel: Extent2d(4, 4), stride: Extent2d(2, 2), padding: Extent2d(1, 1)),
        hasBias: false, hasTensorWeight: true)
    }
    let dense = (0..<4).map { layer in
      ConvolutionCase(
        batch: 1, extent: Extent2d(19, 13), inputs: Array(repeating: 64, count: layer + 1),
        outputs: 64,
        geometry: Convolution2d(
          kernel: Extent2d(3, 3), dilation: Extent2d(1 << layer, 1),
          padding: Extent2d(1 << layer, 1)))
    }
    let narrow = Convolution2d(kernel: Extent2d(1, 3), stride: Extent2d(1, 2))
    return discriminator + dense + [
      ConvolutionCase(
        batch: 1, extent: Extent2d(7, 201), inputs: [64], outputs: 64, geometry: narrow),
      ConvolutionCase(
        batch: 1, extent: Extent2d(7, 100), inputs: [64], outputs: 64, geometry: narrow,
        isTransposed: true),
    ]
  }()

  @Test(arguments: published) func publishedShapes(subject: ConvolutionCase) throws {
    try expectMatchesReference(subject)
  }

  /// Small enough to differentiate by every element.
  @Test(arguments: [false, true]) func everyGradient(isTransposed: Bool) throws {
    let subject = ConvolutionCase(
      batch: 2, extent: Extent2d(5, 4), inputs: isTransposed ? [3] : [2, 1], outputs: 3,
      geometry: Convolution2d(
        kernel: Extent2d(3, 2), stride: Extent2d(2, 1), dilation: Extent2d(1, 2),
        padding: Extent2d(1, 2)), isTransposed: isTransposed)
    try expectMatchesReference(subject, seed: 2, everyElement: true)
  }

  @Test(arguments: [false, true]) func everyMode(isTransposed: Bool) throws {
    let subject = ConvolutionCase(
      batch: 2, extent: Extent2d(9, 21), inputs: isTransposed ? [19] : [3, 16], outputs: 18,
      geometry: Convolution2d(
        kernel: Extent2d(3, 3), stride: Extent2d(1, 2), padding: Extent2d(1, 1)),
      isTransposed: isTransposed)
    try expectSameInEveryMode(subject)
    try expectAddsGradients(subject)
    try expectNaNShows(subject)
    try expectUpstreamNaNShows(subject)
  }

  /// Threads change no bit.
  @Test(arguments: [false, true]) func threads(isTransposed: Bool) throws {
    let subject = ConvolutionCase(
      batch: 2, extent: Extent2d(37, 21), inputs: isTransposed ? [19] : [3, 16], outputs: 18,
      geometry: Convolution2d(
        kernel: Extent2d(3, 3), stride: Extent2d(2, 1), padding: Extent2d(1, 1)),
      isTransposed: isTransposed)
    try expectSameOnThreads(subject)
  }

  /// An input that is there twice gets both gradients.
  @Test func sharedInput() throws {
    let geometry = Convolution2d(kernel: Extent2d(3, 3), padding: Extent2d(1, 1))
    let elements = randomFloats(5 * 6 * 3, -1...1, seed: 1, stream: "x")
    let weights = randomFloats(2 * 6 * 9, -1...1, seed: 1, stream: "w")
    func gradients(_ inputs: [Tensor]) -> [[Float]] {
      let tape = Tape()
      let weight = Tensor(shape: [2, 6, 3, 3], elements: weights, requiresGradient: true)
      let out = convolution2d(inputs, weight: .tensor(weight), geometry: geometry, tape)
      out.gradient =
        Tensor(
          shape: out.shape, elements: randomFloats(out.count, -1...1, seed: 1, stream: "dout")
        ).storage
      tape.backward()
      return inputs.map { $0.gradient?.elements ?? [] } + [weight.gradient?.elements ?? []]
    }
    func input() -> Tensor {
      Tensor(shape: [1, 5, 6, 3], elements: elements, requiresGradient: true)
    }
    let shared = input()
    let twice = gradients([shared, shared])
    let apart = gradients([input(), input()])
    #expect(twice[2] == apart[2])
    expectClose(twice[0], zip(apart[0], apart[1]).map { $0 + $1 }, 1e-6, "sum of gradients")
  }
}
