import Foundation
import Mixing

/// The contract of mixing as plain loops over doubles: whole files in memory, direct sums.
struct PlainMix {
  var description: MixDescription
  var source: MemorySamples
  var rate: Int
  var short: ShortSpeech

  func render(_ item: DrawnItem) -> (noisy: [Double], target: [Double]) {
    let length = item.length
    let file = MixFile(.speech, source: item.speech.source, file: item.speech.file)
    var speech = source.samples(
      of: file, channel: description.speech.channel == .mean ? .mean : .index(0))
    if speech.count < length {
      let own = speech
      speech = (0..<length).map {
        short == .repeated ? own[$0 % own.count] : $0 < own.count ? own[$0] : 0
      }
    }
    func s(_ index: Int) -> Double { speech.indices.contains(index) ? speech[index] : 0 }
    let start = start(item, speech)
    var target = (0..<length).map { s(start + $0) }
    var mixture = target
    if let room = item.room, let rooms = description.reverberation {
      let file = MixFile(.reverberation, source: room.source, file: room.file)
      let h = source.samples(of: file, channel: .index(room.channel))
      let largest = h.map { abs($0) }.max() ?? 0
      if largest > 0, let p = h.firstIndex(where: { abs($0) == largest }) {
        let end = min(h.count, p + rooms.longestMilliseconds * rate / 1000 + 1)
        func y(_ t: Int, below bound: Int) -> Double {
          (0..<min(end, bound)).reduce(0) { $0 + h[$1] / h[p] * s(start + t + p - $1) }
        }
        mixture = (0..<length).map { y($0, below: end) }
        if rooms.target == .early {
          let early = p + rooms.earlyMilliseconds * rate / 1000
          target = (0..<length).map { y($0, below: early) }
        }
      }
    }
    let power = activePower(mixture)
    for attempts in item.noises { add(attempts, power, &mixture) }
    for distortion in item.distortions { mixture = distorted(mixture, distortion) }
    if let decibels = item.level, meanSquare(mixture) > 1e-20 {
      let factor = pow(10, decibels / 20) / meanSquare(mixture).squareRoot()
      mixture = mixture.map { $0 * factor }
      target = target.map { $0 * factor }
    }
    let peak = (mixture + target).map { abs($0) }.max() ?? 0
    if peak > description.peakLimit {
      mixture = mixture.map { $0 * description.peakLimit / peak }
      target = target.map { $0 * description.peakLimit / peak }
    }
    return (mixture, target)
  }

  private func meanSquare(_ samples: [Double]) -> Double {
    samples.reduce(0) { $0 + $1 * $1 } / Double(samples.count)
  }

  private func start(_ item: DrawnItem, _ speech: [Double]) -> Int {
    for start in item.speech.starts
    where meanSquare(Array(speech[start..<start + item.length])) >= 1e-8 {
      return start
    }
    let largest = speech.map { abs($0) }.max() ?? 0
    let k = speech.firstIndex { abs($0) == largest } ?? 0
    return min(max(k - item.length / 2, 0), speech.count - item.length)
  }

  private func activePower(_ samples: [Double]) -> Double {
    var powers: [Double] = []
    var frame: [Double] = []
    for sample in samples {
      frame.append(sample)
      if frame.count == rate / 50 {
        powers.append(meanSquare(frame))
        frame = []
      }
    }
    if !frame.isEmpty { powers.append(meanSquare(frame)) }
    let least = (powers.max() ?? 0) * pow(10, -3.5)
    let active = powers.filter { $0 > 0 && $0 >= least }
    return active.isEmpty ? 0 : active.reduce(0, +) / Double(active.count)
  }

  private func add(_ attempts: [DrawnItem.Noise], _ power: Double, _ mixture: inout [Double]) {
    for attempt in attempts {
      let samples = source.samples(
        of: MixFile(.noise, source: attempt.source, file: attempt.file),
        channel: description.noise?.channel == .mean ? .mean : .index(attempt.channel))
      let v = mixture.indices.map { samples[(attempt.start + $0) % samples.count] }
      if meanSquare(v) < 1e-8 { continue }
      let gain = (power / meanSquare(v) * pow(10, -attempt.decibels / 10)).squareRoot()
      for index in mixture.indices { mixture[index] += gain * v[index] }
      return
    }
  }

  private func distorted(_ x: [Double], _ distortion: DrawnDistortion) -> [Double] {
    switch distortion {
    case .clipping(let minimum, let maximum):
      let sorted = x.sorted()
      func quantile(_ q: Double) -> Double {
        let place = Double(x.count - 1) * q
        let lower = sorted[Int(place)]
        return lower
          + (sorted[min(Int(place) + 1, x.count - 1)] - lower) * (place - place.rounded(.down))
      }
      let (low, high) = (quantile(minimum), quantile(maximum))
      return x.map { $0 < low ? low : $0 > high ? high : $0 }
    case .bandLimit(let sampleRate, let rolloff, let crossings):
      let f = rolloff * Double(sampleRate) / Double(2 * rate)
      let width = Int((Double(crossings) / (2 * f)).rounded(.up))
      let h = (-width...width).map { k in
        let angle = Double.pi * 2 * f * Double(k)
        let window = cos(Double.pi * Double(k) / Double(2 * width + 2))
        return (k == 0 ? 1 : sin(angle) / angle) * window * window
      }
      let sum = h.reduce(0, +)
      return x.indices.map { t in
        var y = 0.0
        for k in -width...width where x.indices.contains(t - k) { y += h[k + width] * x[t - k] }
        return y / sum
      }
    case .packetLoss(let milliseconds, let bursts):
      let count = 1000 * x.count / (rate * milliseconds)
      return x.enumerated().map { index, sample in
        let isLost = bursts.contains { burst in
          (burst.start..<burst.start + burst.length).contains { packet in
            packet < count && packet * milliseconds * rate / 1000 <= index
              && index < (packet + 1) * milliseconds * rate / 1000
          }
        }
        return isLost ? 0 : sample
      }
    }
  }
}
