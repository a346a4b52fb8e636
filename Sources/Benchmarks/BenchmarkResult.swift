import Files
import Foundation

/// Reasons for which two files cannot be compared.
package enum BenchmarkResultError: Error, Equatable, CustomStringConvertible {
  /// The file cannot be read.
  case unreadable(path: String, reason: String)
  /// The file is no result of a benchmark that can be compared.
  case notAResult(path: String)
  /// The files are results of different benchmarks.
  case kinds(before: String, after: String)
  /// Settings or machines differ.
  case notComparable([String])

  /// One sentence that names the file and says what to do.
  package var description: String {
    switch self {
    case .unreadable(let path, let reason): "\(path): \(reason)"
    case .notAResult(let path):
      "\(path) is no result file of disttrain bench "
        + BenchmarkResult.kinds.joined(separator: ", ")
    case .kinds(let before, let after):
      "the files are of different benchmarks, \(before) and \(after)"
    case .notComparable(let differences):
      "the results are not comparable, they differ in \(differences.joined(separator: ", ")); add "
        + "--anyway to see them side by side"
    }
  }
}

/// A result file that `BenchmarkFile` has written.
package struct BenchmarkResult {
  /// A figure of the result.
  struct Figure {
    let name: String
    let value: Double
    let isTime: Bool
  }

  /// The benchmarks that can be compared.
  static let kinds = ["step", "kernels", "enhance", "pesq", "score"]

  /// Paths of keys whose values must be equal for a meaningful comparison.
  static let settings: [[String]] =
    ["preset", "batch", "seconds", "threads", "ranks", "recompute"].map { [$0] }
    + ["processor", "cores", "instructionSet", "matrixProduct"].map { ["machine", $0] }

  let kind: String
  private let path: String
  private let json: JSONValue

  /// Reads the file at `path`.
  ///
  /// - Throws: `BenchmarkResultError` if the file cannot be read or is no result.
  init(path: String) throws(BenchmarkResultError) {
    self.path = path
    let data = try FileContents.read(URL(fileURLWithPath: path)) {
      BenchmarkResultError.unreadable(path: path, reason: $0.reason)
    }
    guard let json = try? JSONValue(parsing: data), let kind = json["kind"]?.string,
      Self.kinds.contains(kind)
    else { throw .notAResult(path: path) }
    self.json = json
    self.kind = kind
  }

  /// The value at a path of keys; nil if there is none.
  func value(_ path: [String]) -> JSONValue? {
    path.reduce(Optional(json)) { $0?[$1] }
  }

  /// Title of the result: file, label and date.
  var title: String {
    let words = [json["label"]?.string, json["date"]?.string].compactMap { $0 }
    return words.isEmpty ? path : "\(path) (\(words.joined(separator: ", ")))"
  }

  /// Multiply-add peak, in 10⁹ operations per second; nil if it was not measured.
  var peak: Double? { json["fmaPeakGflops"]?.double }

  /// The figures to compare, in a fixed order.
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

  /// The figures `seconds` of the objects in a list.
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
  /// The value as a number; nil for other values.
  fileprivate var double: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .number(let value): value
    default: nil
    }
  }
}
