import Audio
import Foundation

/// Renders the items of a mix: their samples, in double precision until the end.
///
/// An instance keeps memory and plans for the next item and serves one thread at a time. Samples
/// are a function of item, files, rate and rules alone.
package final class MixRenderer {
  /// Mean square below which a piece is silent, −80 dBFS.
  static let silence = 1e-8
  /// Root mean square up to which a mixture counts as zeros, −200 dBFS: above what rounding leaves
  /// of a mixture that is zeros, which a level would raise to noise.
  static let nothing = 1e-10
  /// Samples that a search reads at once.
  private static let searchedSamples = 1 << 16

  package let description: MixDescription
  package let inventory: MixInventory
  /// The training rate, in hertz.
  package let sampleRate: Int
  package let short: ShortSpeech
  let convolution = FastConvolution()
  let quantiles = Quantiles()
  private let responseBuffer = SampleBuffer()
  private let windowBuffer = SampleBuffer()
  private let mixtureBuffer = SampleBuffer()
  private let targetBuffer = SampleBuffer()
  private let noiseBuffer = SampleBuffer()
  private let periodBuffer = SampleBuffer()

  /// A renderer of items of `description`, whose files are those of `inventory`.
  package init(
    _ description: MixDescription, inventory: MixInventory, sampleRate: Int, short: ShortSpeech
  ) {
    precondition(sampleRate > 0, "MixRenderer: rate \(sampleRate)")
    self.description = description
    self.inventory = inventory
    self.sampleRate = sampleRate
    self.short = short
  }

  /// The samples of `item`, of which `source` reads the files.
  ///
  /// - Throws: The error of `source` if a file cannot be read.
  package func render<Source: MixSamples>(
    _ item: DrawnItem, from source: Source
  ) throws(Source.Failure) -> RenderedItem {
    precondition(item.length > 0, "MixRenderer: no samples in a crop")
    var found = MixFindings()
    let target = targetBuffer.take(item.length)
    let mixture = mixtureBuffer.take(item.length)
    try readSpeech(item, into: target, source, &found)
    mixture.copy(target.constant)
    if let room = item.room {
      try reverberate(item, room, mixture, target: target, source, &found)
    }
    found.speechPower = SpeechLevel.activePower(
      mixture.constant, frameSamples: max(1, sampleRate / 50))
    for attempts in item.noises {
      found.noises.append(
        try addNoise(attempts, to: mixture, speechPower: found.speechPower, source))
    }
    for distortion in item.distortions { distort(mixture, distortion) }
    if let decibels = item.level {
      let level = meanSquare(mixture.constant).squareRoot()
      let gain = level > Self.nothing ? pow(10, decibels / 20) / level : 1
      mixture.scale(by: gain)
      target.scale(by: gain)
      found.level = gain
    }
    let peak = [mixture, target].map { abs($0[$0.constant.peak]) }.max() ?? 0
    if peak > description.peakLimit {
      let gain = description.peakLimit / peak
      mixture.scale(by: gain)
      target.scale(by: gain)
      found.peakGain = gain
    }
    return RenderedItem(
      noisy: mixture.constant.floats, target: target.constant.floats, found: found)
  }

  private func readSpeech<Source: MixSamples>(
    _ item: DrawnItem, into piece: UnsafeMutableBufferPointer<Double>, _ source: Source,
    _ found: inout MixFindings
  ) throws(Source.Failure) {
    let file = MixFile(.speech, source: item.speech.source, file: item.speech.file)
    let samples = inventory.samples(of: file)
    if samples < piece.count {
      let period = periodBuffer.take(samples)
      try source.read(file, channel: speechChannel, from: 0, into: period)
      switch short {
      case .repeated: piece.repeatPeriod(period.constant)
      case .padded:
        piece.part(0..<samples).copy(period.constant)
        piece.part(samples..<piece.count).update(repeating: 0)
      }
      if meanSquare(piece.constant) >= Self.silence { found.attempt = 0 }
      return
    }
    for (number, start) in item.speech.starts.enumerated() {
      try source.read(file, channel: speechChannel, from: start, into: piece)
      if meanSquare(piece.constant) >= Self.silence {
        (found.start, found.attempt) = (start, number)
        return
      }
    }
    let peak = try peak(of: file, samples: samples, source)
    found.start = min(max(peak - piece.count / 2, 0), samples - piece.count)
    try source.read(file, channel: speechChannel, from: found.start, into: piece)
  }

  /// Place of the first largest sample of speech, which is read in parts.
  private func peak<Source: MixSamples>(
    of file: MixFile, samples: Int, _ source: Source
  ) throws(Source.Failure) -> Int {
    var (place, largest) = (0, 0.0)
    for start in stride(from: 0, to: samples, by: Self.searchedSamples) {
      let part = periodBuffer.take(min(Self.searchedSamples, samples - start))
      try source.read(file, channel: speechChannel, from: start, into: part)
      let peak = part.constant.peak
      if abs(part[peak]) > largest { (place, largest) = (start + peak, abs(part[peak])) }
    }
    return place
  }

  /// Sets `mixture` to the speech of the crop in a room, and `target` to its early part if that is
  /// the target; both are the dry speech before.
  private func reverberate<Source: MixSamples>(
    _ item: DrawnItem, _ room: DrawnItem.Room, _ mixture: UnsafeMutableBufferPointer<Double>,
    target: UnsafeMutableBufferPointer<Double>, _ source: Source, _ found: inout MixFindings
  ) throws(Source.Failure) {
    guard let reverberation = description.reverberation else {
      preconditionFailure("MixRenderer: a room, but no reverberation")
    }
    let file = MixFile(.reverberation, source: room.source, file: room.file)
    let speech = MixFile(.speech, source: item.speech.source, file: item.speech.file)
    let samples = inventory.samples(of: speech)
    let isShort = samples < item.length
    let response = try RoomResponse(
      count: inventory.samples(of: file),
      longest: milliseconds(reverberation.longestMilliseconds), start: found.start,
      length: item.length, extent: isShort && short == .repeated ? item.length : samples,
      buffer: responseBuffer
    ) { (start: Int, part: UnsafeMutableBufferPointer<Double>) throws(Source.Failure) in
      try source.read(file, channel: .index(room.channel), from: start, into: part)
    }
    guard let response else {
      found.isRoomSilent = true
      return
    }
    found.peak = response.peak
    // The speech that the crop hears: s[t] of start + peak − last … start + peak + length − 1.
    let count = response.samples.count
    let begin = found.start + response.peak - (response.first + count - 1)
    let window = windowBuffer.take(item.length + count - 1)
    window.update(repeating: 0)
    // A short utterance is zero around the crop.
    let known = found.start..<(found.start + item.length)
    let end = min(begin + window.count, isShort ? known.upperBound : samples)
    for part in [max(begin, 0)..<known.lowerBound, known.upperBound..<end] where !part.isEmpty {
      try source.read(
        speech, channel: speechChannel, from: part.lowerBound,
        into: window.part(part.lowerBound - begin..<part.upperBound - begin))
    }
    window.part(known.lowerBound - begin..<known.upperBound - begin).copy(target.constant)
    convolution.load(window.constant, samples: window.count)
    convolution.convolve(response.samples, from: count - 1, into: mixture)
    if reverberation.target == .early {
      let early = response.peak + milliseconds(reverberation.earlyMilliseconds) - response.first
      convolution.convolve(
        .init(rebasing: response.samples[..<min(count, max(early, 0))]), from: count - 1,
        into: target)
    }
  }

  private func milliseconds(_ count: Int) -> Int { count * sampleRate / 1000 }

  private var speechChannel: MixChannel {
    description.speech.channel == .mean ? .mean : .index(0)
  }

  /// Adds the first noise of `attempts` that is not silent.
  private func addNoise<Source: MixSamples>(
    _ attempts: [DrawnItem.Noise], to mixture: UnsafeMutableBufferPointer<Double>,
    speechPower: Double, _ source: Source
  ) throws(Source.Failure) -> MixFindings.Noise {
    let noise = noiseBuffer.take(mixture.count)
    for (number, attempt) in attempts.enumerated() {
      let file = MixFile(.noise, source: attempt.source, file: attempt.file)
      let channel: MixChannel =
        description.noise?.channel == .mean ? .mean : .index(attempt.channel)
      let samples = inventory.samples(of: file)
      if samples < noise.count {
        let period = periodBuffer.take(samples)
        try source.read(file, channel: channel, from: 0, into: period)
        noise.repeatPeriod(period.constant, from: attempt.start)
      } else {
        try source.read(file, channel: channel, from: attempt.start, into: noise)
      }
      let power = meanSquare(noise.constant)
      if power < Self.silence { continue }
      let gain = (speechPower / power * pow(10, -attempt.decibels / 10)).squareRoot()
      mixture.add(noise.constant, times: gain)
      return MixFindings.Noise(attempt: number, gain: gain)
    }
    return MixFindings.Noise(attempt: nil, gain: 0)
  }
}
