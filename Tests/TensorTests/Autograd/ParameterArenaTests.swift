import Tensor
import Testing

struct ParameterArenaTests {
  /// Every parameter starts a cache line of the values and of the gradients, in order.
  @Test func layout() {
    let arena = randomArena(seed: 1)
    var next = 0
    for parameter in arena.parameters {
      #expect(Int(bitPattern: parameter.value) % 64 == 0)
      #expect(Int(bitPattern: parameter.gradient) % 64 == 0)
      #expect(parameter.offset == next)
      #expect(parameter.value == arena.values.base + next)
      #expect(parameter.gradient == arena.gradients.base + next)
      next += (parameter.count + 15) / 16 * 16
    }
    #expect(arena.count == next && arena.gradients.count == next)
    #expect(arena.parameterCount == 3 + 16 + 35 + 1 + 33)
    #expect(arena.parameters.map(\.name) == (0..<5).map { "test.p\($0)" })
    for i in arena.filling { #expect(arena.values.base[i] == 0 && arena.gradients.base[i] == 0) }
  }

  /// A parameter keeps its memory; and an arena goes, with its memory, although it holds
  /// parameters.
  @Test func parametersKeepTheirMemory() throws {
    weak var arena: ParameterArena?
    weak var memory: Storage?
    func make() throws -> Parameter {
      let made = ParameterArena()
      (arena, memory) = (made, nil)
      let parameter = ParameterScope(made).parameter("p", [3], .ones)
      made.allocate(seed: 0)
      memory = made.values
      return parameter
    }
    func use() throws {
      let parameter = try make()
      #expect(arena == nil && memory != nil)
      #expect(parameter.elements == [1, 1, 1])
      parameter.gradient[2] = 4
      #expect(parameter.gradient[2] == 4)
    }
    try use()
    #expect(memory == nil)
  }

  @Test func zeroGradientsClearsAll() {
    let arena = randomArena(seed: 1)
    #expect(arena.gradients.elements.contains { $0 != 0 })
    arena.zeroGradients()
    #expect(arena.gradients.elements.allSatisfy { $0 == 0 })
  }

  /// A parameter's first value depends on the seed and its name, not on its neighbours.
  @Test func firstValuesAreIndependent() {
    func values(_ names: [String], seed: UInt64) -> [String: [Float]] {
      let arena = ParameterArena()
      let scope = ParameterScope(arena)
      for name in names { _ = scope.parameter(name, [20], .uniform(bound: 1)) }
      arena.allocate(seed: seed)
      return Dictionary(
        uniqueKeysWithValues: arena.parameters.map { ($0.name, $0.elements) })
    }
    let all = values(["a", "b", "c"], seed: 1)
    #expect(values(["c", "a"], seed: 1)["a"] == all["a"])
    #expect(values(["c", "a"], seed: 1)["c"] == all["c"])
    #expect(all["a"] != all["b"])
    #expect(values(["a"], seed: 2)["a"] != all["a"])
  }
}
