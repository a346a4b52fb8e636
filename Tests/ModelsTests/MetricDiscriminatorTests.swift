import Convolution
import Files
import Foundation
import Models
import Tensor
import TestSupport
import Testing

/// The metric discriminator against reference vectors, and what it promises.
struct MetricDiscriminatorTests {
  private func loaded(_ file: SafetensorsFile) throws -> MetricDiscriminator {
    let discriminator = MetricDiscriminator(channels: 4, beta: 1.2, seed: 1)
    let all = discriminator.parameters.parameters + discriminator.spectralState.parameters
    let named = Set(file.tensors.keys.filter { $0.hasPrefix("param.") })
    #expect(named == Set(all.map { "param." + $0.name }))
    for parameter in all {
      let entry = try #require(file.tensors["param." + parameter.name])
      #expect(entry.shape == parameter.shape, "\(parameter.name)")
      for (i, value) in try entry.floats().enumerated() { parameter.value[i] = value }
    }
    return discriminator
  }

  private func tensor(_ file: SafetensorsFile, _ name: String) throws -> Tensor {
    let entry = try #require(file.tensors[name])
    return Tensor(shape: entry.shape, elements: try entry.floats(), requiresGradient: true)
  }

  private func gradient(_ parameter: Parameter) -> [Float] {
    Array(UnsafeBufferPointer(start: parameter.gradient, count: parameter.count))
  }

  /// Three passes in training mode, then one backward: D(x, y), D(x, x), D(y, z).
  @Test(arguments: [1, 3]) func threePasses(threads: Int) throws {
    let file = try golden("discriminator")
    let discriminator = try loaded(file)
    let mask = try #require(file.tensors["in.mask"]).floats()
    let inputs = try ["x", "y", "z"].map { try tensor(file, "in." + $0) }
    let tape = Tape(Execution(threads: threads))
    let pairs = [("first", 0, 1), ("second", 0, 0), ("third", 1, 2)]
    let outputs = pairs.map { _, a, b in
      discriminator(inputs[a], inputs[b], .training(mask: mask), tape)
    }
    for ((name, _, _), out) in zip(pairs, outputs) {
      expectClose(out.elements, try tensor(file, "out." + name).elements, 5e-6, name)
      out.gradient = try tensor(file, "in.gout." + name).storage
    }
    for parameter in discriminator.spectralState.parameters {
      expectClose(
        parameter.elements, try tensor(file, "after." + parameter.name).elements, 5e-6,
        "after \(parameter.name)")
    }
    tape.backward()
    for (name, input) in zip(["x", "y", "z"], inputs) {
      expectClose(
        Array(try #require(input.gradient).buffer), try tensor(file, "grad.in." + name).elements,
        5e-5, name)
    }
    let text = try #require(file.metadata["zero_gradients"])
    let zeros = Set(try JSONDecoder().decode([String].self, from: Data(text.utf8)))
    let largest = discriminator.parameters.gradients.buffer.reduce(0) { max($0, abs($1)) }
    for parameter in discriminator.parameters.parameters {
      if zeros.contains(parameter.name) {
        #expect(gradient(parameter).allSatisfy { abs($0) <= 1e-5 * largest })
      } else {
        expectClose(
          gradient(parameter), try tensor(file, "grad.param." + parameter.name).elements, 5e-5,
          parameter.name)
      }
    }
  }

  @Test func publishedSizes() {
    let discriminator = MetricDiscriminator(beta: 1.2, seed: 1)
    #expect(discriminator.parameters.parameterCount == 181_650)
    #expect(discriminator.spectralState.parameterCount == 2_321)
    #expect(discriminator.hiddenFeatures == 64)
    let names = discriminator.parameters.parameters + discriminator.spectralState.parameters
    #expect(names.count == 34)
    let shapes = Dictionary(uniqueKeysWithValues: names.map { ($0.name, $0.shape) })
    #expect(shapes["layers.9.weight_orig"] == [128, 64, 4, 4])
    #expect(shapes["layers.9.weight_v"] == [1024] && shapes["layers.17.weight_u"] == [1])
    #expect(shapes["layers.18.slope"] == [1] && shapes["layers.16.weight"] == [64])
  }

  /// PyTorch's default laws.
  @Test func initialValues() throws {
    let discriminator = MetricDiscriminator(beta: 1, seed: 1)
    for parameter in discriminator.parameters.parameters {
      let values = parameter.elements
      let fanIn = parameter.shape[1...].reduce(1, *)
      if parameter.name.hasSuffix("weight_orig") {
        let bound = 1 / Float(fanIn).squareRoot()
        #expect(values.allSatisfy { abs($0) <= bound }, "\(parameter.name)")
        #expect(try #require(values.max()) > 0.9 * bound)
        #expect(try #require(values.min()) < -0.9 * bound)
      }
    }
    func values(_ name: String) throws -> [Float] {
      try #require(discriminator.parameters.parameters.first { $0.name == name }).elements
    }
    #expect(try values("layers.1.weight") == Array(repeating: 1, count: 16))
    #expect(try values("layers.4.bias") == Array(repeating: 0, count: 32))
    #expect(try values("layers.8.weight") == Array(repeating: 0.25, count: 64))
    #expect(try values("layers.14.bias").allSatisfy { abs($0) <= 1 / Float(128).squareRoot() })
    #expect(try values("layers.18.slope") == [1])
    for parameter in discriminator.spectralState.parameters {
      let length = parameter.elements.reduce(0) { $0 + $1 * $1 }
      #expect(abs(length - 1) < 1e-5, "\(parameter.name)")
    }
    let other = MetricDiscriminator(beta: 1, seed: 2)
    #expect(other.parameters.values.elements != discriminator.parameters.values.elements)
  }

  private func inputs() -> (Tensor, Tensor) {
    func tensor(_ stream: String) -> Tensor {
      var random = Random(seed: 1, stream: stream)
      return Tensor(
        shape: [2, 35, 33], elements: (0..<2310).map { _ in random.uniform(in: 0, 1) },
        requiresGradient: true)
    }
    return (tensor("reference"), tensor("estimate"))
  }

  /// Evaluation moves nothing, and is training without dropout and iteration.
  @Test func evaluation() {
    let discriminator = MetricDiscriminator(channels: 4, beta: 1.2, seed: 1)
    let (x, y) = inputs()
    let mask = (0..<32).map { Float($0 % 2) }
    func state() -> [Float] { discriminator.spectralState.values.elements }
    let before = state()
    _ = discriminator(x, y, .training(mask: mask), .inference)
    let after = state()
    #expect(before != after)
    let first = discriminator(x, y, .evaluation, .inference).elements
    let second = discriminator(x, y, .evaluation, .inference).elements
    #expect(first == second && state() == after)
    #expect(first.allSatisfy { $0 > 0 && $0 < 1.2 })
  }

  /// Without gradients of the weights those of the inputs are the same bits.
  @Test func inputsOnly() {
    let mask = (0..<32).map { Float($0 % 3 == 0 ? 0 : 1) }
    func gradients(_ differentiatesWeights: Bool) -> ([Float], [Float], [Float]) {
      let discriminator = MetricDiscriminator(channels: 4, beta: 1, seed: 1)
      let (x, y) = inputs()
      let tape = Tape()
      let out = discriminator(
        x, y, .training(mask: mask), differentiatesWeights: differentiatesWeights, tape)
      out.gradient = Tensor(shape: [2], elements: [1, -2]).storage
      tape.backward()
      let weights = discriminator.parameters.parameters.filter { $0.name.hasSuffix("weight_orig") }
      return (
        x.gradient?.elements ?? [], y.gradient?.elements ?? [], weights.flatMap(gradient)
      )
    }
    let (all, some) = (gradients(true), gradients(false))
    #expect(all.0 == some.0 && all.1 == some.1)
    #expect(all.0.contains { $0 != 0 } && all.1.contains { $0 != 0 })
    #expect(all.2.contains { $0 != 0 } && some.2.allSatisfy { $0 == 0 })
  }
}

extension Storage {
  fileprivate var elements: [Float] { Array(buffer) }
}
