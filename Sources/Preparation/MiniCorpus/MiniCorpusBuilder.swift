import Audio
import Corpora
import Files
import Foundation
import Platform

/// The steps of building a mini corpus, in order.
struct MiniCorpusBuilder {
  let output: String
  let full: Bool
  let seed: UInt64

  /// Name of the folder for downloads, inside the output folder.
  static let cacheName = ".packages"
  /// Names of the files and folders that a build makes in the output folder.
  static let made =
    CorpusSplit.allCases.map(\.rawValue)
    + ["licences", "README.md", "mixtures.csv", MiniCorpusManifest.fileName]

  private var cache: String { "\(output)/\(Self.cacheName)" }
  private var unpacked: String { cache + "/unpacked" }

  /// Locks the output folder for this process, where the file system has locks, and returns the
  /// file descriptor of the lock, whose closing releases the folder.
  ///
  /// - Throws: `MiniCorpusError.busy` if another process builds in the folder, or `unwritable`.
  func claim() throws -> Int32 {
    try makeFolder(cache)
    let lock = open(cache + "/lock", O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
    guard lock >= 0 else {
      throw MiniCorpusError.unwritable(
        path: cache + "/lock", reason: String(cString: strerror(errno)))
    }
    switch LockAttempt.lock(lock) {
    // Without locks, two builds at once are not noticed; one is no reason to refuse.
    case .held, .unsupported: return lock
    case .busy:
      close(lock)
      throw MiniCorpusError.busy(path: output)
    case .failed(let code):
      close(lock)
      throw MiniCorpusError.unwritable(
        path: cache + "/lock", reason: "no lock, \(String(cString: strerror(code)))")
    }
  }

  /// Removes the files of an earlier build, the manifest first, so that no partly removed corpus
  /// has a manifest.
  private func removeRemains() throws {
    for name in Self.made.reversed() { try remove("\(output)/\(name)") }
  }

  private func remove(_ path: String) throws {
    guard FileManager.default.fileExists(atPath: path) else { return }
    do { try FileManager.default.removeItem(atPath: path) } catch {
      throw MiniCorpusError.unwritable(path: path, reason: ErrorText.reason(error))
    }
  }

  /// Builds the corpus and writes the manifest. An earlier corpus is removed once all packages are
  /// downloaded.
  func build(progress: (String) -> Void) throws -> MiniCorpusManifest {
    let sources = try CorpusSources(unpacked: unpacked)
    let voices = Catalogue.voices.filter { full || $0.share != nil }
    let packages = neededPackages(voices)
    let debian = DebianPackages(cache: cache)
    try debian.download(packages, progress: progress)
    defer { try? FileManager.default.removeItem(atPath: unpacked) }
    try remove(unpacked)
    try removeRemains()
    progress("unpacking")
    _ = try parallelMap(packages) { try debian.unpack($0, into: "\(unpacked)/\($0)") }
    progress("decoding \(NumberText.count(voices.count, "voice"))")
    let speech = try utterances(voices, sources: sources)
    progress("making \(Catalogue.noises.count) kinds of noise")
    let bank = try NoiseBank(sources: sources, voices: speech, seed: seed)
    let mixtures = Mixtures.mixtures(voices: speech, seed: seed)
    progress("mixing and writing \(NumberText.count(mixtures.count, "utterance"))")
    var files = try write(mixtures, bank: bank)
    files += try writeLicences(packages)
    var manifest = MiniCorpusManifest(
      seed: seed, full: full, splits: CorpusSplit.allCases.map { summary($0, mixtures) }, files: [])
    let readme = MiniCorpusReadme.text(manifest: manifest, packages: packages)
    files.append(try writeText(readme, to: "README.md"))
    files.append(try writeText(MiniCorpusReadme.table(mixtures), to: "mixtures.csv"))
    manifest.files = files
    try manifest.write(folder: output)
    return manifest
  }

  private func neededPackages(_ voices: [Catalogue.Voice]) -> [String] {
    let speech = voices.flatMap(\.sources).filter { full || !$0.onlyFull }.map(\.package)
    let noise = Catalogue.noises.compactMap(\.origin.package)
    let needed = Set(speech + noise)
    return Catalogue.packages.map(\.name).filter(needed.contains)
  }

  private func utterances(
    _ voices: [Catalogue.Voice], sources: CorpusSources
  ) throws -> [(voice: Catalogue.Voice, utterances: [[Float]])] {
    let paths = try voices.map { try sources.promptPaths(of: $0, full: full) }
    var prompts = try parallelMap(paths.flatMap { $0 }) { try sources.prompt($0) }[...]
    return zip(voices, paths).map { voice, paths in
      var random = SplitMix64(seed: seed, label: "voice/\(voice.name)")
      let own = Array(prompts.prefix(paths.count))
      prompts = prompts.dropFirst(paths.count)
      let utterances = Utterances.assemble(own, random: &random)
      guard !full, let share = voice.share else { return (voice, utterances) }
      return (voice, Mixtures.taken(utterances, share: share, random: &random))
    }
  }

  private func write(_ mixtures: [Mixture], bank: NoiseBank) throws -> [MiniCorpusManifest.File] {
    for split in CorpusSplit.allCases {
      for side in ["clean", "noisy"] { try makeFolder("\(output)/\(split.rawValue)/\(side)") }
    }
    return try parallelMap(mixtures) { mixture in
      var random = SplitMix64(seed: seed, label: "mix/\(mixture.name)")
      let noise = bank.piece(
        of: mixture.noise, sampleCount: mixture.utterance.count, lowPass: mixture.lowPass,
        random: &random)
      let mixed = Mixing.mix(
        clean: mixture.utterance, noise: noise, decibels: mixture.decibels)
      return try [("clean", mixed.clean), ("noisy", mixed.noisy)].map { side, samples in
        let path = "\(mixture.split.rawValue)/\(side)/\(mixture.name).flac"
        let bytes = try WaveFile.encode(
          samples, sampleRate: CorpusSources.sampleRate, path: path, encoding: .pcm16)
        try WaveFile.writeAtomically(bytes, to: "\(output)/\(path)")
        return MiniCorpusManifest.File(path: path, bytes: bytes)
      }
    }
    .flatMap { $0 }
  }

  private func writeLicences(_ packages: [String]) throws -> [MiniCorpusManifest.File] {
    try makeFolder("\(output)/licences")
    return try packages.map { package in
      let path = "usr/share/doc/\(package)/copyright"
      guard let text = FileManager.default.contents(atPath: "\(unpacked)/\(package)/\(path)") else {
        throw MiniCorpusError.missingSource(package: package, path: path)
      }
      return try writeBytes([UInt8](text), to: "licences/\(package).txt")
    }
  }

  private func writeText(_ text: String, to path: String) throws -> MiniCorpusManifest.File {
    try writeBytes(Array(text.utf8), to: path)
  }

  private func writeBytes(_ bytes: [UInt8], to path: String) throws -> MiniCorpusManifest.File {
    try WaveFile.writeAtomically(bytes, to: "\(output)/\(path)")
    return MiniCorpusManifest.File(path: path, bytes: bytes)
  }

  private func summary(_ split: CorpusSplit, _ mixtures: [Mixture]) -> MiniCorpusSplit {
    let members = mixtures.filter { $0.split == split }
    let samples = members.reduce(0) { $0 + $1.utterance.count }
    return MiniCorpusSplit(
      split: split, speakers: Array(Set(members.map(\.speaker))).sorted(),
      utteranceCount: members.count,
      minutes: Double(samples) / Double(60 * CorpusSources.sampleRate),
      utterancesByDecibels: counts(members.map { Self.text($0.decibels) }),
      utterancesByNoise: counts(members.map(\.noise)))
  }

  private func counts(_ keys: [String]) -> [String: Int] {
    keys.reduce(into: [:]) { $0[$1, default: 0] += 1 }
  }

  /// A ratio in decibels as text, such as `5` or `2.5`.
  private static func text(_ decibels: Double) -> String {
    decibels == decibels.rounded() ? String(Int(decibels)) : String(decibels)
  }
}
