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
        #expect(!range.isEmpty && range.count * 8 <= bytes)
        #expect(range.lowerBound * 8 % 64 == 0, "a bucket begins within a cache line")
      }
    }
  }

  @Test func bucketsAreAboutOneMegabyte() {
    let ranges = GradientBuckets(count: 2_877_704).ranges
    #expect(ranges.count == 22)
    #expect(ranges.dropFirst().allSatisfy { $0.count * 8 == 1 << 20 })
  }

  @Test(arguments: [[4], [1, 3], [3, 0, 2], [0, 0, 7, 1], [2, 2, 2, 2]])
  func everyItemWeighsTheSame(counts: [Int]) throws {
    let length = 1_000
    let total = counts.reduce(0, +)
    let results = try LocalCommunicator.run(size: counts.count) { communicator in
      let first = counts.prefix(communicator.rank).reduce(0, +)
      let mine = first..<first + counts[communicator.rank]
      // Whole numbers, whose sums are exact; garbage where there are no items.
      var sums = (0..<length).map { index in
        mine.isEmpty ? Double.infinity : mine.reduce(0.0) { $0 + Double(item($1, index)) }
      }
      var mean = [Float](repeating: .nan, count: length)
      let reduced = try sums.withUnsafeMutableBufferPointer { sums in
        try mean.withUnsafeMutableBufferPointer { mean in
          try GradientBuckets(count: length, bucketBytes: 128)
            .reduce(sums, itemCount: mine.count, mean: mean, over: communicator)
        }
      }
      #expect(reduced == total)
      return mean
    }
    let expected = (0..<length).map { index in
      Float((0..<total).reduce(0.0) { $0 + Double(item($1, index)) } * (1 / Double(total)))
    }
    for gradients in results { #expect(gradients == expected) }
  }

  @Test func stepWithoutAnyItemHasZeroGradients() throws {
    let results = try LocalCommunicator.run(size: 2) { communicator in
      var sums: [Double] = [1, .nan, 3]
      var mean: [Float] = [1, .nan, 3]
      let items = try sums.withUnsafeMutableBufferPointer { sums in
        try mean.withUnsafeMutableBufferPointer { mean in
          try GradientBuckets(count: 3).reduce(sums, itemCount: 0, mean: mean, over: communicator)
        }
      }
      #expect(items == 0)
      return mean
    }
    #expect(results == [[0, 0, 0], [0, 0, 0]])
  }
}

private func item(_ item: Int, _ index: Int) -> Float {
  Float((item * 37 + index * 11) % 127 - 63)
}
