import Tensor
import Testing
import TestSupport

/// The promises of the tape about gradients and the life of activations.
struct TapeTests {
  /// A small block that can be applied several times in a chain.
  private struct Model {
    let arena = ParameterArena()
    let first: BlockLayer
    let second: BlockLayer

    init() {
      let scope = ParameterScope(arena)
      first = BlockLayer(scope.child("first"))
      second = BlockLayer(scope.child("second"))
      arena.allocate(seed: 0)
      for layer in [first, second] { layer.randomize() }
    }
  }

  private struct BlockLayer {
    let arrays: [NamedArray]
    let parameters: [String: Parameter]
    let subject = MambaBlockCase(
      batch: 1, bands: 2, frames: 3, axis: .time,
      sizes: MambaSizesUnderTest(features: 5, states: 2, taps: 3, expansion: 1),
      directions: ["fwd", "bwd"])

    init(_ scope: ParameterScope) {
      arrays = subject.arrays.filter { !$0.isInput }
      parameters = Dictionary(
        uniqueKeysWithValues: arrays.map {
          ($0.shortName, scope.parameter($0.shortName, $0.shape, .zeros))
        })
    }

    func randomize() {
      for array in arrays {
        guard let parameter = parameters[array.shortName] else { continue }
        for (i, value) in array.randomValues(seed: 1).enumerated() { parameter.value[i] = value }
      }
    }

    func callAsFunction(_ x: Tensor, _ tape: Tape) -> Tensor {
      subject.apply(["x": x], parameters, tape)
    }
  }

  private func input(seed: UInt64, requiresGradient: Bool = true) -> Tensor {
    Tensor(
      shape: [1, 2, 3, 5], elements: randomFloats(30, -1...1, seed: seed, stream: "x"),
      requiresGradient: requiresGradient)
  }

  private func seedGradient(_ out: Tensor, seed: UInt64 = 9) {
    let storage = out.gradientStorage()
    for (i, value) in randomFloats(out.count, -1...1, seed: seed, stream: "upstream").enumerated() {
      storage.base[i] = value
    }
  }

  /// Gradients of one application, from zero.
  private func gradients(_ model: Model, of x: Tensor, upstream seed: UInt64) -> [Float] {
    model.arena.zeroGradients()
    let tape = Tape()
    let out = model.first(x, tape)
    seedGradient(out, seed: seed)
    tape.backward()
    return model.arena.gradients.elements
  }

  /// A parameter used twice gets the sum of both gradients, here of two separate inputs.
  @Test func twoUsesOfAParameterAddUp() {
    let model = Model()
    let one = gradients(model, of: input(seed: 1), upstream: 1)
    let two = gradients(model, of: input(seed: 2), upstream: 2)

    model.arena.zeroGradients()
    let tape = Tape()
    let outputs = [model.first(input(seed: 1), tape), model.first(input(seed: 2), tape)]
    #expect(tape.count == 2)
    seedGradient(outputs[0], seed: 1)
    seedGradient(outputs[1], seed: 2)
    tape.backward()
    #expect(tape.count == 0)
    expectClose(
      model.arena.gradients.elements, zip(one, two).map { $0 + $1 }, 1e-6, "both uses")
  }

  /// Two tapes, one after the other, add up in the arena: a step goes utterance by utterance.
  @Test func twoTapesAddUp() {
    let model = Model()
    let one = gradients(model, of: input(seed: 1), upstream: 1)
    let two = gradients(model, of: input(seed: 2), upstream: 2)
    model.arena.zeroGradients()
    for seed in [UInt64(1), 2] {
      let tape = Tape()
      let out = model.first(input(seed: seed), tape)
      seedGradient(out, seed: seed)
      tape.backward()
    }
    expectClose(
      model.arena.gradients.elements, zip(one, two).map { $0 + $1 }, 1e-6, "both tapes")
  }

  /// A tensor read by two operations gets the sum of their gradients.
  @Test func twoReadersOfATensorAddUp() throws {
    let model = Model()
    func inputGradient(_ layers: [BlockLayer]) throws -> [Float] {
      let x = input(seed: 1)
      let tape = Tape()
      let outputs = layers.map { $0(x, tape) }
      outputs.forEach { seedGradient($0) }
      tape.backward()
      return try #require(x.gradient).elements
    }
    let one = try inputGradient([model.first])
    let two = try inputGradient([model.second])
    let both = try inputGradient([model.first, model.second])
    expectClose(both, zip(one, two).map { $0 + $1 }, 1e-6, "both readers")
  }

  /// An operation whose output nobody used has no effect on gradients.
  @Test func unusedOutputsHaveNoGradient() {
    let model = Model()
    let expected = gradients(model, of: input(seed: 1), upstream: 1)
    model.arena.zeroGradients()
    let tape = Tape()
    let out = model.first(input(seed: 1), tape)
    _ = model.second(input(seed: 2), tape)
    seedGradient(out, seed: 1)
    tape.backward()
    #expect(model.arena.gradients.elements == expected)
  }

  /// An input that needs no gradient gets none, and the parameters get the same ones.
  @Test func inputsThatNeedNoGradient() {
    let model = Model()
    let expected = gradients(model, of: input(seed: 1), upstream: 1)
    let x = input(seed: 1, requiresGradient: false)
    #expect(gradients(model, of: x, upstream: 1) == expected)
    #expect(x.gradient == nil)
  }

  @Test func inferenceRecordsNothing() {
    let model = Model()
    let tape = Tape.inference
    #expect(!tape.isRecording)
    let out = model.second(model.first(input(seed: 1), tape), tape)
    #expect(tape.count == 0)
    seedGradient(out)
    tape.backward()
    #expect(model.arena.gradients.elements.allSatisfy { $0 == 0 })

    let recording = Tape()
    let recorded = model.second(model.first(input(seed: 1), recording), recording)
    #expect(recorded.elements == out.elements)
    #expect(recording.count == 2)
  }

  /// The tape keeps activations until their backward step has run, and not a step longer.
  @Test func backwardFreesActivations() {
    let model = Model()
    let tape = Tape()
    weak var middle: Tensor?
    weak var last: Tensor?
    var freedInTime = false
    do {
      let x = input(seed: 1)
      let between = model.first(x, tape)
      tape.record { freedInTime = last == nil }
      let out = model.second(between, tape)
      middle = between
      last = out
      seedGradient(out)
    }
    #expect(middle != nil && last != nil)
    tape.backward()
    #expect(freedInTime)
    #expect(middle == nil && last == nil)
  }

  @Test func inferenceFreesActivationsAtOnce() {
    let model = Model()
    weak var middle: Tensor?
    func forward() -> Tensor {
      let between = model.first(input(seed: 1), .inference)
      middle = between
      return model.second(between, .inference)
    }
    let out = forward()
    #expect(middle == nil)
    #expect(out.count == 30)
  }

  /// Steps run last to first.
  @Test func order() {
    let tape = Tape()
    var seen: [Int] = []
    for i in 0..<4 { tape.record { seen.append(i) } }
    tape.backward()
    #expect(seen == [3, 2, 1, 0])
    tape.backward()
    #expect(seen.count == 4)
  }
}
