import Audio
import Corpora
import Foundation
import Testing
import TestSupport

@Suite struct PairedDatasetTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func write(_ name: String, count: Int = 1000, rate: Int = 16_000) throws {
    try folder.makeFolder((name as NSString).deletingLastPathComponent)
    try WaveFile.write(
      noise(count, seed: UInt64(name.utf8.count)), sampleRate: rate, to: folder.file(name))
  }

  private func writePair(_ split: String, _ name: String, count: Int = 1000) throws {
    try write("\(split)/clean/\(name)", count: count)
    try write("\(split)/noisy/\(name)", count: count)
  }

  private func open(
    _ split: CorpusSplit = .train, _ onBadFile: OnBadFile = .stop
  ) throws -> PairedDataset {
    try PairedDataset(folder: folder.path, split: split, onBadFile: onBadFile)
  }

  @Test func splitFoldersSortedByName() throws {
    for name in ["b.wav", "a10.flac", "a9.wav", "C.wav"] {
      try writePair("train", name, count: 700)
    }
    try writePair("test", "t.wav", count: 300)
    // Sides may differ in format; other files are ignored.
    try write("train/clean/d.wav")
    try write("train/noisy/d.FLAC")
    try folder.write([1, 2, 3], "train/noisy/._b.wav")
    try folder.write([], "train/noisy/notes.txt")
    let train = try open()
    #expect(train.pairs.map(\.name) == ["C", "a10", "a9", "b", "d"])
    #expect(train.skipped.isEmpty)
    #expect(
      train.pairs[1]
        == UtterancePair(
          name: "a10", clean: .file(path: folder.file("train/clean/a10.flac")),
          noisy: .file(path: folder.file("train/noisy/a10.flac")), sampleCount: 700))
    #expect(train.pairs[4].noisy == .file(path: folder.file("train/noisy/d.FLAC")))
    #expect(try open(.test).pairs.map(\.name) == ["t"])
  }

  @Test(arguments: ["", "_16k"])
  func voiceBankHoldsOutItsValidationSpeakers(suffix: String) throws {
    for side in ["clean", "noisy"] {
      for name in ["p226_001", "p287_010", "p286_002", "p227_001", "p2260_001"] {
        try write("\(side)_trainset_28spk_wav\(suffix)/\(name).wav")
      }
      try write("\(side)_testset_wav\(suffix)/p232_001.wav")
    }
    #expect(try open(.train).pairs.map(\.name) == ["p2260_001", "p227_001", "p286_002"])
    #expect(try open(.valid).pairs.map(\.name) == ["p226_001", "p287_010"])
    #expect(try open(.test).pairs.map(\.name) == ["p232_001"])
    let other = try PairedDataset(
      folder: folder.path, split: .valid, validationSpeakers: ["p286"])
    #expect(other.pairs.map(\.name) == ["p286_002"])
    let error = #expect(throws: PairedDatasetError.self) {
      try PairedDataset(folder: folder.path, split: .valid, validationSpeakers: ["p999"])
    }
    #expect(error == .unknownSpeakers(path: folder.path, speakers: ["p999"]))
    #expect(
      error?.description
        == "\(folder.path): the training set has no recording of the speaker p999; check "
        + "--validation-speakers")
  }

  @Test func resampledVoiceBankFoldersArePreferred() throws {
    for side in ["clean", "noisy"] {
      try write("\(side)_testset_wav/p232_001.wav", rate: 48_000)
      try write("\(side)_testset_wav_16k/p232_001.wav")
    }
    #expect(
      try open(.test).pairs[0].clean
        == .file(path: folder.file("clean_testset_wav_16k/p232_001.wav")))
  }

  /// Makes a bad file of every kind, and returns the paths with words of the expected reasons.
  private func spoil() throws -> [(path: String, words: String)] {
    for i in 0..<3 { try writePair("train", "good\(i).wav") }
    try write("train/clean/lonely.wav")
    try write("train/noisy/orphan.wav")
    try writePair("train", "empty.wav")
    try folder.write([], "train/noisy/empty.wav")
    try writePair("train", "text.wav")
    try folder.write(Array("no audio here".utf8), "train/clean/text.wav")
    try writePair("train", "rate.wav")
    try write("train/clean/rate.wav", rate: 48_000)
    try writePair("train", "length.wav")
    try write("train/noisy/length.wav", count: 999)
    try writePair("train", "cut.flac", count: 60_000)
    try folder.truncate("train/noisy/cut.flac", to: 30_000)
    try writePair("train", "stereo.wav")
    var bytes = [UInt8](
      try Data(contentsOf: URL(fileURLWithPath: folder.file("train/noisy/stereo.wav"))))
    bytes.replaceSubrange(22..<24, with: [2, 0])
    bytes.replaceSubrange(32..<34, with: [4, 0])
    try folder.write(bytes, "train/noisy/stereo.wav")
    try writePair("train", "twice.wav")
    try write("train/noisy/twice.flac")
    return [
      ("train/noisy/twice.wav", "same name"), ("train/noisy/cut.flac", "truncated"),
      ("train/noisy/empty.wav", "no samples"), ("train/noisy/length.wav", "has 999 samples"),
      ("train/clean/lonely.wav", "no noisy side"), ("train/noisy/orphan.wav", "no clean side"),
      ("train/clean/rate.wav", "expected 16000 Hz, found 48000 Hz"),
      ("train/noisy/stereo.wav", "2 channels"), ("train/clean/text.wav", "is no recording"),
    ]
  }

  @Test func sampleRateIsThatOfMostFiles() throws {
    for (index, rate) in [8000, 48_000, 48_000].enumerated() {
      try write("train/clean/\(index).wav", rate: rate)
      try write("train/noisy/\(index).wav", rate: rate)
    }
    let dataset = try open(.train, .skip)
    #expect(dataset.sampleRate == 48_000 && dataset.pairs.map(\.name) == ["1", "2"])
    #expect(dataset.skipped.map(\.reason).allSatisfy { $0.contains("found 8000 Hz") })
    // Some files are not what the model takes: they are named.
    let error = #expect(throws: PairedDatasetError.self) {
      try PairedDataset(folder: folder.path, split: .train, sampleRate: 8000)
    }
    #expect(error?.description.contains("4 unusable files") == true)
  }

  @Test func splitAtAnotherRateIsOneSentence() throws {
    for name in ["a.wav", "b.wav"] {
      try write("train/clean/\(name)", rate: 44_100)
      try write("train/noisy/\(name)", rate: 44_100)
    }
    for onBadFile in OnBadFile.allCases {
      let error = #expect(throws: PairedDatasetError.self) {
        try PairedDataset(
          folder: folder.path, split: .train, sampleRate: 16_000, onBadFile: onBadFile)
      }
      #expect(
        error?.description
          == "\(folder.path): the train split is at 44100 Hz, and the model takes 16000 Hz; give a "
          + "corpus at 16000 Hz, or a preset whose front_end has \"sample_rate\": 44100")
    }
  }

  @Test func allBadFilesAreReportedAtOnce() throws {
    let expected = try spoil()
    let error = try #require(throws: PairedDatasetError.self) { try open() }
    guard case .badFiles(.train, let files) = error else { Issue.record("\(error)"); return }
    #expect(files.map(\.path) == expected.map { folder.file($0.path) })
    for (file, words) in zip(files, expected.map(\.words)) {
      #expect(file.reason.contains(words), "\(file)")
      #expect(error.description.contains("\(file)"))
    }
  }

  @Test func badFilesCanBeSkipped() throws {
    let expected = try spoil()
    let dataset = try open(.train, .skip)
    #expect(dataset.pairs.map(\.name) == ["good0", "good1", "good2", "twice"])
    #expect(dataset.skipped.map(\.path) == expected.map { folder.file($0.path) })
  }

  @Test func onlyTwentyAreListed() throws {
    for i in 0..<23 { try write("train/clean/\(i).wav") }
    try folder.makeFolder("train/noisy")
    let error = try #require(throws: PairedDatasetError.self) { try open() }
    #expect(error.description.hasSuffix("and 3 more"))
    #expect(error.description.split(separator: "\n").count == 22)
    let skipping = try #require(throws: PairedDatasetError.self) { try open(.train, .skip) }
    guard case .noUsablePair(.train, let files) = skipping else {
      Issue.record("\(skipping)")
      return
    }
    #expect(files.count == 23)
  }

  @Test func missingThingsAreNamed() throws {
    let nowhere = folder.file("nowhere")
    #expect(throws: PairedDatasetError.missingCorpus(path: nowhere)) {
      try PairedDataset(folder: nowhere, split: .train)
    }
    #expect(throws: PairedDatasetError.unknownLayout(path: folder.path)) { try open() }
    try writePair("train", "a.wav")
    #expect(
      throws: PairedDatasetError.missingSplit(
        .valid, lookedFor: ["clean", "noisy"].map { folder.file("valid/\($0)") })
    ) { try open(.valid) }
    try folder.makeFolder("valid/clean")
    #expect(
      throws: PairedDatasetError.missingSplit(.valid, lookedFor: [folder.file("valid/noisy")])
    ) { try open(.valid) }
    try folder.makeFolder("valid/noisy")
    #expect(
      throws: PairedDatasetError.emptySplit(
        .valid, lookedIn: ["clean", "noisy"].map { folder.file("valid/\($0)") }, speakers: [])
    ) { try open(.valid) }
  }
}
