import Foundation

/// The level alignment, which scales both signals to one power in the telephone band. Source:
/// P.862, 10.1.
extension PESQ.PaddedSignal {
  /// Power between 350 and 3250 Hz of the samples and the tail, averaged over `count` samples.
  func speechBandPower(averagedOver count: Int, workspace: PESQ.Workspace) -> Double {
    let regionCount = dataCount + PESQ.Layout.tail
    let transform = workspace.transform(length: PESQ.powerOfTwo(atLeast: regionCount))
    let time = transform.time
    for i in 0..<dataCount { time[i] = samples[PESQ.Layout.padding + i] }
    (time + dataCount).update(repeating: 0, count: transform.length - dataCount)

    transform.forward()
    let binWidth = Double(PESQ.sampleRate) / Double(transform.length)
    for k in 0..<transform.binCount {
      let gain = PESQ.speechBandGain(atHertz: Double(k) * binWidth)
      if gain != 1 {
        transform.spectrum[2 * k] *= gain
        transform.spectrum[2 * k + 1] *= gain
      }
    }
    transform.inverse()

    var energy = 0.0
    for i in 0..<regionCount { energy += Double(time[i]) * Double(time[i]) }
    return energy / Double(count)
  }

  /// Scales the signal so that a speech-band power of `power` becomes 1e7, the level of the model.
  mutating func align(fromPower power: Double) {
    let gain = (1e7 / power).squareRoot()
    for i in data { samples[i] = Float(gain * Double(samples[i])) }
  }
}

extension PESQ {
  /// Gain of the band-pass of the level alignment, linear in decibels between its corners at 300,
  /// 350, 3250 and 3500 Hz.
  fileprivate static func speechBandGain(atHertz frequency: Double) -> Float {
    let stop: Double = -500
    let decibels: Double =
      switch frequency {
      case ..<300: stop
      case ..<350: stop * (350 - frequency) / 50
      case ...3250: 0
      case ...3500: stop * (frequency - 3250) / 250
      default: stop
      }
    if decibels == 0 { return 1 }
    return decibels == stop ? 1e-25 : Float(pow(10, decibels / 20))
  }
}
