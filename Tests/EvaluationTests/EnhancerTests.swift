import Evaluation
import Foundation
import Models
import Tensor
import Testing
import TestSupport

/// The enhancer as a library, on lengths that no corpus has.
@Suite struct EnhancerTests {
  @Test(arguments: [1, 2, 127, 128, 256, 257, 258, 511, 512, 513, 8_000, 8_001])
  func lengthIsKept(sampleCount: Int) throws {
    let enhancer = try Enhancer(EnhanceFixture.model())
    let noisy =
      Array(try EnhanceFixture.samples("input.wav").prefix(sampleCount))
      + Array(repeating: Float(0.01), count: max(0, sampleCount - 8_000))
    let enhanced = try enhancer.enhance(noisy)
    #expect(enhanced.count == sampleCount)
    #expect(enhanced.contains { $0 != 0 } && enhanced.allSatisfy(\.isFinite))
  }

  @Test func shortSignalIsThatOfItsPaddedSelf() throws {
    let enhancer = try Enhancer(EnhanceFixture.model())
    let short = Array(try EnhanceFixture.samples("input.wav").prefix(200))
    let padded = try enhancer.enhance(short + Array(repeating: 0, count: 312))
    #expect(try enhancer.enhance(short) == Array(padded.prefix(200)))
  }

  @Test func silenceStaysSilent() throws {
    let enhancer = try Enhancer(EnhanceFixture.model())
    #expect(try enhancer.enhance(Array(repeating: 0, count: 1000)).allSatisfy { $0 == 0 })
  }

  @Test func nothingIsAnError() throws {
    let enhancer = try Enhancer(EnhanceFixture.model())
    #expect(throws: EnhancementError.empty) { try enhancer.enhance([]) }
  }

  @Test func followsTheModelsWeights() throws {
    let model = try EnhanceFixture.model()
    let enhancer = try Enhancer(model)
    let noisy = try EnhanceFixture.samples("input.wav")
    let before = try enhancer.enhance(noisy)
    #expect(try enhancer.enhance(noisy) == before)
    let values = model.parameters.values
    for i in 0..<values.count { values.base[i] *= 0.5 }
    #expect(try enhancer.enhance(noisy) != before)
    // No number may pass for sound.
    model.parameters.parameters.last?.value[0] = .nan
    let error = #expect(throws: EnhancementError.self) { try enhancer.enhance(noisy) }
    #expect(error?.description.contains("not finite") == true)
  }

  /// With hops of half a window the last samples may lie under the edge of one frame alone.
  @Test(arguments: [0, 1, 240, 460, 474, 478, 479]) func endIsAsLoudAsTheRest(rest: Int) throws {
    let text = """
      {
        "name": "half", "title": "Half", "bands": [1, "12x40"], "features": 8, "layers": 1,
        "front_end": { "sample_rate": 48000, "n_fft": 960, "hop": 480 },
        "trunk": { "kind": "lstm", "expand": 1 }, "decoder": { "expansion": 1, "mask_taps": 1 }
      }
      """
    let configuration = try ModelConfiguration(parsing: Array(text.utf8), file: "half")
    let enhancer = try Enhancer(SpeechEnhancer(configuration: configuration, seed: 3))
    let speech = interpolated(try EnhanceFixture.samples("input.wav"), to: 48_000)
    // Loud to its end.
    let noisy = (0..<40 * 480 + rest).map { speech[$0 % 9600] + 0.1 * sin(Float($0)) }
    let enhanced = try enhancer.enhance(noisy)
    #expect(enhanced.count == noisy.count)
    let (body, end) = (enhanced.dropLast(480), enhanced.suffix(480))
    let peak = try #require(body.map(abs).max())
    #expect(peak > 1e-4 && end.allSatisfy { abs($0) < 2 * peak }, "\(end.map(abs).max() ?? 0)")
  }

  @Test func otherSpectraAreRefused() throws {
    let configuration = try ModelConfiguration(
      name: "small", title: "Small", bands: [4, 5], features: 8, layers: 1,
      trunk: BiMambaTrunkConfiguration(paths: [.time]),
      decoder: MaskDecoderConfiguration(expansions: [1, 1], maskTaps: 1))
    let model = SpeechEnhancer(configuration: configuration, seed: 1)
    #expect(throws: EnhancementError.otherFrontEnd(model: "small", bins: 9, .standard)) {
      try Enhancer(model)
    }
  }
}
