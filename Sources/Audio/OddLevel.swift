import Platform

/// A recording whose level suggests that its samples have another scale than ±1.
public struct OddLevel: Codable, Equatable, Sendable, CustomStringConvertible {
  /// Path of the recording, or the name of the utterance.
  public let name: String
  /// Largest magnitude of its samples.
  public let peak: Float

  /// Largest magnitude that is taken for speech above full scale, as effects and sums of recordings
  /// have it: 18 dB.
  public static let largest: Float = 8
  /// The magnitude of the least significant bit of 16: a recording in floats that stays below it
  /// has been divided by 32,768 twice.
  public static let smallest: Float = 0x1p-15

  /// The finding for the recording `name` with this `peak`; nil if the level is usual, or the
  /// recording silent.
  ///
  /// With `isWhole` the peak is that of all of the recording: a part may well be near silence.
  public init?(_ name: String, peak: Float, isWhole: Bool = true) {
    guard peak > Self.largest || isWhole && peak > 0 && peak < Self.smallest else { return nil }
    self.name = name
    self.peak = peak
  }

  /// The finding for the recording `name` with these `samples`, all of it or a part.
  public init?(_ name: String, _ samples: [Float], isWhole: Bool = true) {
    self.init(name, peak: Self.peak(samples), isWhole: isWhole)
  }

  /// Largest magnitude of the samples that are numbers; 0 if there are none.
  public static func peak(_ samples: [Float]) -> Float {
    samples.reduce(0) { max($0, $1.magnitude) }
  }

  /// One sentence with the likely cause and what to do.
  public var description: String { text(others: 0) }

  private var isLoud: Bool { peak > Self.largest }

  /// The sentence about this recording, and `others` with the same fault.
  private func text(others: Int) -> String {
    let names = name + (others > 0 ? " and \(NumberText.count(others, "more recording"))" : "")
    let level = NumberText.figures(Double(peak))
    return isLoud
      ? "\(names): samples reach \(level), and full scale is 1; if they have the scale of 16-bit "
        + "integers, divide them by 32768"
      : "\(names): no sample exceeds \(level), and full scale is 1; if 16-bit values were divided "
        + "by 32768 twice, multiply them by 32768"
  }

  /// A warning about the recordings that are too loud and one about those that are too quiet, as
  /// far as there are some.
  public static func warnings(_ levels: [OddLevel]) -> [String] {
    [levels.filter(\.isLoud), levels.filter { !$0.isLoud }].compactMap { group in
      group.first?.text(others: group.count - 1)
    }
  }
}
