import Audio
import Corpora
import Foundation
import Preparation
import Testing
import TestSupport

/// Checks the whole preparation without a network: the download cache is filled with tiny packages
/// that have the layout of the real ones and hold noise bursts in place of speech.
@Suite(
  .enabled(
    if: corpusLibraries && FileManager.default.isExecutableFile(atPath: "/usr/bin/dpkg-deb"),
    "needs libsoxr0, libspandsp2 and dpkg-deb"))
struct MiniCorpusBuildTests {
  let folder: TemporaryFolder
  let corpus: String

  init() throws {
    folder = try TemporaryFolder()
    corpus = folder.file("corpus")
    for (language, voice) in [
      ("en", "en_US_f_Allison"), ("fr", "fr_CA_f_June"), ("it", "it_IT_m_Carlo"),
      ("ru", "ru_RU_f_IvrvoiceRU"),
    ] {
      let root = "usr/share/asterisk/sounds/\(voice)"
      try package("asterisk-core-sounds-\(language)-g722") { write in
        for i in 0..<6 { try write("\(root)/digits/\(i).g722", telephone(seconds: 1.3, seed: i)) }
        try write("\(root)/beep.g722", telephone(seconds: 3, seed: 1))
        try write("\(root)/silence/3.g722", telephone(seconds: 3, seed: 1))
        try write("\(root)/is.g722", [])
      }
    }
    let fish = "usr/share/games/fillets-ng/sound/city/cs"
    try package("fillets-ng-data-cs") { write in
      for i in 0..<4 {
        try write("\(fish)/a-m-\(i).wav", wave(seconds: 2.5, rate: 22_050, seed: i))
        try write("\(fish)/a-v-\(i).wav", wave(seconds: 2.5, rate: 22_050, seed: 50 + i))
        try write("\(fish)/a-x-\(i).wav", wave(seconds: 2.5, rate: 22_050, seed: 90 + i))
      }
    }
    try package("klettres-data") { write in
      for language in ["da", "de", "en", "en_GB", "lt", "ml", "nds", "nl", "pt_BR", "uk"] {
        for i in 0..<4 {
          let name = "usr/share/klettres/\(language)/alpha/\(i).wav"
          try write(name, wave(seconds: 1.2, rate: 44_100, seed: 7 * i + language.count))
        }
      }
    }
    try package("bucklespring-data") { write in
      for key in ["01-0", "01-1", "02-0", "02-1", "ff-1"] {
        try write("usr/share/buckle/wav/\(key).wav", wave(seconds: 0.1, rate: 44_100, seed: 3))
      }
    }
    let samples = ["loop_3d_printer", "ambi_sauna", "loop_industrial", "vinyl_hiss"]
    try package("sonic-pi-samples") { write in
      for name in samples + ["ambi_lunar_land", "loop_safari"] {
        let sound = try wave(seconds: 0.9, rate: 44_100, seed: name.count, name: "a.flac")
        try write("usr/share/sonic-pi/samples/\(name).flac", sound)
      }
    }
    try package("asterisk-moh-opsound-g722") { write in
      for name in [
        "macroform-cold_day", "macroform-robot_dity", "macroform-the_simplicity",
        "reno_project-system",
      ] {
        try write(
          "usr/share/asterisk/moh/\(name).g722", telephone(seconds: 12, seed: name.utf8.count))
      }
    }
  }

  private typealias Write = (String, [UInt8]) throws -> Void

  /// Builds a Debian package from the files that `fill` writes, straight into the cache.
  private func package(_ name: String, fill: (Write) throws -> Void) throws {
    let root = "tree/\(UUID().uuidString)"
    try folder.makeFolder("\(root)/DEBIAN")
    try folder.makeFolder("corpus/.packages")
    let control =
      "Package: \(name)\nVersion: 1\nArchitecture: all\nMaintainer: a <a@b.c>\nDescription: test\n"
    try folder.write(Array(control.utf8), "\(root)/DEBIAN/control")
    func write(_ path: String, _ bytes: [UInt8]) throws {
      try folder.makeFolder("\(root)/" + (path as NSString).deletingLastPathComponent)
      try folder.write(bytes, "\(root)/\(path)")
    }
    try write("usr/share/doc/\(name)/copyright", Array("the licence of \(name)".utf8))
    try fill(write)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/dpkg-deb")
    process.arguments = [
      "--root-owner-group", "-Znone", "--build", folder.file(root),
      folder.file("corpus/.packages/\(name)_1_all.deb"),
    ]
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0)
  }

  /// Random G.722 bytes, which are loud noise, between two silences.
  private func telephone(seconds: Double, seed: Int) -> [UInt8] {
    let silence = [UInt8](repeating: 0xFA, count: 2000)
    let sound = noise(Int(seconds * 8000), seed: UInt64(seed + 1), amplitude: 1)
    return silence + sound.map { UInt8(truncatingIfNeeded: Int($0 * 127)) } + silence
  }

  private func wave(
    seconds: Double, rate: Int, seed: Int, name: String = "a.wav"
  ) throws -> [UInt8] {
    let samples = noise(Int(seconds * Double(rate)), seed: UInt64(seed + 1), amplitude: 0.8)
    return try WaveFile.encode(samples, sampleRate: rate, path: name, encoding: .pcm16)
  }

  @Test func buildKeepRepairAndRead() throws {
    var lines: [String] = []
    let built = try MiniCorpus.prepare(output: corpus, seed: 3) { lines.append($0) }
    #expect(built.outcome == .built)
    #expect(
      lines.contains { $0.hasPrefix("mixing") } && !lines.contains { $0.contains("download") })
    #expect(built.splits.map(\.speakers.count) == [12, 2, 2])
    // Six words of a telephone voice give three pairs, four words of klettres two.
    #expect(built.splits.map(\.utteranceCount) == [2 * 3 + 4 + 9 * 2, 4 + 2, 2 * 3])
    let speakers = built.splits.map { Set($0.speakers) }
    #expect(speakers[0].isDisjoint(with: speakers[1].union(speakers[2])))
    let noises = built.splits.map { Set($0.utterancesByNoise.keys) }
    #expect(noises[0].isDisjoint(with: noises[2]))

    let manifest = MiniCorpusManifest.read(folder: corpus)
    #expect(try MiniCorpus.prepare(output: corpus, seed: 3) { _ in }.outcome == .kept)

    for split in CorpusSplit.allCases {
      let dataset = try PairedDataset(folder: corpus, split: split)
      #expect(dataset.pairs.count == built.splits.first { $0.split == split }?.utteranceCount)
      try check(dataset)
    }
    let licences = try FileManager.default.contentsOfDirectory(atPath: corpus + "/licences")
    #expect(licences.count == 9)

    let victim = "\(corpus)/train/noisy/allison_0001.flac"
    try FileManager.default.removeItem(atPath: victim)
    let repaired = try MiniCorpus.prepare(output: corpus, seed: 3) { _ in }
    #expect(
      repaired.outcome == .rebuilt(reason: "train/noisy/allison_0001.flac is missing"))
    // Equal seeds give equal bytes.
    #expect(MiniCorpusManifest.read(folder: corpus) == manifest)
  }

  /// Checks that ratios are those of `mixtures.csv`, up to a tenth of a decibel for 16-bit
  /// rounding.
  private func check(_ dataset: PairedDataset) throws {
    let table = try String(contentsOfFile: corpus + "/mixtures.csv", encoding: .utf8)
    let rows = table.split(separator: "\n").map { $0.split(separator: ",").map(String.init) }
    for pair in dataset.pairs {
      let row = try #require(rows.first { $0[1] == pair.name })
      let clean = try RecordingReader().read(pair.clean, sampleRate: 16_000)
      let noisy = try RecordingReader().read(pair.noisy, sampleRate: 16_000)
      #expect(clean.count >= 32_000)
      let added = zip(noisy, clean).map { $0 - $1 }
      let ratio = 10 * log10(SpeechLevel.activePower(clean) / meanSquare(added))
      #expect(abs(ratio - (Double(row[4]) ?? .nan)) < 0.1, "\(pair.name)")
    }
  }

  @Test func relativeOutputIsTakenFromTheCurrentFolder() throws {
    let here = FileManager.default.currentDirectoryPath
    let up = here.split(separator: "/").map { _ in ".." }.joined(separator: "/")
    let built = try MiniCorpus.prepare(output: up + corpus, seed: 3) { _ in }
    #expect(built.outcome == .built)
    #expect(FileManager.default.fileExists(atPath: corpus + "/manifest.json"))
  }

  @Test func packagesWithoutTheirRecordingsAreNamed() throws {
    try package("klettres-data") { _ in }
    #expect(
      throws: MiniCorpusError.missingSource(
        package: "klettres-data", path: "usr/share/klettres/da")
    ) { try MiniCorpus.prepare(output: corpus) { _ in } }
    // An unfinished corpus is distinguished from a whole one and from foreign files.
    #expect(try MiniCorpus.state(of: corpus, full: false, seed: 1) == .absent)
  }

  @Test func brokenPackagesAreNamed() throws {
    let path = corpus + "/.packages/klettres-data_1_all.deb"
    try folder.truncate("corpus/.packages/klettres-data_1_all.deb", to: 500)
    let error = try #require(throws: MiniCorpusError.self) {
      try MiniCorpus.prepare(output: corpus) { _ in }
    }
    guard case .unpackFailed(path, let reason) = error else { Issue.record("\(error)"); return }
    #expect(!reason.isEmpty)
  }
}
