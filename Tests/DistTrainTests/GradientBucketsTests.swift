import DistTrain
import Exchange
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
    let ranges = GradientBuckets(count: 2_877_704, bucketBytes: 1 << 20).ranges
    #expect(ranges.count == 22)
    #expect(ranges.dropFirst().allSatisfy { $0.count * 8 == 1 << 20 })
  }

  @Test func narrowNumbersMakeLongerBuckets() {
    let ranges = GradientBuckets(count: 10_000, bucketBytes: 4_096, elementBytes: 2).ranges
    #expect(ranges.dropFirst().allSatisfy { $0.count == 2_048 })
  }
}
