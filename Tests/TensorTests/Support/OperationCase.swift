import Files
import Tensor
import Testing

/// One input or parameter of an operation, named as in the reference vectors: `in.x`, `param.D`.
struct NamedArray: Sendable {
  let name: String
  let shape: [Int]
  /// Where its random values lie.
  let range: ClosedRange<Float>

  init(_ name: String, _ shape: [Int], _ range: ClosedRange<Float>) {
    self.name = name
    self.shape = shape
    self.range = range
  }

  var count: Int { shape.reduce(1, *) }
  var isInput: Bool { name.hasPrefix("in.") }
  /// The name without `in.` or `param.`.
  var shortName: String { String(name.drop { $0 != "." }.dropFirst()) }

  /// Values in `range`, always the same for a seed.
  func randomValues(seed: UInt64) -> [Float] {
    randomFloats(count, range, seed: seed, stream: name)
  }
}

/// An operation at one size, with everything needed to test it: its inputs and parameters, a naive
/// reference in `Double` (forward only), and the operation itself.
///
/// Layouts are those of the reference vectors; a spectrogram there is [B, F, T, 2].
protocol OperationCase: Sendable, CustomTestStringConvertible {
  /// All inputs and parameters.
  var arrays: [NamedArray] { get }
  /// Extents of the output.
  var outputShape: [Int] { get }
  /// Multiply-adds of one reference evaluation, about: says how many differences are affordable.
  var work: Int { get }
  /// Arrays, and `out`, that are [B, F, T, 2] here and [B, T, F, 2] in the operation.
  var spectrograms: Set<String> { get }
  /// Distance of the points of a difference: small where the operation has kinks.
  var differenceStep: Double { get }
  /// The output by textbook loops.
  func reference(_ values: [String: [Double]]) -> [Double]
  /// Runs the operation; both dictionaries are keyed by short names.
  func apply(
    _ inputs: [String: Tensor], _ parameters: [String: Parameter], _ tape: Tape
  ) -> Tensor
}

/// Output and gradients of an operation, in the layouts of its case.
struct Evaluation {
  let out: [Float]
  /// Gradients of Σ out·upstream, by full names.
  let gradients: [String: [Float]]
  /// The norm over the parameters' gradients.
  let gradientNorm: Double
}

extension OperationCase {
  var spectrograms: Set<String> { [] }
  var differenceStep: Double { 1e-3 }

  /// Random inputs and parameters by name.
  func randomValues(seed: UInt64) -> [String: [Float]] {
    Dictionary(uniqueKeysWithValues: arrays.map { ($0.name, $0.randomValues(seed: seed)) })
  }

  /// A random upstream gradient.
  func randomUpstream(seed: UInt64) -> [Float] {
    randomFloats(outputShape.reduce(1, *), -1...1, seed: seed, stream: "upstream")
  }

  /// Runs the operation and its backward step.
  ///
  /// Without `differentiatesInputs` the inputs say that they need no gradient. All gradients are
  /// `initialGradient` before, as if other operations had put that there.
  func evaluate(
    _ values: [String: [Float]], upstream: [Float], differentiatesInputs: Bool = true,
    initialGradient: Float = 0, execution: Execution = Execution()
  ) throws -> Evaluation {
    let (arena, inputs, parameters) = try place(values, differentiatesInputs: differentiatesInputs)
    if initialGradient != 0 {
      arena.gradients.buffer.update(repeating: initialGradient)
      for input in inputs.values {
        input.gradientStorage().buffer.update(repeating: initialGradient)
      }
    }
    let tape = Tape(execution)
    let out = apply(inputs, parameters, tape)
    #expect(tape.count == 1)
    let elements = out.elements
    let swapsOut = spectrograms.contains("out")
    let seed =
      swapsOut
      ? swappingMiddleAxes(upstream, outputShape) : Tensor(shape: outputShape, elements: upstream)
    out.gradient = seed.storage
    tape.backward()

    var gradients: [String: [Float]] = [:]
    for array in arrays {
      if array.isInput {
        let input = try #require(inputs[array.shortName])
        guard differentiatesInputs else {
          #expect(input.gradient == nil)
          continue
        }
        let gradient = Array(try #require(input.gradient).buffer)
        gradients[array.name] =
          spectrograms.contains(array.name)
          ? swappingMiddleAxes(gradient, input.shape).elements : gradient
      } else {
        let parameter = try #require(parameters[array.shortName])
        gradients[array.name] = Array(
          UnsafeBufferPointer(start: parameter.gradient, count: parameter.count))
      }
    }
    return Evaluation(
      out: swapsOut ? swappingMiddleAxes(elements, out.shape).elements : elements,
      gradients: gradients, gradientNorm: GradientNorm(arena).value)
  }

  /// The output alone, without a tape's record.
  func infer(_ values: [String: [Float]]) throws -> [Float] {
    let (_, inputs, parameters) = try place(values, differentiatesInputs: false)
    let out = apply(inputs, parameters, .inference)
    return spectrograms.contains("out")
      ? swappingMiddleAxes(out.elements, out.shape).elements : out.elements
  }

  /// Tensors and registered parameters holding `values`, both by short names.
  private func place(
    _ values: [String: [Float]], differentiatesInputs: Bool
  ) throws -> (ParameterArena, inputs: [String: Tensor], parameters: [String: Parameter]) {
    let arena = ParameterArena()
    let scope = ParameterScope(arena)
    var inputs: [String: Tensor] = [:]
    var parameters: [String: Parameter] = [:]
    for array in arrays {
      if array.isInput {
        let elements = try #require(values[array.name])
        inputs[array.shortName] =
          spectrograms.contains(array.name)
          ? swappingMiddleAxes(elements, array.shape, requiresGradient: differentiatesInputs)
          : Tensor(shape: array.shape, elements: elements, requiresGradient: differentiatesInputs)
      } else {
        parameters[array.shortName] = scope.parameter(array.shortName, array.shape, .zeros)
      }
    }
    arena.allocate(seed: 0)
    for array in arrays where !array.isInput {
      let parameter = try #require(parameters[array.shortName])
      for (i, value) in try #require(values[array.name]).enumerated() { parameter.value[i] = value }
    }

    return (arena, inputs, parameters)
  }
}

/// A tensor of [a, c, b, d] from elements of shape [a, b, c, d].
func swappingMiddleAxes(
  _ elements: [Float], _ shape: [Int], requiresGradient: Bool = false
) -> Tensor {
  let (a, b, c, d) = (shape[0], shape[1], shape[2], shape[3])
  let tensor = Tensor(shape: [a, c, b, d], requiresGradient: requiresGradient)
  for i in 0..<a {
    for j in 0..<b {
      for k in 0..<c {
        for l in 0..<d {
          tensor.base[((i * c + k) * b + j) * d + l] = elements[((i * b + j) * c + k) * d + l]
        }
      }
    }
  }
  return tensor
}

/// Floats in `range`, always the same for a seed and a stream.
func randomFloats(
  _ count: Int, _ range: ClosedRange<Float>, seed: UInt64, stream: String
) -> [Float] {
  var random = Random(seed: seed, stream: stream)
  return (0..<count).map { _ in random.uniform(in: range.lowerBound, range.upperBound) }
}

/// The registered parameter of this short name.
func parameter(_ parameters: [String: Parameter], _ name: String) -> Parameter {
  guard let parameter = parameters[name] else { preconditionFailure("no parameter \(name)") }
  return parameter
}

/// The registered weight and bias of a linear layer or norm of this short name.
func affineParameters(_ parameters: [String: Parameter], _ name: String) -> AffineParameters {
  AffineParameters(
    weight: parameter(parameters, name + ".weight"), bias: parameter(parameters, name + ".bias"))
}
