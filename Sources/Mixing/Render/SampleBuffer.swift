/// Memory for samples that is used again for each crop; contents do not survive `take`.
final class SampleBuffer {
  private var memory = UnsafeMutableBufferPointer<Double>.allocate(capacity: 0)

  deinit { memory.deallocate() }

  /// Memory of `count` samples, whose values are arbitrary.
  func take(_ count: Int) -> UnsafeMutableBufferPointer<Double> {
    if memory.count < count {
      memory.deallocate()
      memory = .allocate(capacity: count)
      memory.initialize(repeating: 0)
    }
    return .init(rebasing: memory[..<count])
  }
}

extension UnsafeMutableBufferPointer<Double> {
  /// The part `range`, as memory of its own.
  func part(_ range: Range<Int>) -> Self { .init(rebasing: self[range]) }

  var constant: UnsafeBufferPointer<Double> { .init(self) }

  /// Sets all samples to those of `other`, of the same length.
  func copy(_ other: UnsafeBufferPointer<Double>) {
    precondition(count == other.count, "copy: \(other.count) samples into \(count)")
    _ = update(fromContentsOf: other)
  }

  /// Sets all samples to those of `period`, again and again, from its sample `start` on.
  func repeatPeriod(_ period: UnsafeBufferPointer<Double>, from start: Int = 0) {
    var (place, from) = (0, start)
    while place < count {
      let length = Swift.min(count - place, period.count - from)
      part(place..<place + length).copy(.init(rebasing: period[from..<from + length]))
      place += length
      from = 0
    }
  }

  func scale(by factor: Double) {
    for index in indices { self[index] *= factor }
  }

  /// Adds `factor` times the samples of `other`, of the same length.
  func add(_ other: UnsafeBufferPointer<Double>, times factor: Double) {
    precondition(count == other.count, "add: \(other.count) samples to \(count)")
    for index in indices { self[index] += factor * other[index] }
  }
}

extension UnsafeBufferPointer<Double> {
  /// Place of the first sample of the largest magnitude; 0 without samples.
  var peak: Int {
    var (place, largest) = (0, 0.0)
    for index in indices where abs(self[index]) > largest {
      (place, largest) = (index, abs(self[index]))
    }
    return place
  }

  /// The samples as floats.
  var floats: [Float] {
    [Float](unsafeUninitializedCapacity: count) { result, written in
      for index in indices { result.initializeElement(at: index, to: Float(self[index])) }
      written = count
    }
  }
}
