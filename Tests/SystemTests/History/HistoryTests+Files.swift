import Files
import Foundation
import Testing
import TestSupport

/// Corpora, tables, dumps and figures of earlier versions.
extension HistoryTests {
  @Test(arguments: ["corpus", "voicebank"])
  func packsAreWholeAndTrainedFrom(layout: String) throws {
    let version = PastVersion.newest
    try PastBench.use { bench in
      try bench.copy("packs/\(layout).safetensors", as: "\(layout).safetensors")
      try bench.copy("voicebank")
      let verified = try bench.run(["prepare", "verify", "--data", "\(layout).safetensors"])
      #expect(verified.status == 0 && verified.errors == "", "\(verified)")
      let packs = version.folder.appending(path: "packs/\(layout)", directoryHint: .isDirectory)
      let fromPack = try PastCommand(contentsOf: packs)
      var fromFolder = fromPack
      fromFolder.arguments += ["--data", layout, "--run-dir", "runs/from-folder"]
      for (run, command) in [("from-\(layout)", fromPack), ("from-folder", fromFolder)] {
        let trained = try bench.run(command)
        #expect(trained.status == 0, "\(trained)")
        #expect(
          try PastComparison.progress(
            packs.appending(path: "metrics.jsonl"),
            bench.folder.appending(path: "runs/\(run)/metrics.jsonl"), limits(version).figures)
            == [], "\(run)")
      }
    }
  }

  @Test func aPreparedFolderIsVerified() throws {
    try PastBench.use { bench in
      try bench.copy("voicebank")
      let whole = try bench.run(["prepare", "verify", "--data", "voicebank"])
      #expect(whole.status == 0 && whole.errors == "", "\(whole)")
      let name = "noisy_testset_wav_16k/p232_001.wav"
      let file = bench.folder.appending(path: "voicebank/\(name)")
      var data = try Data(contentsOf: file)
      data[data.count - 9] ^= 1
      try data.write(to: file)
      let damaged = try bench.run(["prepare", "verify", "--data", "voicebank"])
      #expect(damaged.status == 1 && "\(damaged)".contains(name), "\(damaged)")
    }
  }

  @Test func runsAreCompared() throws {
    let version = PastVersion.newest
    let names = ["abl1", "abl2", "abl3", "bsrnn", "unimamba", "eventful"]
    let first = PastVersion.all[0]
    try PastBench.use(names.map { PastRun(version: version, name: $0) }) { bench in
      // Version 0.1.0 is older than the command, and its numbers are those of its history.
      try bench.copy("runs/abl3", of: first, as: "runs/first")
      let runs = names.map { "runs/\($0)" }
      let outcome = try bench.run(["compare"] + runs + ["--output", "compared"])
      #expect(outcome.status == 0 && outcome.errors == "", "\(outcome)")
      let known = version.folder.appending(path: "compared", directoryHint: .isDirectory)
      for name in version.names(in: "compared") where name.hasSuffix(".csv") {
        // That version wrote the second run of a preset and seed over the first.
        let now = name == "bsrnn_seed7_pesq.csv" ? "bsrnn_seed7_2_pesq.csv" : name
        #expect(
          try Data(contentsOf: known.appending(path: name))
            == Data(contentsOf: bench.folder.appending(path: "compared/\(now)")), "\(name)")
      }
      let old = try json(known.appending(path: "comparison.json"))
      let new = try json(bench.folder.appending(path: "compared/comparison.json"))
      guard case .object(var members) = old else { Issue.record("\(old)"); return }
      // It also took a mean over these two, which are no two seeds of one recipe.
      members["seeds"] = .array([])
      #expect(PastComparison.values(.object(members), new, 0) == [])
      let oldest = try bench.run(["compare", "runs/first"])
      #expect(oldest.status == 0, "\(oldest)")
      #expect(oldest.output.contains(try score(first, "abl3")), "\(oldest)")
    }
  }

  /// The best score of a run, as its history has it, with four digits.
  private func score(_ version: PastVersion, _ run: String) throws -> String {
    let text = try String(
      contentsOfFile: version.folder.file("runs/\(run)/history.csv"), encoding: .utf8)
    let scores = text.split(separator: "\n").dropFirst().compactMap {
      Double($0.split(separator: ",")[1])
    }
    return String(format: "%.4f", try #require(scores.max()))
  }

  @Test(arguments: PastVersion.all)
  func runsAreWatchedAndReported(version: PastVersion) throws {
    let names = version.names(in: "runs")
    #expect(names.count >= 3)
    try PastBench.use(names.map { PastRun(version: version, name: $0) }) { bench in
      try bench.copy("logs", of: version)
      let paths = names.map { "runs/\($0)" }
      let watched = try bench.run(["watch", "--once"] + paths + ["logs/abl3.log"])
      #expect(watched.status == 0 && watched.errors == "", "\(watched)")
      let lines = watched.output.split(separator: "\n")
      func line(_ name: String) throws -> Substring {
        try #require(lines.first { $0.hasPrefix(name + " ") }, "\(watched)")
      }
      #expect(try line("logs/abl3.log").contains(score(version, "abl3")), "\(watched)")
      let reported = try bench.run(["report"] + paths + ["--output", "page.html"])
      #expect(reported.status == 0, "\(reported)")
      let page = try String(contentsOfFile: bench.folder.file("page.html"), encoding: .utf8)
      func expectOnPage(_ text: String) {
        // A failure must not print the whole page.
        let isThere = page.contains(text)
        #expect(isThere, "\(text) is not on the page")
      }
      for name in names {
        expectOnPage("runs/\(name)")
        // These runs have no finished epoch.
        if ["beside", "diverged"].contains(name) { continue }
        let score = try score(version, name)
        #expect(try line("runs/\(name)").contains(score), "\(name): \(watched)")
        expectOnPage(score)
      }
      guard version == .newest else { return }
      #expect(try line("runs/eventful").contains(" 4/4 "), "\(watched)")
      #expect(try line("runs/eventful").contains("complete"), "\(watched)")
      #expect(try line("runs/diverged").contains("diverged"), "\(watched)")
      // The stops, the damaged checkpoint, and the tensor that was not finite.
      for text in [
        "SIGTERM", "--wall-time 0:01:00", "step-00000006.safetensors", "band_split.norms.0.weight",
        // Scores of the test split.
        "36.34",
        // Samples, enhanced with the old weights.
        "<audio",
      ] { expectOnPage(text) }
    }
  }

  @Test(arguments: [
    ("back", "step-00000005-rank0", 0), ("diverged", "step-00000002-rank0", 0),
    ("eventful", "step-00000002-rank1", 2),
  ])
  func dumpsAreReplayed(run: String, name: String, status: Int32) throws {
    let version = PastVersion.newest
    try PastBench.use([PastRun(version: version, name: run)]) { bench in
      let path = "runs/\(run)/nonfinite/\(name).safetensors"
      let outcome = try bench.run(["replay", path])
      #expect(outcome.status == status && outcome.errors == "", "\(outcome)")
      let known = try String(contentsOfFile: version.folder.file(path + ".txt"), encoding: .utf8)
      // Words may change, magnitudes and counts may not.
      #expect(numbers(known).count > 20)
      #expect(numbers(outcome.output) == numbers(known), "\(outcome)\n\(known)")
    }
  }

  /// The numbers in a replay's tables. The note on the kernels depends on the machine.
  private func numbers(_ text: String) -> [Substring] {
    text.split(separator: "\n").filter { !$0.hasPrefix("status ") && !$0.hasPrefix("note: ") }
      .dropFirst()
      .flatMap { $0.split { $0.isWhitespace || $0 == "," } }.filter { Double($0) != nil }
  }

  @Test func figuresAreRead() throws {
    try PastBench.use { bench in
      try bench.copy("bench")
      let plan = [
        "plan", "--preset", "presets/bsrnn.json", "--ranks-per-node", "1", "--utterances", "100",
        "--batch", "1", "--seconds", "0.3",
      ]
      let step = "bench/step-1.json"
      for (arguments, text) in [
        (["bench", "compare", step, step], "1.000"),
        (["bench", "scaling", "--from", step, "bench/step-2.json"], "bsrnn"),
        (
          [
            "bench", "simulate", "--calibration", "bench/step-2.json", "--network",
            "bench/allreduce.json", "--ranks", "1,2",
          ], "bsrnn"
        ),
        (plan + ["--calibration", "bench/calibration.json"], "7,651"),
        (plan + ["--calibration", step], "7,651"),
      ] {
        let outcome = try bench.run(arguments)
        #expect(outcome.status == 0, "\(arguments): \(outcome)")
        #expect(outcome.output.contains(text), "\(arguments): \(outcome)")
      }
    }
  }

  /// `metrics.jsonl` and the timeline keep their keys: a run in which everything happens has at
  /// least those that the version wrote.
  @Test func eventsKeepTheirKeys() throws {
    let version = PastVersion.newest
    try PastBench.use { bench in
      let common = [
        "train", "--preset", "presets/bsrnn.json", "--data", "corpus", "--seconds", "0.3",
        "--seed", "7", "--lr", "0.01", "--epochs", "4", "--checkpoint-every", "1steps",
        "--nonfinite-dumps", "1", "--batch", "1",
      ]
      let eventful = common + ["--run-dir", "runs/eventful"]
      func start(_ arguments: [String], fault: String = "", status: Int32 = 0) throws {
        let outcome = try bench.run(
          arguments, ranks: 2, environment: ["DISTTRAIN_FAULT": fault])
        #expect(outcome.status == status, "\(outcome)")
      }
      try start(
        eventful + [
          "--stop-after", "3", "--trace", "trace.json", "--trace-steps", "1", "--trace-after", "1",
          "--tensorboard",
        ], fault: "poison-gradient@step=2,rank=1")
      let last = bench.folder.file("runs/eventful/step-00000003.safetensors")
      try #require(truncate(last, 100) == 0)
      try start(
        eventful + ["--resume", "--skip-limit", "1"], fault: "poison-weight@step=4,rank=0")
      try start(
        common + ["--run-dir", "runs/diverged", "--skip-limit", "1", "--rollbacks", "0"],
        fault: "poison-input@step=2,rank=0", status: 1)

      var now: [String: Set<String>] = [:]
      for run in ["eventful", "diverged"] {
        let file = bench.folder.appending(path: "runs/\(run)/metrics.jsonl")
        now.merge(keys(try PastComparison.events(file))) { $0.union($1) }
      }
      var kinds: Set<String> = []
      for run in version.names(in: "runs") {
        let file = version.folder.appending(path: "runs/\(run)/metrics.jsonl")
        for (kind, keys) in keys(try PastComparison.events(file)) {
          kinds.insert(kind)
          let gone = keys.subtracting(now[kind] ?? [])
          #expect(gone == [], "\(kind) of \(run)")
        }
      }
      #expect(
        kinds == [
          "start", "step", "epoch", "checkpoint", "stop", "waiting", "nonfinite", "rollback",
          "fallback", "diverged",
        ])
      let old = spans(in: try json(version.folder.appending(path: "runs/eventful/trace.json")))
      #expect(old.count > 3)
      let new = spans(in: try json(bench.folder.appending(path: "trace.json")))
      #expect(old.subtracting(new) == [])
      #expect(try bench.folder.names(in: "runs/eventful/tensorboard").count == 1)
    }
  }

  /// The keys of each kind of event.
  private func keys(_ events: [JSONValue]) -> [String: Set<String>] {
    var found: [String: Set<String>] = [:]
    for event in events {
      guard case .object(let members) = event, let kind = event["event"]?.string else { continue }
      found[kind, default: []].formUnion(members.keys)
    }
    return found
  }

  /// The kinds of spans in a timeline, with their keys.
  private func spans(in trace: JSONValue) -> Set<String> {
    guard case .array(let spans)? = trace["traceEvents"] else { return [] }
    return Set(
      spans.compactMap { span in
        guard case .object(let members) = span else { return nil }
        let kind = [span["ph"], span["cat"]].map { $0?.string ?? "-" }
        return "\(kind) \(members.keys.sorted())"
      })
  }

  private func json(_ url: URL) throws -> JSONValue {
    try JSONValue(parsing: Array(Data(contentsOf: url)))
  }

  /// A resumed run keeps its TensorBoard files, and adds one.
  @Test func tensorBoardFilesStay() throws {
    let version = PastVersion.newest
    let run = PastRun(version: version, name: "bsrnn")
    try PastBench.use([run]) { bench in
      let boards = version.names(in: "runs/eventful/tensorboard")
      #expect(boards.count == 4)
      try bench.copy("runs/eventful/tensorboard", as: "runs/bsrnn/tensorboard")
      var command = try run.command()
      command.arguments.append("--tensorboard")
      let outcome = try bench.run(command)
      #expect(outcome.status == 0, "\(outcome)")
      let now = try bench.folder.names(in: "runs/bsrnn/tensorboard")
      #expect(now.count == 5 && Set(now).isSuperset(of: boards))
      for name in boards {
        #expect(
          try Data(
            contentsOf: version.folder.appending(path: "runs/eventful/tensorboard/\(name)"))
            == Data(contentsOf: bench.folder.appending(path: "runs/bsrnn/tensorboard/\(name)")))
      }
    }
  }
}
