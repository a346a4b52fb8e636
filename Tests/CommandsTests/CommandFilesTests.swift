import ArgumentParser
import Commands
import Foundation
import Testing
import TestSupport

/// Outputs that are a command's own inputs, or each other.
@Suite struct CommandFilesTests {
  /// A folder with a corpus, a run, weights and files, with links to some of them.
  private func withFiles(_ body: (URL) throws -> Void) throws {
    try withTemporaryFolder { folder in
      for name in ["c/train/clean", "c/train/noisy", "r/nonfinite", "n/deep", "o"] {
        try folder.makeFolder(name)
      }
      for name in [
        "c/train/clean/a.wav", "c/train/noisy/a.wav", "c/manifest.csv", "c/old.safetensors",
        "r/best.safetensors", "r/metrics.jsonl", "r/configuration.json", "r/test-scores.csv",
        "r/step-00000002.safetensors", "r/nonfinite/step-00000001-rank0.safetensors",
        "r/report.html",
        "n/deep/b.FLAC", "p.json", "w.safetensors", "h", "f.json", "pack", "o/scaling.json",
      ] { try Data(name.utf8).write(to: folder.appending(path: name)) }
      let files = FileManager.default
      try files.createSymbolicLink(atPath: folder.file("link"), withDestinationPath: "c")
      try files.createSymbolicLink(
        atPath: folder.file("a-link.csv"), withDestinationPath: "c/train/clean/a.wav")
      try files.linkItem(atPath: folder.file("w.safetensors"), toPath: folder.file("hard"))
      try files.linkItem(atPath: folder.file("r/metrics.jsonl"), toPath: folder.file("hard-run"))
      try body(folder)
    }
  }

  /// The error of a command's files, whose paths are those of `words` with `@` before them.
  private func clash(_ words: String, in folder: URL) throws -> OutputClash? {
    let parts = words.split(separator: " ").map {
      $0.hasPrefix("@") ? folder.path(percentEncoded: false) + $0.dropFirst() : String($0)
    }
    let command = try #require(
      try DistTrainCommand.parseAsRoot(parts) as? any FileCommand, "\(words)")
    do throws(OutputClash) {
      try command.files().validate()
      return nil
    } catch {
      return error
    }
  }

  @Test func corporaOfRunsAreInputsOfReports() throws {
    try withFiles { folder in
      for data in ["c", "pack"] {
        let start = """
          {"event":"start","step":0,"data":"\(folder.file(data))","time":"2026-12-01T00:00:00.000Z"}
          """
        try Data((start + "\n").utf8).write(to: folder.appending(path: "r/metrics.jsonl"))
        let output = data == "c" ? "c/train/clean/a.wav" : "pack"
        let found = try clash("report @/r --output @/\(output)", in: folder)
        guard case .isInput(folder.file(output), "--output", _)? = found else {
          Issue.record("\(String(describing: found))")
          continue
        }
      }
      #expect(try clash("report @/r --output @/r/report.html", in: folder) == nil)
    }
  }

  @Test func namesThatNoFileSystemTakesAreRefused() throws {
    try withFiles { folder in
      let name = String(repeating: "a", count: 250)
      // The table of the noisy side has a longer name.
      let found = try clash("\(Self.evaluate) --csv @/\(name).csv", in: folder)
      guard case .tooLong(_, "--csv", 260)? = found else {
        Issue.record("\(String(describing: found))")
        return
      }
      #expect(try clash("\(Self.evaluate) --json @/\(name).json", in: folder) == nil)
    }
  }

  @Test func namesOfARunAreNotForReports() throws {
    try withFiles { folder in
      let path = folder.file("r/history.csv")
      let found = try clash("report @/r --output @/r/history.csv", in: folder)
      #expect(found == .isOfRun(path: path, output: "--output"))
    }
  }

  private static let score = "score --reference @/c/train/clean --degraded @/c/train/noisy"
  private static let evaluate = "evaluate --weights @/w.safetensors --data @/c"
  private static let train = "train --preset @/p.json --data @/pack"
  private static let plan =
    "plan --preset @/p.json --data @/c --ranks-per-node 1 --network @/f.json"

  @Test(arguments: [
    "report @/r --output @/r/best.safetensors", "report @/r --output @/r/metrics.jsonl",
    "report @/r --output @/r/test-scores.csv", "report @/r --output @/hard-run",
    "report @/r --output @/r/step-00000002.safetensors",
    "report @/r --output @/r/../r/nonfinite/step-00000001-rank0.safetensors",
    "report @/r --scaling @/f.json --output @/f.json",
    "launch --ranks 1 --hostfile @/h -- train --preset @/p.json --data @/pack --trace @/h",
    "report @/r --data @/c --output @/c/train/noisy/a.wav",
    "\(score) --csv @/c/train/clean/a.wav", "\(score) --json @/c/train/noisy/a.wav",
    "\(score) --csv @/a-link.csv", "\(score) --json @/link/train/clean/../clean/a.wav",
    "\(score) --noisy @/n --csv @/n/deep/b.FLAC",
    "score --reference @/c/train/clean/a.wav --degraded @/h --csv @/h",
    "\(evaluate) --csv @/w.safetensors", "\(evaluate) --json @/hard",
    "\(evaluate) --json @/c/train/clean/a.wav", "\(evaluate) --csv @/c/manifest.csv",
    "evaluate --weights @/r/best.safetensors --data @/c --csv @/r/metrics.jsonl",
    "evaluate --weights @/w.safetensors --preset @/p.json --data @/pack --json @/p.json",
    "evaluate --weights @/w.safetensors --data @/pack --csv @/pack",
    "prepare pack --input @/c --output @/c/train/clean/a.wav",
    "prepare pack --input @/link --output @/c/train/noisy/a.wav",
    "prepare pack --data @/c --output @/a-link.csv",
    "enhance --weights @/w.safetensors @/h @/w.safetensors",
    "enhance --weights @/w.safetensors --preset @/p.json @/h @/p.json",
    "enhance --weights @/r/best.safetensors @/h @/r/metrics.jsonl",
    "\(train) --trace @/p.json", "\(train) --trace @/pack",
    "train --preset @/p.json --data @/c --trace @/c/train/clean/a.wav",
    "train --preset @/p.json --data @/r/best.safetensors --run-dir @/r",
    "train --preset @/r/configuration.json --data @/c --run-dir @/r",
    "\(plan) --json @/p.json", "\(plan) --json @/f.json", "\(plan) --save-calibration @/p.json",
    "\(plan) --calibration @/h --json @/h", "\(plan) --shared-memory @/h --json @/h",
    "\(plan) --json @/c/train/clean/a.wav",
    "bench step --preset @/p.json --json @/p.json",
    "bench kernels --preset @/p.json --json @/p.json",
    "bench enhance --preset @/p.json --json @/p.json",
    "bench loading --data @/c --json @/c/train/clean/a.wav",
    "bench scaling --from @/o/scaling.json --output @/o",
    "bench simulate --calibration @/o/simulation.json --output @/o",
  ])
  func anInputIsNoOutput(words: String) throws {
    try withFiles { folder in
      try Data().write(to: folder.appending(path: "o/simulation.json"))
      let clash = try clash(words, in: folder)
      guard case .isInput? = clash else {
        Issue.record("\(words): \(String(describing: clash))")
        return
      }
    }
  }

  @Test(arguments: [
    "\(score) --csv @/new --json @/new", "\(score) --csv @/new --json @/o/../new",
    "\(score) --noisy @/n --csv @/x.csv --json @/x-noisy.csv",
    "\(train) --run-dir @/new --trace @/new/metrics.jsonl",
    "bench allreduce --csv @/new --json @/new",
    "\(plan) --json @/new --save-calibration @/new",
  ])
  func twoOutputsAreTwoFiles(words: String) throws {
    try withFiles { folder in
      guard case .isOutput? = try clash(words, in: folder) else {
        Issue.record("\(words)")
        return
      }
    }
  }

  @Test(arguments: [
    "report @/r --output @/r/report.html", "report @/r --output @/r/new.html",
    "evaluate --weights @/r/best.safetensors --data @/c --csv @/r/test-scores.csv",
    "\(score) --csv /dev/stdout --json /dev/stdout", "\(score) --csv @/new.csv",
    "prepare pack --input @/c --output @/c/old.safetensors",
    "prepare voicebank --input @/c --output @/c", "compare @/r --output @/r",
    "\(train) --run-dir @/r", "enhance --weights @/w.safetensors @/h @/o", "\(plan) --json @/h",
    "bench pesq --json @/p.json", "bench score --json @/p.json",
  ])
  func otherFilesAreWritten(words: String) throws {
    try withFiles { folder in
      let clash = try clash(words, in: folder)
      #expect(clash == nil, "\(words)")
    }
  }

  /// The folders of a download by another name.
  @Test func aDownloadIsNotWrittenInto() throws {
    try withTemporaryFolder { folder in
      try folder.makeFolder("d/clean_testset_wav")
      try folder.makeFolder("o")
      try FileManager.default.createSymbolicLink(
        atPath: folder.file("o/clean_testset_wav_16k"),
        withDestinationPath: "../d/clean_testset_wav")
      let words = "prepare voicebank --input @/d --output @/o"
      guard case .isInput? = try clash(words, in: folder) else {
        Issue.record("the download is written into")
        return
      }
    }
  }

  @Test func theMessageNamesFileAndOptions() throws {
    try withFiles { folder in
      let clash = try clash("report @/r --output @/r/metrics.jsonl", in: folder)
      let path = folder.file("r/metrics.jsonl")
      #expect(
        clash?.description == "\(path): this file belongs to the input of the command (run) and "
          + "would be replaced; give another name for --output")
    }
  }

  // MARK: All options

  /// A command and its options, as the parser describes them.
  private struct Description: Decodable {
    struct Argument: Decodable {
      struct Name: Decodable { let name: String }
      let kind: String
      let preferredName: Name?
      let valueName: String?
      let isOptional: Bool
      let abstract: String?

      var name: String { preferredName?.name ?? valueName ?? "" }
      /// A path that no other argument has.
      var path: String { "/files/\(name)" }
      var words: [String] {
        let value = namesFile ? path : "1"
        return kind == "positional" ? [value] : ["--\(name)", value]
      }
      var namesFile: Bool {
        kind != "flag"
          && (["file", "folder", "file.csv", "path", "run", "in", "out"].contains(valueName)
            || valueName?.contains(" file") == true
            || ["preset", "data", "network", "run-dir", "scaling"].contains(name))
      }
      var isWritten: Bool {
        namesFile
          && (["out", "output"].contains(name)
            || (abstract ?? "").lowercased().contains("write"))
      }
    }
    let commandName: String
    let arguments: [Argument]?
    let subcommands: [Description]?
  }
  private struct Dump: Decodable { let command: Description }

  private static func description() throws -> Description {
    do {
      _ = try DistTrainCommand.parseAsRoot(["--experimental-dump-help"])
    } catch {
      let text = DistTrainCommand.fullMessage(for: error)
      return try JSONDecoder().decode(Dump.self, from: Data(text.utf8)).command
    }
    throw CancellationError()
  }

  /// Options that name a file which is no input or output in this sense.
  private static let others: Set<String> = [
    // Copies have the checksum of the pack in their names; a hostfile is mpirun's to read; and
    // recordings are compared where it is known which goes where (`EnhancementJobs`).
    "evaluate stage", "train stage", "launch hostfile", "enhance in",
  ]
  /// Words that a command needs besides its required ones.
  private static let more = ["plan": ["--data", "/files/data"]]

  /// Every option for a file or a folder of every command that writes files is looked at.
  @Test func noOptionForAFileIsForgotten() throws {
    var found: Set<String> = []
    func visit(_ command: Description, _ words: [String]) {
      for nested in command.subcommands ?? [] where nested.commandName != "help" {
        visit(nested, words + [nested.commandName])
      }
      let arguments = (command.arguments ?? []).filter { $0.kind != "flag" }
      guard arguments.contains(where: \.isWritten) else { return }
      let needed = arguments.filter { !$0.isOptional }.flatMap(\.words)
      let line = words + needed + (Self.more[words.joined(separator: " ")] ?? [])
      let all = words + arguments.filter(\.namesFile).flatMap(\.words)
      for argument in arguments where argument.namesFile {
        let name = (words + [argument.name]).joined(separator: " ")
        if Self.others.contains(name) { continue }
        // Options that exclude each other are tried one by one.
        let paths = [all + needed, all, line, line + argument.words].flatMap { words -> [String] in
          let command = (try? DistTrainCommand.parseAsRoot(words)) as? any FileCommand
          return (command?.files().paths).map { $0.inputs + $0.outputs } ?? []
        }
        #expect(
          paths.contains { $0.contains(argument.path) }, "\(name) is not among the command's files")
        found.insert(name)
      }
    }
    visit(try Self.description(), [])
    for name in ["score csv", "report output", "prepare pack output", "enhance out", "plan json"] {
      #expect(found.contains(name), "\(found.sorted())")
    }
  }
}
