import Files
import Foundation

/// Why a run folder cannot be used.
public enum RunFolderError: Error, Equatable, CustomStringConvertible {
  /// It holds a run, and nobody said to resume it.
  case occupied(path: String, file: String)
  /// It holds files of a run, but none to resume it from.
  case remains(path: String, file: String)
  /// It cannot be made.
  case cannotCreate(path: String, reason: String)

  /// One sentence naming the folder and what to do.
  public var description: String {
    switch self {
    case .occupied(let path, let file):
      "\(path) already holds a run (\(file)); add --resume to continue it, or choose "
        + "another --run-dir"
    case .remains(let path, let file):
      "\(path) holds files of a run (\(file)), but no checkpoint to continue it from; choose "
        + "another --run-dir, or move these files away"
    case .cannotCreate(let path, let reason):
      "\(path): the run folder cannot be made: \(reason)"
    }
  }
}

/// The folder of one run and the files in it.
public struct RunFolder: Sendable {
  /// The folder.
  public let url: URL

  /// Names the folder; makes nothing.
  public init(_ path: String) { url = URL(fileURLWithPath: path, isDirectory: true) }

  /// Names of the files and folders in a run folder, but for checkpoints and dumps, which are named
  /// after their steps. Nothing else builds a path from its own text.
  package enum Name: String, CaseIterable, Sendable {
    /// The best weights so far, as `enhance` and `evaluate` take them.
    case best = "best.safetensors"
    /// A link to the newest checkpoint; a checkpoint itself in runs of version 0.1.0.
    case last = "last.safetensors"
    /// The weights after the last finished epoch, averaged ones if the recipe has them.
    case lastWeights = "last-weights.safetensors"
    /// The resolved configuration.
    case configuration = "configuration.json"
    /// The resolved recipe.
    case recipe = "recipe.json"
    /// One row for each epoch.
    case history = "history.csv"
    /// A JSON object for every event.
    case metrics = "metrics.jsonl"
    /// The validation utterances with the best weights.
    case bestScores = "best-scores.csv"
    /// The crops of the last epoch with their PESQ and what a discriminator predicted.
    case predictions = "predictions.csv"
    /// The test utterances with the best weights, if they were evaluated into the run folder.
    case testScores = "test-scores.csv"
    /// The test utterances unprocessed.
    case noisyTestScores = "test-scores-noisy.csv"
    /// The utterances that the run trains on, and what is known of their files.
    case trainingUtterances = "utterances-train.safetensors"
    /// The utterances of the validation split, likewise.
    case validationUtterances = "utterances-valid.safetensors"
    /// The process that trains in the folder, while it does.
    case lock = "run.lock"
    /// The folder of the dumps of skipped steps.
    case nonFinite = "nonfinite"
    /// The folder of TensorBoard's event files.
    case tensorBoard = "tensorboard"
  }

  /// The file or folder of that name.
  package func file(_ name: Name) -> URL { url.appending(path: name.rawValue) }

  /// The best weights so far.
  public var best: URL { file(.best) }
  /// A link to the newest checkpoint.
  public var last: URL { file(.last) }
  /// The weights after the last finished epoch.
  public var lastWeights: URL { file(.lastWeights) }
  /// The resolved configuration.
  public var configuration: URL { file(.configuration) }
  /// One row for each epoch.
  public var history: URL { file(.history) }
  /// A JSON object for every event.
  public var metrics: URL { file(.metrics) }

  private static let stepPrefix = "step-"
  private static let suffix = ".safetensors"

  private static func name(_ step: Int, _ detail: String = "") -> String {
    stepPrefix + String(format: "%08d", step) + detail + suffix
  }

  /// The checkpoint after `step` steps of the run: everything to resume.
  public func checkpoint(step: Int) -> URL { url.appending(path: Self.name(step)) }

  /// The checkpoints that are there, the newest first, with their steps.
  public func checkpoints() -> [(step: Int, url: URL)] {
    let steps = Self.stepFiles(in: url.path(percentEncoded: false)).compactMap { name -> Int? in
      let digits = name.dropFirst(Self.stepPrefix.count).dropLast(Self.suffix.count)
      guard let step = Int(digits), step >= 0 else { return nil }
      // Only names that this program gives: others are somebody's copies.
      return Self.name(step) == name ? step : nil
    }
    return steps.sorted(by: >).map { ($0, checkpoint(step: $0)) }
  }

  private static let epochPrefix = "epoch-"
  private static let meanPrefix = "mean-best-"

  private static func epochName(_ epoch: Int) -> String {
    epochPrefix + String(format: "%08d", epoch) + suffix
  }

  /// The weights after `epoch`, which is one of the best.
  package func weights(epoch: Int) -> URL { url.appending(path: Self.epochName(epoch)) }

  /// The numbers in the names `prefix`NUMBER.safetensors of the folder, in order; names that
  /// `name` does not give are somebody's copies.
  private func numbers(_ prefix: String, _ name: (Int) -> String) -> [Int] {
    let names =
      (try? FileManager.default.contentsOfDirectory(atPath: url.path(percentEncoded: false))) ?? []
    return names.compactMap { file -> Int? in
      guard file.hasPrefix(prefix), file.hasSuffix(Self.suffix) else { return nil }
      let digits = file.dropFirst(prefix.count).dropLast(Self.suffix.count)
      guard let number = Int(digits), number > 0 else { return nil }
      return name(number) == file ? number : nil
    }.sorted()
  }

  /// The epochs whose weights are kept for a mean, in order.
  package var keptEpochs: [Int] { numbers(Self.epochPrefix, Self.epochName) }

  private static func meanName(_ count: Int) -> String { "\(meanPrefix)\(count)\(suffix)" }

  /// The mean of the weights of the `count` best epochs.
  package func mean(ofBest count: Int) -> URL { url.appending(path: Self.meanName(count)) }

  /// Numbers of epochs of the means that the folder holds, in order.
  package var means: [Int] { numbers(Self.meanPrefix, Self.meanName) }

  /// The name of the dump of a rank's part of a step; `count` is above 1 if the step was repeated
  /// and has had dumps before.
  package static func dumpName(step: Int, rank: Int, count: Int = 1) -> String {
    name(step, "-rank\(rank)" + (count > 1 ? "-\(count)" : ""))
  }

  /// The names of the dumps in the folder at `path`, in order of their steps.
  package static func dumpNames(in path: String) -> [String] {
    stepFiles(in: path).map { $0.dropLast(suffix.count) }.sorted().map { $0 + suffix }
  }

  /// Whether a run has, or may have, a file of that name in its folder.
  package static func isOwn(_ name: String) -> Bool {
    Name(rawValue: name) != nil
      || name.hasSuffix(suffix)
        && [stepPrefix, epochPrefix, meanPrefix].contains(where: name.hasPrefix)
  }

  private static func stepFiles(in path: String) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? [])
      .filter { $0.hasPrefix(stepPrefix) && $0.hasSuffix(suffix) }
  }

  /// Throws if the folder holds any file of a run: a new run would mix its own with them.
  public func requireNoRun() throws(RunFolderError) {
    guard let file = anyFile else { return }
    let path = url.path(percentEncoded: false)
    if anyCheckpoint == nil, !isBegun {
      throw .remains(path: path, file: file.lastPathComponent)
    }
    throw .occupied(path: path, file: file.lastPathComponent)
  }

  /// A file or folder of a run; nil if there is none but the lock of a run that is about to begin.
  package var anyFile: URL? {
    anyCheckpoint ?? Name.allCases.first { $0 != .lock && has($0) }.map(file)
  }

  /// Names of all files of a run that are there, but for checkpoints of steps and the lock.
  package var names: [String] { Name.allCases.filter { $0 != .lock && has($0) }.map(\.rawValue) }

  /// Files with results of a run besides checkpoints.
  package var results: [String] {
    [Name.best, .lastWeights, .history, .bestScores, .testScores].filter(has).map(\.rawValue)
  }

  /// Whether a run has begun here and saved nothing yet, so that it can begin once more without a
  /// loss.
  package var isBegun: Bool { has(.configuration) && anyCheckpoint == nil && results.isEmpty }

  private func has(_ name: Name) -> Bool {
    var status = stat()
    return lstat(file(name).path(percentEncoded: false), &status) == 0
  }

  /// Whether there is such a folder.
  package var exists: Bool { PathKind(url.path(percentEncoded: false)) == .folder }

  /// A file to resume from; nil if no run has saved here. Whether it is whole is not looked at.
  package var anyCheckpoint: URL? {
    var status = stat()
    let hasLast = lstat(last.path(percentEncoded: false), &status) == 0
    return hasLast ? last : checkpoints().first?.url
  }

  /// Makes the folder if need be and removes what a killed run left half-written.
  public func prepare() throws {
    try create()
    try AtomicFile.removeStaleTemporaries(in: url)
  }

  /// Makes the folder and those above it, and returns those that it has made, the outermost first.
  /// By hand, since Foundation hides the system's reason.
  @discardableResult
  package func create() throws(RunFolderError) -> [String] {
    let parts = url.standardizedFileURL.pathComponents
    var made: [String] = []
    for count in 1...parts.count {
      let path = NSString.path(withComponents: Array(parts.prefix(count)))
      let isMade = mkdir(path, 0o777) == 0
      let code = errno
      if isMade {
        made.append(path)
        continue
      }
      switch PathKind(path) {
      case .folder?: continue
      case .file?, .other?:
        Self.removeEmpty(made)
        throw .cannotCreate(path: path, reason: "a file of that name is in the way")
      case nil:
        Self.removeEmpty(made)
        throw .cannotCreate(path: path, reason: String(cString: strerror(code)))
      }
    }
    return made
  }

  /// Removes those of the folders `made` that are empty, the innermost first.
  static func removeEmpty(_ made: [String]) { for path in made.reversed() { rmdir(path) } }
}
