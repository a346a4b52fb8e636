import Checkpoints
import DistTrain
import Files
import Foundation
import Recipes
import TestSupport
import Testing

/// Refusals of files that are damaged, or of a later version: one sentence, and no file changes.
extension HistoryTests {
  /// Expects status 1 and one error, which has all texts; mpirun may add words of its own.
  private func expectRefusal(
    _ outcome: SubprocessOutcome, _ texts: String...,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(outcome.status == 1, "\(outcome)", sourceLocation: sourceLocation)
    let errors = outcome.errors.split(separator: "\n").filter {
      $0.hasPrefix("disttrain: error: ")
    }
    #expect(errors.count == 1, "\(outcome)", sourceLocation: sourceLocation)
    for text in texts {
      #expect(
        errors.first?.contains(text) == true, "no \(text): \(outcome)",
        sourceLocation: sourceLocation)
    }
  }

  /// Kinds of damage: nil cuts the last byte off, a number flips a bit at that share of the length.
  private static let wounds = [nil, 0.0, 0.02, 0.1, 0.4, 0.6, 0.8, 0.9999]

  private func hurt(_ data: Data, _ place: Double?) -> Data {
    guard let place else { return data.dropLast(1) }
    var data = data
    data[Int(place * Double(data.count - 1))] ^= 4
    return data
  }

  @Test(arguments: ["abl1", "bsrnn", "beside", "back"])
  func aDamagedCheckpointIsRefused(name: String) throws {
    let run = PastRun(version: .newest, name: name)
    let file = try #require(
      run.version.names(in: "runs/\(name)").first { $0.hasPrefix("step-") })
    let url = run.version.folder.appending(path: "runs/\(name)/\(file)")
    let whole = try Data(contentsOf: url)
    #expect(throws: Never.self) { try Checkpoint(whole, path: file) }
    for place in Self.wounds {
      #expect(throws: CheckpointError.self, "\(place ?? -1)") {
        try Checkpoint(hurt(whole, place), path: file)
      }
    }
    try PastBench.use([run]) { bench in
      try hurt(whole, 0.6).write(to: bench.folder.appending(path: "runs/\(name)/\(file)"))
      let before = try bench.folder.names(in: "runs/\(name)")
      expectRefusal(try bench.run(run.command()), file)
      #expect(try bench.folder.names(in: "runs/\(name)") == before)
    }
  }

  /// A file of version 0.1.0 has no checksums, so that only damage to its form is noticed.
  @Test(arguments: PastVersion.all[0].resumableRuns)
  func aDamagedCheckpointOfTheFirstVersionIsRefused(run: PastRun) throws {
    let url = run.version.folder.appending(path: "runs/\(run.name)/last.safetensors")
    let whole = try Data(contentsOf: url)
    #expect(try !Checkpoint(whole, path: "a").hasChecksums)
    for place in [nil, 0.0] {
      #expect(throws: CheckpointError.self) { try Checkpoint(hurt(whole, place), path: "a") }
    }
    try PastBench.use([run]) { bench in
      try hurt(whole, nil).write(
        to: bench.folder.appending(path: "runs/\(run.name)/last.safetensors"))
      expectRefusal(try bench.run(run.command()), "last.safetensors")
    }
  }

  /// Additions that a later version could make to a checkpoint, with their names in the refusal.
  private static let novelties: [(name: String, change: @Sendable (inout Parts) throws -> Void)] = [
    ("sampler", { $0.metadata["sampler"] = "{}" }),
    (
      "training_configuration.sampleRate",
      { try $0.edit("training_configuration") { $0["sampleRate"] = 48_000 } }
    ),
    (
      "training_configuration.model.discriminator",
      { parts in
        try parts.edit("training_configuration") { value in
          var model = try #require(value["model"] as? [String: Any])
          model["discriminator"] = ["channels": 64]
          value["model"] = model
        }
      }
    ),
    (
      "training_configuration.model.trunk.kind",
      { parts in
        try parts.edit("training_configuration") { value in
          var model = try #require(value["model"] as? [String: Any])
          model["trunk"] = ["kind": "transformer"]
          value["model"] = model
        }
      }
    ),
    ("progress.audioSeconds", { try $0.edit("progress") { $0["audioSeconds"] = 2.5 } }),
    (
      "progress.recovery.lastLoss",
      { parts in
        try parts.edit("progress") { value in
          var recovery = try #require(value["recovery"] as? [String: Any])
          recovery["lastLoss"] = 0.5
          value["recovery"] = recovery
        }
      }
    ),
    (
      "adam.max_exp_avg_sq.band_split",
      { $0.entries.append(.init(name: "adam.max_exp_avg_sq.band_split", shape: [1], values: [1])) }
    ),
  ]

  /// A safetensors file in pieces.
  private struct Parts {
    var entries: [SafetensorsFile.Entry]
    var metadata: [String: String]

    init(_ url: URL) throws {
      let file = try SafetensorsFile(contentsOf: url)
      (entries, metadata) = (file.entries, file.metadata)
    }

    /// Changes the JSON object in the metadata under `key`.
    mutating func edit(_ key: String, _ change: (inout [String: Any]) throws -> Void) throws {
      let text = Data(try #require(metadata[key]).utf8)
      var value = try #require(try JSONSerialization.jsonObject(with: text) as? [String: Any])
      try change(&value)
      metadata[key] = String(
        decoding: try JSONSerialization.data(withJSONObject: value), as: UTF8.self)
    }

    /// The file's bytes, with checksums that fit.
    var bytes: Data {
      SafetensorsFile(entries: entries, metadata: metadata).addingChecksums().serialized()
    }
  }

  @Test func aNewerCheckpointIsRefused() throws {
    let run = PastRun(version: .newest, name: "back")
    let file = "runs/back/step-00000006.safetensors"
    let url = run.version.folder.appending(path: file)
    func load(_ data: Data) throws {
      let checkpoint = try Checkpoint(data, path: "a")
      try checkpoint.check(
        TrainingState(checkpoint.configuration), checkpoint.configuration, finite: true)
    }
    try load(Parts(url).bytes)
    for novelty in Self.novelties {
      var parts = try Parts(url)
      try novelty.change(&parts)
      let data = parts.bytes
      let error = #expect(throws: CheckpointError.self, "\(novelty.name)") { try load(data) }
      guard case .newer(_, let name) = error else {
        Issue.record("\(novelty.name): \(error.map { "\($0)" } ?? "accepted")")
        continue
      }
      #expect(name.hasPrefix(novelty.name))
    }
    // The older checkpoint beside it does not replace it: the run would lose its last steps.
    try PastBench.use([run]) { bench in
      var parts = try Parts(url)
      try Self.novelties[1].change(&parts)
      try parts.edit("progress") { $0["step"] = 7 }
      let newer = "runs/back/step-00000007.safetensors"
      try parts.bytes.write(to: bench.folder.appending(path: newer))
      let last = bench.folder.appending(path: "runs/back/last.safetensors")
      try FileManager.default.removeItem(at: last)
      try FileManager.default.createSymbolicLink(
        atPath: last.path, withDestinationPath: "step-00000007.safetensors")
      expectRefusal(
        try bench.run(run.command()), newer, "training_configuration.sampleRate", "does not know")
      #expect(FileManager.default.fileExists(atPath: bench.folder.file(file)))
    }
  }

  @Test func otherWeightsAreRefused() throws {
    let run = PastRun(version: .newest, name: "unimamba")
    let path = "runs/unimamba/best.safetensors"
    let url = run.version.folder.appending(path: path)
    let whole = try Data(contentsOf: url)
    try PastBench.use([run]) { bench in
      func enhance(_ data: Data) throws -> SubprocessOutcome {
        try data.write(to: bench.folder.appending(path: path))
        return try bench.run([
          "enhance", "--weights", path, "corpus/train/noisy/u5.wav", "out.wav",
        ])
      }
      for place in Self.wounds { expectRefusal(try enhance(hurt(whole, place)), path) }
      let changes: [(String, (inout Parts) throws -> Void)] = [
        ("sample_rate", { try $0.edit("configuration") { $0["sample_rate"] = 48_000 } }),
        (
          "trunk.kind", { try $0.edit("configuration") { $0["trunk"] = ["kind": "transformer"] } }
        ),
        (
          "decoder.phase.weight",
          { $0.entries.append(.init(name: "decoder.phase.weight", shape: [1], values: [1])) }
        ),
      ]
      for (name, change) in changes {
        var parts = try Parts(url)
        try change(&parts)
        expectRefusal(try enhance(parts.bytes), path, name)
      }
      #expect(!FileManager.default.fileExists(atPath: bench.folder.file("out.wav")))
    }
  }

  @Test func otherPacksAreRefused() throws {
    let whole = try Data(
      contentsOf: PastVersion.newest.folder.appending(path: "packs/corpus.safetensors"))
    try PastBench.use { bench in
      func verify(_ data: Data) throws -> SubprocessOutcome {
        try data.write(to: bench.folder.appending(path: "pack.safetensors"))
        return try bench.run(["prepare", "verify", "--data", "pack.safetensors"])
      }
      for place in Self.wounds {
        let outcome = try verify(hurt(whole, place))
        #expect(outcome.status == 1 && "\(outcome)".contains("pack.safetensors"), "\(outcome)")
      }
      let format = Data("disttrain-corpus-2".utf8)
      let place = try #require(whole.range(of: format))
      var newer = whole
      newer.replaceSubrange(place, with: Data("disttrain-corpus-4".utf8))
      expectRefusal(try verify(newer), "pack.safetensors", "disttrain-corpus-4")
      expectRefusal(
        try bench.run([
          "train", "--preset", "presets/bsrnn.json", "--data", "pack.safetensors", "--run-dir",
          "run",
        ]), "pack.safetensors", "disttrain-corpus-4")
    }
  }

  @Test func otherDumpsAreRefused() throws {
    let run = PastRun(version: .newest, name: "diverged")
    let path = "runs/diverged/nonfinite/step-00000002-rank0.safetensors"
    let url = run.version.folder.appending(path: path)
    let whole = try Data(contentsOf: url)
    try PastBench.use([run]) { bench in
      func replay(_ data: Data) throws -> SubprocessOutcome {
        try data.write(to: bench.folder.appending(path: path))
        return try bench.run(["replay", path])
      }
      for place in Self.wounds { expectRefusal(try replay(hurt(whole, place)), path) }
      var parts = try Parts(url)
      try parts.edit("nonfinite") { $0["format"] = 2 }
      let text = Array(try #require(parts.metadata["nonfinite"]).utf8)
      parts.metadata["nonfinite.crc32c"] = checksum(text)
      let newer = SafetensorsFile(entries: parts.entries, metadata: parts.metadata).serialized()
      expectRefusal(try replay(newer), path, "format 2")
    }
  }

  /// The CRC-32C of `bytes` as eight hexadecimal digits, by the polynomial alone.
  private func checksum(_ bytes: [UInt8]) -> String {
    var sum = UInt32.max
    for byte in bytes {
      sum ^= UInt32(byte)
      for _ in 0..<8 { sum = sum >> 1 ^ (sum & 1 == 1 ? 0x82F6_3B78 : 0) }
    }
    return String(format: "%08x", ~sum)
  }

  /// A history with unknown columns cannot be continued; unknown events are ignored.
  @Test func newerTablesAndEvents() throws {
    let run = PastRun(version: .newest, name: "abl2")
    try PastBench.use([run]) { bench in
      let history = bench.folder.appending(path: "runs/abl2/history.csv")
      let known = try String(contentsOf: history, encoding: .utf8)
      let lines = known.split(separator: "\n")
      let newer = lines.enumerated().map { $0.element + ($0.offset == 0 ? ",energy" : ",1") }
      try (newer.joined(separator: "\n") + "\n").write(
        to: history, atomically: true, encoding: .utf8)
      expectRefusal(try bench.run(run.command()), "history.csv")

      try known.write(to: history, atomically: true, encoding: .utf8)
      let metrics = bench.folder.appending(path: "runs/abl2/metrics.jsonl")
      let events = try String(contentsOf: metrics, encoding: .utf8)
      let changed = events.replacingOccurrences(
        of: #""event":"step""#, with: #""energy":[1],"event":"step""#)
      let novel = #"{"event":"moved","step":5,"time":"2026-12-01T00:00:00.000Z"}"#
      try (changed + novel + "\n").write(to: metrics, atomically: true, encoding: .utf8)
      for arguments in [
        ["compare", "runs/abl2"], ["watch", "--once", "runs/abl2"],
        ["report", "runs/abl2", "--no-audio", "--output", "page.html"], try run.command().arguments,
      ] {
        let outcome = try bench.run(arguments)
        #expect(outcome.status == 0, "\(outcome)")
        #expect(!outcome.errors.contains("warning"), "\(outcome)")
      }
    }
  }
}
