import Audio
import Files
import Platform

/// A random crop of fixed length of each utterance, which changes with every epoch.
///
/// The crop is a function of seed, epoch and the utterance's name alone: neither the rank that
/// loads the utterance, nor the time, nor the rest of the corpus changes it.
public struct RandomCrop: Sendable, Equatable {
  /// Length of a crop, in samples.
  public var sampleCount: Int
  /// Seed of the crops.
  public var seed: UInt64

  /// Whether zeros follow an utterance shorter than a crop; otherwise it is repeated from its
  /// start.
  public var padsShort = false
  /// Whether both sides are multiplied by the factor that brings the whole noisy utterance to an
  /// RMS of 1.
  public var levelsUtterances = false

  /// Crops of `sampleCount` samples, such as 32,000 for 2 s at 16 kHz.
  public init(sampleCount: Int, seed: UInt64) {
    precondition(sampleCount > 0, "RandomCrop: sampleCount \(sampleCount)")
    self.sampleCount = sampleCount
    self.seed = seed
  }

  /// Range of the samples in the crop of an utterance in `epoch`; all samples if the utterance is
  /// no longer than a crop.
  public func range(epoch: Int, name: String, utteranceSampleCount: Int) -> Range<Int> {
    if utteranceSampleCount <= sampleCount { return 0..<utteranceSampleCount }
    var ofEpoch = SplitMix64(seed: seed, stream: UInt64(bitPattern: Int64(epoch)))
    var random = SplitMix64(seed: ofEpoch.next(), label: name)
    let start = random.below(utteranceSampleCount - sampleCount + 1)
    return start..<start + sampleCount
  }

  /// Loads the crop of both sides, `sampleCount` samples each at `sampleRate`, in hertz. An
  /// utterance shorter than a crop is repeated from its start, or padded. `factor` is the one by
  /// which both sides were multiplied.
  ///
  /// - Throws: `WaveFileError` if a file cannot be read or has changed since it was inspected.
  public func load(
    _ pair: UtterancePair, epoch: Int, sampleRate: Int,
    with reader: RecordingReader = RecordingReader()
  ) throws(WaveFileError) -> (clean: [Float], noisy: [Float], factor: Float) {
    let range = range(
      epoch: epoch, name: pair.name, utteranceSampleCount: pair.sampleCount)
    let clean = try reader.read(pair.clean, range: range, sampleRate: sampleRate)
    guard levelsUtterances else {
      let noisy = try reader.read(pair.noisy, range: range, sampleRate: sampleRate)
      return (filled(clean), filled(noisy), 1)
    }
    let whole = try reader.read(
      pair.noisy, range: 0..<pair.sampleCount, sampleRate: sampleRate)
    var level = LevelSum()
    level.add(whole)
    let factor = level.factor
    return (filled(clean.map { $0 * factor }), filled(whole[range].map { $0 * factor }), factor)
  }

  private func filled(_ samples: [Float]) -> [Float] {
    if samples.count == sampleCount { return samples }
    if padsShort { return samples + Array(repeating: 0, count: sampleCount - samples.count) }
    return (0..<sampleCount).map { samples[$0 % samples.count] }
  }
}

/// The order in which an epoch visits the utterances.
public enum EpochOrder {
  /// A permutation of 0..<count, a function of seed and epoch alone. In 32 bits, since every rank
  /// holds that of its epoch, with a number for each utterance.
  public static func permutation(seed: UInt64, epoch: Int, count: Int) -> [UInt32] {
    var random = SplitMix64(seed: seed, stream: UInt64(bitPattern: Int64(epoch)))
    var order = Array(0..<UInt32(count))
    // As `SplitMix64.shuffled`, and in another module thirty times as fast.
    order.withUnsafeMutableBufferPointer { order in
      for i in stride(from: order.count - 1, to: 0, by: -1) { order.swapAt(i, random.below(i + 1)) }
    }
    return order
  }
}
