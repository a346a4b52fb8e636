import Audio
import Corpora
import Foundation
import Testing
import TestSupport

/// Recordings in folders inside the folders of a corpus.
@Suite struct SubfolderTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func write(_ name: String, count: Int = 300, seed: UInt64 = 1) throws {
    try folder.makeFolder((name as NSString).deletingLastPathComponent)
    try WaveFile.write(noise(count, seed: seed), sampleRate: 16_000, to: folder.file(name))
  }

  private func writePair(_ split: String, _ name: String, count: Int = 300) throws {
    for (seed, side) in ["clean", "noisy"].enumerated() {
      try write("\(split)/\(side)/\(name)", count: count, seed: UInt64(seed))
    }
  }

  @Test func theyAreTakenWithTheirFolders() throws {
    for name in ["a.wav", "p226/p226_001.wav", "p226/a.wav", "p226/x/deep.flac"] {
      try writePair("train", name)
    }
    // None directly in the folder, a link to a folder elsewhere, and one that leads back.
    for side in ["clean", "noisy"] {
      try write("elsewhere/\(side)/b.wav")
      try folder.makeFolder("valid/\(side)")
      try FileManager.default.createSymbolicLink(
        atPath: folder.file("valid/\(side)/linked"),
        withDestinationPath: folder.file("elsewhere/\(side)"))
      try FileManager.default.createSymbolicLink(
        atPath: folder.file("valid/\(side)/loop"),
        withDestinationPath: folder.file("valid/\(side)"))
      try folder.makeFolder("train/\(side)/.hidden")
      try folder.write([1], "train/\(side)/.hidden/c.wav")
    }
    let train = try PairedDataset(folder: folder.path, split: .train).pairs
    #expect(train.map(\.name) == ["a", "p226/a", "p226/p226_001", "p226/x/deep"])
    #expect(train[3].clean == .file(path: folder.file("train/clean/p226/x/deep.flac")))
    #expect(try PairedDataset(folder: folder.path, split: .valid).pairs.map(\.name) == ["linked/b"])

    let pack = folder.file("pack")
    _ = try CorpusPacker(folder: folder.path, onBadFile: .stop)
      .write(to: URL(fileURLWithPath: pack))
    let packed = try SharedDataset(data: pack, split: .train, sampleRate: 16_000).pairs
    #expect(packed.map(\.name) == train.map(\.name))
    #expect(
      try RecordingReader().read(packed[2].noisy, sampleRate: 16_000)
        == RecordingReader().read(train[2].noisy, sampleRate: 16_000))
  }

  @Test func aPartnerIsLookedForInTheSameFolder() throws {
    try writePair("train", "x/a.wav")
    try write("train/clean/b.wav")
    try write("train/noisy/x/b.wav")
    let error = #expect(throws: PairedDatasetError.self) {
      try PairedDataset(folder: folder.path, split: .train)
    }
    #expect(
      error
        == .badFiles(
          .train,
          [
            BadFile(
              path: folder.file("train/clean/b.wav"),
              reason: "has no noisy side: no b.wav or .flac in \(folder.file("train/noisy"))"),
            BadFile(
              path: folder.file("train/noisy/x/b.wav"),
              reason: "has no clean side: no x/b.wav or .flac in \(folder.file("train/clean"))"),
          ]))
  }

  @Test func speakersAreFoldersOrBeginNames() throws {
    for side in ["clean", "noisy"] {
      for name in ["p226/p226_001", "p227/001", "p287/p287_001", "p2260/p2260_001", "p228_001"] {
        try write("\(side)_trainset_28spk_wav/\(name).wav")
      }
    }
    func names(_ split: CorpusSplit, _ speakers: ValidationSpeakers = .usual) throws -> [String] {
      try PairedDataset(folder: folder.path, split: split, validationSpeakers: speakers)
        .pairs.map(\.name)
    }
    #expect(try names(.valid) == ["p226/p226_001", "p287/p287_001"])
    #expect(try names(.train) == ["p2260/p2260_001", "p227/001", "p228_001"])
    #expect(try names(.valid, ["p227", "p228"]) == ["p227/001", "p228_001"])
  }

  @Test func namesThatAreNoTextAreNamed() throws {
    try writePair("train", "a.wav")
    let bytes =
      Array(folder.file("train/clean/").utf8) + Array("caf".utf8) + [0xE9]
      + Array(".wav".utf8)
    let file = bytes.map { CChar(bitPattern: $0) } + [0]
    close(open(file, O_CREAT | O_WRONLY, 0o644))
    let error = #expect(throws: PairedDatasetError.self) {
      try PairedDataset(folder: folder.path, split: .train)
    }
    let text = "/train/clean/caf\\xE9.wav: has a name that is not UTF-8; rename the file"
    #expect(error?.description.contains(text) == true)
    let rest = try PairedDataset(folder: folder.path, split: .train, onBadFile: .skip)
    #expect(rest.pairs.map(\.name) == ["a"] && rest.skipped.count == 1)
  }

  @Test func speakersOfACorpusWithoutAnyAreRefused() throws {
    try writePair("train", "a.wav")
    try writePair("valid", "b.wav")
    let pack = folder.file("pack")
    _ = try CorpusPacker(folder: folder.path, onBadFile: .stop)
      .write(to: URL(fileURLWithPath: pack))
    for data in [folder.path, pack] {
      for split in [CorpusSplit.train, .valid] {
        let error = #expect(throws: PairedDatasetError.self) {
          try SharedDataset(
            data: data, split: split, sampleRate: nil, validationSpeakers: ["p226"])
        }
        #expect(error == .noSpeakers(path: data, speakers: ["p226"]))
      }
      _ = try SharedDataset(data: data, split: .valid, sampleRate: nil)
    }
  }
}
