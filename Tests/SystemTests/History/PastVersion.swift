import Foundation
import Testing
import TestSupport

/// A version of the program whose files are in `Tests/Fixtures/history`.
struct PastVersion: Sendable, Equatable, CustomTestStringConvertible {
  /// The name of its folder.
  let name: String
  /// Whether the present program computes the same bits. If that ends on purpose, CHANGELOG says
  /// why, this becomes false, and the newest version's `continued` has the new bits.
  let hasSameBits: Bool

  /// Every version with a folder, the oldest first.
  static let all = [
    PastVersion(name: "0.1.0", hasSameBits: false),
    PastVersion(name: "0.2.0-dev", hasSameBits: true),
    PastVersion(name: "0.2.0", hasSameBits: true),
  ]
  /// The newest version, with files of every kind.
  static let newest = PastVersion(name: "0.2.0", hasSameBits: true)

  var testDescription: String { name }

  /// The folder of its files.
  var folder: URL { PastRun.history.appending(path: name, directoryHint: .isDirectory) }

  /// The names in one of its folders, sorted; none if it has no such folder.
  func names(in part: String) -> [String] { (try? folder.names(in: part)) ?? [] }

  /// The runs with a checkpoint.
  var resumableRuns: [PastRun] {
    names(in: "later").map { PastRun(version: self, name: $0) }
  }

  /// The runs with best weights and a recording that the version enhanced with them.
  var enhancedRuns: [PastRun] {
    names(in: "enhanced").map { PastRun(version: self, name: String($0.dropLast(4))) }
  }
}

/// A run folder that a version left, and the same run some steps later.
struct PastRun: Sendable, CustomTestStringConvertible {
  let version: PastVersion
  let name: String

  /// The fixtures of all versions.
  static let history = fixturesFolder.appending(path: "history", directoryHint: .isDirectory)
  /// The runs with a checkpoint, of all versions.
  static let resumable = PastVersion.all.flatMap(\.resumableRuns)
  /// The runs with best weights, of all versions.
  static let enhanced = PastVersion.all.flatMap(\.enhancedRuns)

  var testDescription: String { "\(version.name)/\(name)" }

  /// The run some steps later, resumed by the version itself.
  var later: URL { version.folder.appending(path: "later/\(name)", directoryHint: .isDirectory) }

  /// The command with which the version resumed it.
  func command() throws -> PastCommand { try PastCommand(contentsOf: later) }
}

/// A command of an earlier version, as `command.json` has it.
struct PastCommand: Decodable {
  var ranks: Int
  var arguments: [String]

  init(contentsOf folder: URL) throws {
    let data = try Data(contentsOf: folder.appending(path: "command.json"))
    self = try JSONDecoder().decode(PastCommand.self, from: data)
  }

  /// Sets the value of a flag that is there.
  mutating func set(_ flag: String, _ value: String) throws {
    let place = try #require(arguments.firstIndex(of: flag))
    arguments[place + 1] = value
  }
}

/// A folder with the corpus and the presets of the fixtures, to use copies of past files in.
struct PastBench {
  let folder: URL

  /// Runs `body` with a bench that holds copies of `runs`, and is removed afterwards.
  static func use<Result>(
    _ runs: [PastRun] = [], _ body: (PastBench) throws -> Result
  ) throws -> Result {
    try withTemporaryFolder { folder in
      let files = FileManager.default
      for shared in ["corpus", "presets"] {
        try files.createSymbolicLink(
          at: folder.appending(path: shared),
          withDestinationURL: PastRun.history.appending(path: shared))
      }
      try folder.makeFolder("runs")
      for run in runs {
        try files.copyItem(
          at: run.version.folder.appending(path: "runs/\(run.name)"),
          to: folder.appending(path: "runs/\(run.name)"))
      }
      return try body(PastBench(folder: folder))
    }
  }

  /// Copies a file or folder of `version` to the same name here.
  func copy(_ name: String, of version: PastVersion = .newest, as other: String? = nil) throws {
    try FileManager.default.copyItem(
      at: version.folder.appending(path: name), to: folder.appending(path: other ?? name))
  }

  /// Runs the program, on ranks if there are several.
  func run(
    _ arguments: [String], ranks: Int = 1, environment: [String: String] = [:]
  ) throws -> SubprocessOutcome {
    // The tests may run with OpenBLAS, which rounds otherwise; no past run used it.
    let environment = ["DISTTRAIN_GEMM": ""].merging(environment) { $1 }
    return ranks == 1
      ? try MPIRun.runAlone(
        product: "disttrain", arguments: arguments, environment: environment, folder: folder,
        timeLimit: 120)
      : try MPIRun.run(
        ranks: ranks, product: "disttrain", arguments: arguments, environment: environment,
        folder: folder, timeLimit: 120)
  }

  func run(
    _ command: PastCommand, environment: [String: String] = [:]
  ) throws -> SubprocessOutcome {
    try run(command.arguments, ranks: command.ranks, environment: environment)
  }
}
