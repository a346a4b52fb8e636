import Foundation
import Tensor
import Testing

struct GradientNormTests {
  /// Sizes below, at and above the kernel's blocks of 1024.
  @Test(arguments: [1, 15, 16, 1023, 1024, 1025, 5000], [Float(1e-10), 1, 1e10])
  func matchesReference(count: Int, size: Float) {
    let arena = randomArena(shapes: [[count], [3]], seed: 1)
    arena.randomizeGradients(-size...size, seed: 2)
    let expected = arena.gradients.elements.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
    #expect(abs(GradientNorm(arena).value - expected) <= 2e-7 * expected)
  }

  /// One bad number anywhere makes the norm bad: training relies on that to skip a step.
  @Test(arguments: [Float.nan, .infinity, -.infinity]) func showsEveryBadGradient(bad: Float) {
    let arena = randomArena(shapes: [[1100], [3]], seed: 1)
    for parameter in arena.parameters {
      for i in 0..<parameter.count {
        let good = parameter.gradient[i]
        parameter.gradient[i] = bad
        #expect(!GradientNorm(arena).value.isFinite)
        parameter.gradient[i] = good
      }
    }
    #expect(GradientNorm(arena).value.isFinite)
  }

  @Test func clipFactor() {
    let arena = randomArena(shapes: [[2]], seed: 1)
    arena.gradients.base[0] = 3
    arena.gradients.base[1] = -4
    let norm = GradientNorm(arena)
    #expect(norm.value == 5)
    #expect(norm.clipFactor(limit: 10) == 1)
    #expect(norm.clipFactor(limit: 5) == Float(5 / (5 + 1e-6)))
    #expect(norm.clipFactor(limit: 0.5) == Float(0.5 / (5 + 1e-6)))
    arena.zeroGradients()
    #expect(GradientNorm(arena).value == 0)
    #expect(GradientNorm(arena).clipFactor(limit: 5) == 1)
  }
}
