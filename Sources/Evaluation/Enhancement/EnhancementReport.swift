import Audio
import Platform

/// Outcome of enhancing recordings, of one rank or of all.
package struct EnhancementReport: Codable, Equatable {
  /// A file with samples that exceeded full scale.
  package struct Clipped: Codable, Equatable {
    let path: String
    let sampleCount: Int
    let clippedCount: Int
  }

  /// A recording that could not be enhanced, with the error.
  package struct Failure: Codable, Equatable {
    /// Its place among all.
    let index: Int
    package let text: String
  }

  /// Files with clipped samples.
  package private(set) var clipped: [Clipped] = []
  /// Recordings whose level suggests another scale of their samples.
  package private(set) var oddLevels: [OddLevel] = []
  /// Recordings that could not be enhanced, in the order of all.
  private var failures: [Failure] = []
  /// Files with clipped samples, at most, that are named one by one.
  private static let namedCount = 3

  /// Report of nothing.
  package init() {}

  /// The reports of all ranks as one.
  package init(merging parts: [EnhancementReport]) {
    clipped = parts.flatMap(\.clipped).sorted { $0.path < $1.path }
    oddLevels = parts.flatMap(\.oddLevels).sorted { $0.name < $1.name }
    failures = parts.flatMap(\.failures).sorted { $0.index < $1.index }
  }

  /// Adds a recording that was written, with the number of samples that were clamped to full scale
  /// and the peak of its input.
  package mutating func add(_ item: EnhancementJobs.Item, clippedCount: Int, inputPeak: Float) {
    if clippedCount > 0 {
      clipped.append(
        Clipped(path: item.output, sampleCount: item.sampleCount, clippedCount: clippedCount))
    }
    if let level = OddLevel(item.input, peak: inputPeak) { oddLevels.append(level) }
  }

  /// Notes the error of the recording with this place among all.
  package mutating func fail(_ index: Int, _ error: any Error) {
    failures.append(Failure(index: index, text: ErrorText.sentence(error)))
  }

  /// The errors as one, which says what became of the others of `count` recordings; nil if there
  /// are none.
  package func failure(of count: Int) -> String? {
    guard let first = failures.first else { return nil }
    if count == 1 { return first.text }
    let enhanced = count - failures.count
    return "\(NumberText.count(failures.count, "recording")) of \(count) could not be enhanced "
      + "(\(enhanced) \(NumberText.agree(enhanced, "was", "were"))); mend "
      + "\(NumberText.agree(failures.count, "it", "them")), and --resume does the rest:\n"
      + ItemList.lines(failures.map(\.text))
  }

  /// Warnings for a reader: a line for each file with clipped samples if there are few, and one for
  /// all if there are many; one about levels.
  package var warnings: [String] {
    var lines: [String]
    let remedy = "--format float keeps them (.wav)"
    if clipped.count <= Self.namedCount {
      lines = clipped.map { "\($0.path): \(Self.text($0)) were clipped at full scale; \(remedy)" }
    } else {
      let worst = clipped.max { Self.share($0) < Self.share($1) }
      let total = clipped.reduce(0) { $0 + $1.clippedCount }
      lines = [
        "\(clipped.count) files have samples that were clipped at full scale, "
          + "\(NumberText.grouped(total)) in all"
          + (worst.map { ", most of them \($0.path) (\(Self.text($0)))" } ?? "") + "; \(remedy)"
      ]
    }
    return lines + OddLevel.warnings(oddLevels)
  }

  private static func share(_ file: Clipped) -> Double {
    Double(file.clippedCount) / Double(max(1, file.sampleCount))
  }

  private static func text(_ file: Clipped) -> String {
    "\(NumberText.grouped(file.clippedCount)) of \(NumberText.grouped(file.sampleCount)) samples "
      + "(\(NumberText.percent(share(file))))"
  }
}
