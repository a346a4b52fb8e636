import Audio
import Foundation
import TestSupport

/// Files of every kind with random damages: the program reads them or refuses them in a sentence.
enum DamagedInputs {
  static let drills = [
    Drill("damage-inputs", "300 random damages to each kind of file") { ground in
      let stopwatch = ContinuousClock.now
      let folder = ground.bench.folder.appending(path: "damaged-inputs")
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      var refused = 0
      let kinds = try kinds(ground, in: folder)
      for kind in kinds { refused += try damage(kind, ground) }
      let count = 300 * kinds.count
      return DrillOutcome(
        did: "\(count - refused) of \(count) read the file, \(refused) refused it in a sentence",
        seconds: Double((ContinuousClock.now - stopwatch).components.seconds),
        kept: "no trap, no hang, no error of a library")
    }
  ]

  /// A kind of file and the command that reads it.
  private struct Kind {
    let path: String
    let arguments: [String]
  }

  private static func kinds(_ ground: DrillGround, in folder: URL) throws -> [Kind] {
    let bench = ground.bench
    let speech = noise(4000)
    for name in ["wav", "flac"] {
      try WaveFile.write(speech, sampleRate: 16_000, to: folder.file("a.\(name)"))
    }
    let run = try ground.reference()
    func copy(_ path: String, _ name: String) throws -> String {
      try Data(contentsOf: URL(fileURLWithPath: path)).write(to: folder.appending(path: name))
      return folder.file(name)
    }
    let runFolder = bench.folder.file(run)
    let weights = try copy("\(runFolder)/best.safetensors", "w.safetensors")
    try tinyModel.write(toFile: folder.file("p.json"), atomically: true, encoding: .utf8)
    try "a slots=2\nb.c slots = 4 // two\n# end\n".write(
      toFile: folder.file("hosts"), atomically: true, encoding: .utf8)
    let pack = folder.file("pack")
    let packed = try MPIRun.runAlone(
      product: "disttrain", arguments: ["prepare", "pack", "--input", bench.data, "--output", pack])
    try ground.require(packed.status == 0, "packing failed", packed)
    let watched = folder.appending(path: "run")
    try FileManager.default.copyItem(atPath: runFolder, toPath: watched.path)
    let metrics = watched.file("metrics.jsonl")
    let enhanced = folder.file("e.wav")
    func enhance(_ name: String) -> [String] {
      ["enhance", "--weights", "\(runFolder)/best.safetensors", folder.file(name), enhanced]
    }
    return [
      Kind(
        path: weights,
        arguments: ["enhance", "--weights", weights, folder.file("a.wav"), enhanced]),
      Kind(
        path: folder.file("p.json"), arguments: ["describe", "--preset", folder.file("p.json")]),
      Kind(path: try copy(folder.file("a.wav"), "b.wav"), arguments: enhance("b.wav")),
      Kind(path: folder.file("a.flac"), arguments: enhance("a.flac")),
      Kind(path: pack, arguments: ["prepare", "verify", "--data", pack]),
      Kind(
        path: folder.file("hosts"),
        arguments: [
          "launch", "--dry-run", "--ranks", "2", "--hostfile", folder.file("hosts"), "--", "train",
          "--preset", "abl3", "--data", bench.data,
        ]),
      Kind(path: metrics, arguments: ["watch", "--once", watched.path]),
      Kind(
        path: metrics, arguments: ["report", watched.path, "--output", folder.file("report.html")]),
      Kind(path: metrics, arguments: ["compare", watched.path]),
    ]
  }

  /// Starts the command on 300 damaged copies. Returns how many it refused.
  private static func damage(_ kind: Kind, _ ground: DrillGround) throws -> Int {
    let url = URL(fileURLWithPath: kind.path)
    let whole = [UInt8](try Data(contentsOf: url))
    defer { try? Data(whole).write(to: url) }
    var damage = Damage(seed: 15)
    var refused = 0
    for number in 0..<300 {
      try Data(damage.harmed(whole)).write(to: url)
      let outcome = try MPIRun.runAlone(
        product: "disttrain", arguments: kind.arguments, timeLimit: 30)
      let what = "damage \(number) to \(kind.path), \(kind.arguments[0])"
      try ground.require([0, 1, 64].contains(outcome.status), "\(what): it ended badly", outcome)
      if outcome.status == 0 { continue }
      refused += 1
      let errors = outcome.errors.split(separator: "\n").filter { !$0.contains("warning: ") }
      let isSentence = errors.contains { $0.count > 20 } && errors.count <= 12
      let isForeign = ["Error Domain", "DecodingError", "Fatal error"].contains {
        outcome.errors.contains($0)
      }
      try ground.require(isSentence && !isForeign, "\(what): it said no sentence", outcome)
    }
    return refused
  }
}
