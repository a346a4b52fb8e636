import Tensor
import Testing
import TestSupport

struct MovingAverageTests {
  /// average += (1 − min(decay, (1 + n)/(10 + n)))·(value − average) after n updates.
  @Test(arguments: [Float(0.9), 0.999]) func matchesReference(decay: Float) {
    let arena = randomArena(seed: 1)
    let average = MovingAverage(arena, decay: decay)
    #expect(average.values.elements == arena.values.elements)
    var expected = arena.values.elements.map(Double.init)
    for n in 1...200 {
      for parameter in arena.parameters {
        let random = randomFloats(
          parameter.count, -1...1, seed: UInt64(n), stream: parameter.name)
        for (i, value) in random.enumerated() { parameter.value[i] = value }
      }
      average.update(arena)
      let present = min(Double(decay), Double(1 + n) / Double(10 + n))
      for i in expected.indices {
        expected[i] += (1 - present) * (Double(arena.values.base[i]) - expected[i])
      }
    }
    #expect(average.updateCount == 200)
    expectClose(average.values.elements, expected.map(Float.init), 2e-6, "average")
    for i in arena.filling { #expect(average.values.base[i] == 0) }
  }

  @Test func swapsThereAndBack() {
    let arena = randomArena(seed: 1)
    let average = MovingAverage(arena, decay: 0.9)
    arena.parameters[0].value[0] += 1
    average.update(arena)
    let (present, averaged) = (arena.values.elements, average.values.elements)
    #expect(present != averaged)
    average.swap(with: arena)
    #expect(arena.values.elements == averaged && average.values.elements == present)
    average.swap(with: arena)
    #expect(arena.values.elements == present && average.values.elements == averaged)
  }
}
