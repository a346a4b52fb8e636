import Files
import Foundation

/// Why two files cannot be compared.
package enum BenchmarkResultError: Error, Equatable, CustomStringConvertible {
  /// The file cannot be read.
  case unreadable(path: String, reason: String)
  /// The file is no result of a benchmark that can be compared.
  case notAResult(path: String)
  /// They are of different benchmarks.
  case kinds(before: String, after: String)
  /// Settings or machines differ.
  case notComparable([String])

  /// One sentence naming the file and what to do.
  package var description: String {
    switch self {
    case .unreadable(let path, let reason): "\(path): \(reason)"
    case .notAResult(let path):
      "\(path) is no result file of disttrain bench \(BenchmarkResult.kinds.joined(separator: ", "))"
    case .kinds(let before, let after):
      "the files are of different benchmarks, \(before) and \(after)"
    case .notComparable(let differences):
      "the results are not comparable, they differ in \(differences.joined(separator: ", ")); add "
        + "--anyway to see them side by side"
    }
  }
}

/// A result file as `BenchmarkFile` writes it.
package struct BenchmarkResult {
  /// One figure.
  struct Figure {
    let name: String
    let value: Double
    let isTime: Bool
  }

  /// The benchmarks that can be compared.
  static let kinds = ["step", "kernels", "enhance", "pesq", "score"]

  /// What has to be equal for a comparison to mean something.
  static let settings: [[String]] =
    ["preset", "batch", "seconds", "threads", "ranks", "recompute"].map { [$0] }
    + ["processor", "cores", "instructionSet", "matrixProduct"].map { ["machine", $0] }

  let kind: String
  private let path: String
  private let json: JSONValue

  /// Reads the file at `path`.
  init(path: String) throws(BenchmarkResultError) {
    self.path = path
    let data: Data
    do {
      data = try FileContents.read(URL(fileURLWithPath: path))
    } catch {
      throw .unreadable(path: path, reason: error.reason)
    }
    guard let json = try? JSONValue(parsing: data), let kind = json["kind"]?.string,
      Self.kinds.contains(kind)
    else { throw .notAResult(path: path) }
    self.json = json
    self.kind = kind
  }

  /// The value at a path of keys.
  func value(_ path: [String]) -> JSONValue? {
    path.reduce(Optional(json)) { $0?[$1] }
  }

  /// File, label and date.
  var title: String {
    let words = [json["label"]?.string, json["date"]?.string].compactMap { $0 }
    return words.isEmpty ? path : "\(path) (\(words.joined(separator: ", ")))"
  }

  /// Multiply-add peak, in 10⁹ operations per second; nil if it was not measured.
  var peak: Double? { json["fmaPeakGflops"]?.double }

  /// What is compared, in a fixed order.
  var figures: [Figure] {
    func figure(
      _ key: String, _ name: String, isTime: Bool = false, scale: Double = 1
    ) -> [Figure] {
      guard let value = json[key]?.double else { return [] }
      return [Figure(name: name, value: value * scale, isTime: isTime)]
    }
    return figure("stepSeconds", "step", isTime: true)
      + figure("enhanceSeconds", "enhance", isTime: true)
      + figure("millisecondsPerAudioSecond", "pesq of 1 s", isTime: true, scale: 1e-3)
      + figure("audioSecondsPerSecond", "audio-s/s")
      + figure("realTimeFactor", "real-time factor")
      + figure("fractionOfPeak", "fraction of FMA peak")
      + figure("fmaPeakGflops", "FMA peak, GFLOP/s")
      + figure("peakResidentBytes", "peak resident, MB", scale: 1e-6)
      + times("parts", named: ["part", "pass"])
      + figure("allThreadsSecondsPerAudioSecond", "scores of 1 s", isTime: true)
      + times("metrics", named: ["name"])
      + times("kernels", named: ["operation", "pass", "shape"])
  }

  /// The `seconds` of each object of a list.
  private func times(_ key: String, named keys: [String]) -> [Figure] {
    guard case .array(let items) = json[key] else { return [] }
    return items.compactMap { item in
      guard let seconds = item["seconds"]?.double else { return nil }
      let name = keys.compactMap { item[$0]?.string }.joined(separator: ", ")
      return Figure(name: name, value: seconds, isTime: true)
    }
  }
}

extension JSONValue {
  /// The number this is; nil for anything else.
  fileprivate var double: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .number(let value): value
    default: nil
    }
  }
}
