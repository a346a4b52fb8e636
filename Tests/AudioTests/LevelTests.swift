import Audio
import Testing
import TestSupport

/// Samples above full scale when they are written, and levels that suggest another scale.
@Suite struct LevelTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @Test(arguments: [("c.wav", WaveFile.Encoding.pcm16), ("c.flac", .pcm16), ("c.wav", .float32)])
  func clippedSamplesAreCounted(name: String, encoding: WaveFile.Encoding) throws {
    let samples: [Float] = [0.5, 1, -1, 1.0001, -1.5, 300]
    let writer = try WaveWriter(
      path: folder.file(name), sampleRate: 16_000, sampleCount: 12, encoding: encoding)
    try writer.append(samples)
    try writer.append(samples)
    try writer.finish()
    #expect(writer.clippedCount == (encoding == .pcm16 ? 6 : 0))
  }

  @Test func theScaleOf16BitIntegersIsNoticed() throws {
    let speech = noise(1000)
    #expect(OddLevel("a", speech) == nil)
    #expect(OddLevel("a", speech.map { $0 * 15 }) == nil)
    let integers = try #require(OddLevel("a.wav", speech.map { $0 * 32_768 }))
    #expect(integers.description.hasPrefix("a.wav: samples reach 16"))
    #expect(integers.description.hasSuffix("16-bit integers, divide them by 32768"))
    let twice = try #require(OddLevel("b.wav", speech.map { $0 / 32_768 }))
    #expect(twice.description.contains("were divided by 32768 twice"))
    // Silence, the least value of 16 bits, and a pause of a recording are usual.
    #expect(OddLevel("a", [0, 0]) == nil && OddLevel("a", [0, 1 / 32_768]) == nil)
    #expect(OddLevel("a", [0, 1e-6], isWhole: false) == nil)
    #expect(OddLevel("a", [0, .nan]) == nil)
    #expect(OddLevel.warnings([]) == [])
    // Opposite faults have opposite remedies.
    #expect(OddLevel.warnings([twice, integers]) == ["\(integers)", "\(twice)"])
    let three = OddLevel.warnings([twice, integers, twice, twice])
    #expect(three.first == "\(integers)")
    #expect(three.last?.hasPrefix("\(twice.name) and 2 more recordings: no sample") == true)
  }
}
