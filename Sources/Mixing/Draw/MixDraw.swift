import Files

/// Draws of the items of a mix: which files, where in them, how loud, how distorted.
///
/// An item is a function of description, inventory, seed, epoch, index, crop length and rate alone.
/// Each part of it has a generator of its own, so no part moves the draws of another.
package struct MixDraw: Sendable {
  /// Number of starts of speech, and of noises, that are drawn in case pieces are silent.
  package static let attempts = 10

  package let description: MixDescription
  package let inventory: MixInventory
  package let seed: UInt64
  /// The training rate, in hertz.
  package let sampleRate: Int
  /// Number of samples of a crop; nil for whole utterances.
  package let cropSamples: Int?
  /// Number of utterances of speech.
  package let utteranceCount: Int
  private let orders = PassOrders()
  private let noiseWeights: [Double]
  private let roomWeights: [Double]

  /// Draws of `description` from `inventory`, whose sources must have files.
  package init(
    _ description: MixDescription, inventory: MixInventory, seed: UInt64, sampleRate: Int,
    cropSamples: Int?
  ) {
    precondition(sampleRate > 0, "MixDraw: rate \(sampleRate)")
    precondition(cropSamples.map { $0 > 0 } ?? true, "MixDraw: no samples in a crop")
    inventory.checkFits(description)
    self.description = description
    self.inventory = inventory
    self.seed = seed
    self.sampleRate = sampleRate
    self.cropSamples = cropSamples
    utteranceCount = inventory.utteranceCount
    func weights(_ sources: [MixSource]?, _ files: [[MixInventory.File]]) -> [Double] {
      zip(sources ?? [], files).map { $0.weight ?? Double($1.count) }
    }
    noiseWeights = weights(description.noise?.sources, inventory.noise)
    roomWeights = weights(description.reverberation?.sources, inventory.reverberation)
  }

  /// Number of items of an epoch.
  package var itemsPerEpoch: Int { description.items ?? utteranceCount }

  /// The item `index` of `epoch`, both from 0.
  package func item(epoch: Int, index: Int) -> DrawnItem {
    precondition(
      epoch >= 0 && (0..<itemsPerEpoch).contains(index), "MixDraw: item \(index) of epoch \(epoch)")
    let parts = PartGenerators(seed: seed, epoch: epoch, index: index)
    let (pass, place) = (epoch * itemsPerEpoch + index).quotientAndRemainder(
      dividingBy: utteranceCount)
    let utterance = orders.order(pass: pass, count: utteranceCount, seed: seed)[place]
    let speech = speech(utterance, parts)
    let length = cropSamples ?? inventory.speech[speech.source][speech.file].samples
    return DrawnItem(
      length: length, speech: speech, noises: noises(parts, length: length), room: room(parts),
      distortions: distortions(parts, length: length), level: level(parts))
  }

  private func speech(_ utterance: Int, _ parts: PartGenerators) -> DrawnItem.Speech {
    var (source, file) = (0, utterance)
    while file >= inventory.speech[source].count {
      file -= inventory.speech[source].count
      source += 1
    }
    var starts = [0]
    let samples = inventory.speech[source][file].samples
    if let cropSamples, samples > cropSamples {
      var generator = parts["speech"]
      starts = (0..<Self.attempts).map { _ in generator.below(samples - cropSamples + 1) }
    }
    return DrawnItem.Speech(utterance: utterance, source: source, file: file, starts: starts)
  }

  private func noises(_ parts: PartGenerators, length: Int) -> [[DrawnItem.Noise]] {
    guard let noise = description.noise else { return [] }
    let kinds =
      [(noise.probability, noise.decibels)]
      + (noise.second.map { [($0.probability, $0.decibels)] } ?? [])
    return kinds.enumerated().compactMap { number, kind in
      let (probability, decibels) = kind
      var generator = parts["noise/\(number)"]
      if generator.uniform() >= probability { return nil }
      var ratios = parts["snr/\(number)"]
      let ratio = ratios.uniform()
      return (0..<Self.attempts).map { _ in
        let source = generator.pick(noiseWeights)
        let file = generator.below(inventory.noise[source].count)
        let (samples, channels) = (
          inventory.noise[source][file].samples, inventory.noise[source][file].channels
        )
        let channel = noise.channel == .random ? generator.below(channels) : 0
        let start = generator.below(samples >= length ? samples - length + 1 : samples)
        let range = noise.sources[source].decibels ?? decibels
        return DrawnItem.Noise(
          source: source, file: file, channel: channel, start: start,
          decibels: range.lowerBound + (range.upperBound - range.lowerBound) * ratio)
      }
    }
  }

  private func room(_ parts: PartGenerators) -> DrawnItem.Room? {
    guard let reverberation = description.reverberation else { return nil }
    var generator = parts["rir"]
    if generator.uniform() >= reverberation.probability { return nil }
    let source = generator.pick(roomWeights)
    let file = generator.below(inventory.reverberation[source].count)
    let channels = inventory.reverberation[source][file].channels
    let channel = reverberation.channel == .random ? generator.below(channels) : 0
    return DrawnItem.Room(source: source, file: file, channel: channel)
  }

  private func distortions(_ parts: PartGenerators, length: Int) -> [DrawnDistortion] {
    var generator = parts["distortions"]
    var left = description.distortions
    var drawn: [DrawnDistortion] = []
    for _ in 0..<generator.pick(description.distortionCounts) {
      let distortion = left.remove(at: generator.pick(left.map(\.weight)))
      var own = parts[distortion.name.rawValue]
      if let distortion = distortion.drawn(&own, sampleRate: sampleRate, length: length) {
        drawn.append(distortion)
      }
    }
    return drawn
  }

  private func level(_ parts: PartGenerators) -> Double? {
    guard let level = description.level else { return nil }
    var generator = parts["level"]
    return generator.range(level)
  }
}
