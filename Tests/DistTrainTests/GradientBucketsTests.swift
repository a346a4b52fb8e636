import DistTrain
import Testing

@Suite struct GradientBucketsTests {
  @Test(arguments: [0, 1, 15, 16, 17, 256, 1_000, 262_144, 2_900_001])
  func rangesCoverTheBufferOnceFromItsEnd(count: Int) {
    for bytes in [64, 100, 4_096, 1 << 20, 1 << 30] {
      let ranges = GradientBuckets(count: count, bucketBytes: bytes).ranges
      #expect(ranges.reversed().flatMap { [$0.lowerBound, $0.upperBound] }.first ?? 0 == 0)
      #expect((ranges.first?.upperBound ?? 0) == count)
      for (later, earlier) in zip(ranges, ranges.dropFirst()) {
        #expect(earlier.upperBound == later.lowerBound)
      }
      for range in ranges {
        #expect(!range.isEmpty && range.count * 4 <= bytes)
        #expect(range.lowerBound * 4 % 64 == 0, "a bucket begins within a cache line")
      }
    }
  }

  @Test func bucketsAreAboutOneMegabyte() {
    let ranges = GradientBuckets(count: 2_877_704).ranges
    #expect(ranges.count == 11)
    #expect(ranges.dropFirst().allSatisfy { $0.count * 4 == 1 << 20 })
  }

  @Test(arguments: [[4], [1, 3], [3, 0, 2], [0, 0, 7, 1], [2, 2, 2, 2]])
  func everyItemWeighsTheSame(counts: [Int]) throws {
    let length = 1_000
    let total = counts.reduce(0, +)
    let results = try LocalCommunicator.run(size: counts.count) { communicator in
      let first = counts.prefix(communicator.rank).reduce(0, +)
      let mine = first..<first + counts[communicator.rank]
      // Whole numbers, whose sums are exact; garbage where there are no items.
      var gradients = (0..<length).map { index in
        mine.isEmpty ? Float.infinity : mine.reduce(Float(0)) { $0 + item($1, index) }
      }
      let reduced = try gradients.withUnsafeMutableBufferPointer {
        try GradientBuckets(count: length, bucketBytes: 128)
          .reduce(gradients: $0, itemCount: mine.count, over: communicator)
      }
      #expect(reduced == total)
      return gradients
    }
    let expected = (0..<length).map { index in
      (0..<total).reduce(Float(0)) { $0 + item($1, index) } * (1 / Float(total))
    }
    for gradients in results { #expect(gradients == expected) }
  }

  @Test func stepWithoutAnyItemHasZeroGradients() throws {
    let results = try LocalCommunicator.run(size: 2) { communicator in
      var gradients: [Float] = [1, .nan, 3]
      let items = try gradients.withUnsafeMutableBufferPointer {
        try GradientBuckets(count: 3).reduce(gradients: $0, itemCount: 0, over: communicator)
      }
      #expect(items == 0)
      return gradients
    }
    #expect(results == [[0, 0, 0], [0, 0, 0]])
  }
}

private func item(_ item: Int, _ index: Int) -> Float {
  Float((item * 37 + index * 11) % 127 - 63)
}
