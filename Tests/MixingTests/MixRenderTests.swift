import Files
import Foundation
import Mixing
import Synchronization
import Testing

/// Properties of rendered crops, and situations in which other programs have failed.
@Suite struct MixRenderTests {
  private static let whole = """
    {"speech": {"sources": ["s"]},
     "noise": {"sources": ["n"], "second": {"probability": 0.5}},
     "reverberation": {"sources": ["r"], "longest_ms": 300},
     "distortions": {"counts": [1, 1, 1, 1],
       "kinds": [{"kind": "band_limit"}, {"kind": "clipping"}, {"kind": "packet_loss"}]},
     "level": {"rms_db": [-35, -15]}}
    """

  private func source(
    speech: [[Double]], noise: [[Double]] = [], rooms: [[Double]] = []
  ) -> MemorySamples {
    var source = MemorySamples()
    for (part, files) in [(MixPart.speech, speech), (.noise, noise), (.reverberation, rooms)] {
      for (number, samples) in files.enumerated() {
        source.files[MixFile(part, source: 0, file: number)] = [samples]
      }
    }
    return source
  }

  private func render(
    _ mix: MixDescription, _ source: MemorySamples, count: Int, length: Int = 4000,
    rate: Int = 16_000
  ) -> [RenderedItem] {
    var mix = mix
    mix.items = count
    let draw = MixDraw(
      mix, inventory: source.inventory, seed: 9, sampleRate: rate, cropSamples: length)
    let renderer = MixRenderer(
      mix, inventory: source.inventory, sampleRate: rate, short: .padded)
    return (0..<count).map {
      renderer.render(draw.item(epoch: 0, index: $0), from: source)
    }
  }

  @Test func samplesDoNotDependOnOrderOrThread() throws {
    let mix = try description(Self.whole)
    let source = source(
      speech: [noise(9000, seed: 1), noise(2500, seed: 2), noise(4000, seed: 3)],
      noise: [noise(20_000, seed: 4), noise(300, seed: 5)],
      rooms: [response(3000, peak: 40, seed: 6), response(900, peak: 5, seed: 7, sign: -1)])
    let expected = render(mix, source, count: 40)
    var counted = mix
    counted.items = 40
    let draw = MixDraw(
      counted, inventory: source.inventory, seed: 9, sampleRate: 16_000, cropSamples: 4000)
    let wrong = Mutex<[Int]>([])
    DispatchQueue.concurrentPerform(iterations: 3) { [counted] thread in
      let renderer = MixRenderer(
        counted, inventory: source.inventory, sampleRate: 16_000, short: .padded)
      for number in 0..<40 {
        let index = (number * [39, 1, 7][thread] + thread) % 40
        let own = renderer.render(draw.item(epoch: 0, index: index), from: source)
        if own != expected[index] { wrong.withLock { $0.append(index) } }
      }
    }
    #expect(wrong.withLock { $0 } == [])
  }

  @Test func silenceGivesNoNaN() throws {
    let zeros = [Double](repeating: 0, count: 6000)
    let mix = try description(Self.whole)
    let silent = render(
      mix, source(speech: [zeros], noise: [zeros], rooms: [[0, 0, 0]]), count: 60)
    #expect(silent.allSatisfy { $0.noisy.allSatisfy { $0 == 0 } })
    #expect(silent.allSatisfy { $0.target.allSatisfy { $0 == 0 } })
    #expect(silent.allSatisfy { $0.found.isLastResort && $0.found.speechPower == 0 })
    #expect(silent.contains { $0.found.isRoomSilent && $0.found.peak == nil })
    let noises = silent.flatMap(\.found.noises)
    #expect(noises.allSatisfy { $0.attempt == nil } && noises.count >= silent.count)
    let tiny = render(
      mix,
      source(
        speech: [zeros.map { _ in 1e-30 }], noise: [noise(6000, seed: 1)], rooms: [[1e-30, 0]]),
      count: 60)
    for item in tiny {
      #expect((item.noisy + item.target).allSatisfy { $0.isFinite })
    }
  }

  /// Silence of five seconds, then one of voice: a crop of it is never silence.
  @Test func speechAfterSilenceIsFound() throws {
    let mix = try description(#"{"speech": {"sources": ["s"]}}"#)
    var late = [Double](repeating: 0, count: 80_000) + noise(200, seed: 1)
    late += [Double](repeating: 0, count: 20_000)
    let items = render(mix, source(speech: [late]), count: 300, length: 500)
    #expect(items.allSatisfy { $0.target.contains { abs($0) > 0.01 } })
    #expect(items.contains { $0.found.isLastResort })
    #expect(items.contains { !$0.found.isLastResort })
  }

  /// The ratio is that of active speech to noise, whatever the share of the pauses.
  @Test(arguments: [-20.0, 7, 40]) func ratioIsTheOneAskedFor(decibels: Double) throws {
    let mix = try description(
      #"{"speech": {"sources": ["s"]}, "noise": {"sources": ["n"], "snr_db": "#
        + "[\(decibels), \(decibels)]}}")
    let pauses = noise(16_000, seed: 1).enumerated().map { $0 < 3200 ? $1 : 0 }
    let items = render(
      mix, source(speech: [pauses], noise: [noise(50_000, seed: 2, level: 0.9)]), count: 5,
      length: 16_000)
    for item in items {
      let speech = item.target.prefix(3200).map { Double($0 * $0) }.reduce(0, +) / 3200
      let added = zip(item.noisy, item.target).map { Double($0 - $1) }
      let noise = added.map { $0 * $0 }.reduce(0, +) / 16_000
      #expect(abs(10 * log10(speech / noise) - decibels) < 0.01)
      #expect((item.noisy + item.target).allSatisfy { abs($0) <= 0.98 })
    }
    #expect(items.allSatisfy { ($0.found.peakGain != nil) == (decibels == -20) })
  }

  @Test func cancelledMeanAndDeadChannelAreSilent() throws {
    var mix = try description(
      #"{"speech": {"sources": ["s"]}, "noise": {"sources": ["n"], "channel": "mean"}, "#
        + #""reverberation": {"sources": ["r"], "channel": "random", "probability": 1}}"#)
    var source = source(speech: [noise(8000, seed: 1)])
    let left = noise(9000, seed: 2)
    source.files[MixFile(.noise, source: 0, file: 0)] = [left, left.map { -$0 }]
    let room = response(500, peak: 9, seed: 3)
    source.files[MixFile(.reverberation, source: 0, file: 0)] = [
      room, [Double](repeating: 0, count: 500),
    ]
    let items = render(mix, source, count: 30)
    #expect(items.allSatisfy { $0.found.silentNoises == 1 })
    #expect(Set(items.map(\.found.isRoomSilent)) == [true, false])
    for item in items where item.found.isRoomSilent { #expect(item.noisy == item.target) }
    mix.noise?.channel = .random
    #expect(render(mix, source, count: 30).allSatisfy { $0.found.silentNoises == 0 })
  }

  /// Only the pieces that a crop needs are read of a file of hours.
  @Test func attemptsAreReadWhenNeeded() throws {
    let mix = try description(
      #"{"speech": {"sources": ["s"]}, "noise": {"sources": ["n"]}, "#
        + #""reverberation": {"sources": ["r"], "probability": 1, "longest_ms": 50}}"#)
    let counting = CountingSamples(
      inventory: MixInventory(
        speech: [[.init(samples: 1_000_000_000)]], noise: [[.init(samples: 2_000_000_000)]],
        reverberation: [[.init(samples: 700)]]))
    let draw = MixDraw(
      mix, inventory: counting.inventory, seed: 1, sampleRate: 16_000, cropSamples: 4000)
    let renderer = MixRenderer(
      mix, inventory: counting.inventory, sampleRate: 16_000, short: .padded)
    _ = renderer.render(draw.item(epoch: 0, index: 0), from: counting)
    #expect(counting.read.withLock { $0[.noise] } == 4000)
    #expect(counting.read.withLock { $0[.speech] ?? 0 } <= 4000 + 700)
    #expect(counting.read.withLock { $0[.reverberation] } == 700)
  }

  @Test func readingErrorsArePassedOn() throws {
    let mix = try description(#"{"speech": {"sources": ["s"]}}"#)
    let inventory = MixInventory(speech: [[.init(samples: 50)]])
    let draw = MixDraw(mix, inventory: inventory, seed: 1, sampleRate: 16_000, cropSamples: 20)
    let renderer = MixRenderer(mix, inventory: inventory, sampleRate: 16_000, short: .padded)
    #expect(throws: CancellationError.self) {
      try renderer.render(draw.item(epoch: 0, index: 0), from: BrokenSamples())
    }
  }
}

/// Files of any length, of which samples are counted as they are read.
private final class CountingSamples: MixSamples {
  let inventory: MixInventory
  let read = Mutex<[MixPart: Int]>([:])

  init(inventory: MixInventory) { self.inventory = inventory }

  func read(
    _ file: MixFile, channel: MixChannel, from start: Int,
    into samples: UnsafeMutableBufferPointer<Double>
  ) {
    #expect(start >= 0 && start + samples.count <= inventory.samples(of: file))
    read.withLock { $0[file.part, default: 0] += samples.count }
    for index in samples.indices { samples[index] = Double((start + index) % 13) / 13 - 0.4 }
  }
}

private struct BrokenSamples: MixSamples {
  func read(
    _ file: MixFile, channel: MixChannel, from start: Int,
    into samples: UnsafeMutableBufferPointer<Double>
  ) throws(CancellationError) { throw CancellationError() }
}
