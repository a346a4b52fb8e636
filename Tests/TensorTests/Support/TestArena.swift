import Tensor

/// An arena of parameters with random values and gradients.
///
/// By default of awkward sizes: less than a cache line, exactly one, more than one.
func randomArena(
  shapes: [[Int]] = [[3], [16], [5, 7], [1], [33]], values: ClosedRange<Float> = -1...1,
  seed: UInt64
) -> ParameterArena {
  let arena = ParameterArena()
  let scope = ParameterScope(arena).child("test")
  for (i, shape) in shapes.enumerated() { _ = scope.parameter("p\(i)", shape, .zeros) }
  arena.allocate(seed: 0)
  for parameter in arena.parameters {
    let random = randomFloats(parameter.count, values, seed: seed, stream: parameter.name)
    for (i, value) in random.enumerated() { parameter.value[i] = value }
  }
  arena.randomizeGradients(seed: seed)
  return arena
}

extension ParameterArena {
  /// Gives every parameter a random gradient in `range`, leaving the filling alone.
  func randomizeGradients(_ range: ClosedRange<Float> = -1...1, seed: UInt64) {
    for parameter in parameters {
      let random = randomFloats(
        parameter.count, range, seed: seed, stream: "gradient of \(parameter.name)")
      for (i, value) in random.enumerated() { parameter.gradient[i] = value }
    }
  }

  /// Places of the buffers that belong to no parameter.
  var filling: [Int] {
    var used = Set<Int>()
    for parameter in parameters {
      used.formUnion(parameter.offset..<parameter.offset + parameter.count)
    }
    return (0..<count).filter { !used.contains($0) }
  }
}

extension Storage {
  /// A copy of the elements.
  var elements: [Float] { Array(buffer) }
}
