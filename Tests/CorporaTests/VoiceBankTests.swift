import Audio
import Corpora
import Files
import Foundation
import Preparation
import Testing
import TestSupport

/// Checks the files of a preparation of VoiceBank-DEMAND: its lists, and the folders that it
/// refuses, keeps and verifies.
@Suite(.enabled(if: hasResampler, "needs libsoxr0"))
struct VoiceBankTests {
  private let sets = ["clean_trainset_28spk_wav", "noisy_trainset_28spk_wav"]

  @Test func resultIsACorpusWithAManifest() throws {
    let corpus = try VoiceBankCorpus()
    let report = try corpus.prepare()
    #expect(report.pairs == [.train: 3, .test: 2] && report.keptPairCount == 0)
    #expect(report.rejected.isEmpty && report.warnings.count == 2)
    #expect(
      report.warnings[0].contains("the train set has 3 pairs, and the published one has 11572"))
    let train = try PairedDataset(
      folder: corpus.output, split: .train, validationSpeakers: [])
    #expect(train.pairs.map(\.name) == ["p226_000", "p226_001", "p226_002"])
    #expect(train.pairs.map(\.sampleCount) == [1600, 1601, 1601])
    let rows = String(
      decoding: try #require(try corpus.contents()["manifest.csv"]), as: UTF8.self
    ).split(separator: "\n").map { $0.split(separator: ",").map(String.init) }
    #expect(
      rows[0] == [
        "file", "split", "speaker", "samples", "seconds", "clipped", "source_crc32c", "crc32c",
      ])
    #expect(rows.count == 11)
    let files = try corpus.contents()
    for row in rows.dropFirst() {
      #expect(row[7] == CRC32C(Array(try #require(files[row[0]]))).text)
      let source = row[0].replacing("_16k/", with: "/")
      #expect(row[6] == CRC32C(try WaveFile.bytes(path: "\(corpus.input)/\(source)")).text)
      #expect(row[1] == (row[0].contains("testset") ? "test" : "train"))
      #expect(row[2] == (row[1] == "test" ? "p232" : "p226"))
      let seconds = try #require(Double(row[4]))
      let samples = try #require(Int(row[3]))
      #expect(abs(seconds - Double(samples) / 16_000) < 1e-4)
    }
    #expect(Set(files.keys) == Set(rows.dropFirst().map { $0[0] }).union(["manifest.csv"]))
  }

  @Test func foldersThatAnArchiveHasDoubledAreNamed() throws {
    let corpus = try VoiceBankCorpus()
    let files = FileManager.default
    let part = "\(corpus.input)/noisy_testset_wav"
    try files.moveItem(atPath: part, toPath: "\(corpus.input)/moved")
    try files.createDirectory(atPath: part, withIntermediateDirectories: true)
    let empty = VoiceBankError.emptyFolder(path: part, deeper: nil)
    #expect(throws: empty) { try corpus.prepare() }
    #expect(empty.description.hasSuffix("unpack the archive of the download again"))
    try files.moveItem(atPath: "\(corpus.input)/moved", toPath: "\(part)/noisy_testset_wav")
    let doubled = VoiceBankError.emptyFolder(path: part, deeper: "\(part)/noisy_testset_wav")
    #expect(throws: doubled) { try corpus.prepare() }
    #expect(
      doubled.description
        == "\(part): the folder holds no .wav or .flac file; there are some in "
        + "\(part)/noisy_testset_wav: move them one folder up")
    // Nothing was made, and so nothing is promised.
    #expect(!files.fileExists(atPath: corpus.output))
  }

  @Test func aDownloadOneFolderDeeperIsNamed() throws {
    let corpus = try VoiceBankCorpus()
    let outer = "\(corpus.input)-outer"
    defer { try? FileManager.default.removeItem(atPath: outer) }
    try FileManager.default.createDirectory(atPath: outer, withIntermediateDirectories: true)
    try FileManager.default.moveItem(atPath: corpus.input, toPath: "\(outer)/DS_10283_2791")
    #expect(
      throws: VoiceBankError.foldersDeeper(in: "\(outer)/DS_10283_2791", input: outer)
    ) {
      try VoiceBank.prepare(input: outer, output: corpus.output)
    }
  }

  @Test func threadsMakeNoDifference() throws {
    let corpus = try VoiceBankCorpus(train: 9)
    _ = try corpus.prepare(to: "one", threads: 1)
    _ = try corpus.prepare(to: "many", threads: 5)
    #expect(try corpus.contents("one") == corpus.contents("many"))
  }

  @Test func theDownloadIsNotResampledIntoItself() throws {
    // The output may be the folder of the download, whose own folders do not change.
    let corpus = try VoiceBankCorpus()
    let before = try corpus.contents("in")
    _ = try corpus.prepare(to: "in")
    let after = try corpus.contents("in")
    #expect(before.allSatisfy { after[$0.key] == $0.value })
    #expect(try PairedDataset(folder: corpus.input, split: .test).pairs.count == 2)
  }

  @Test func fiftySixSpeakersAreTakenWithoutTheCustomarySet() throws {
    let corpus = try VoiceBankCorpus()
    for side in ["clean", "noisy"] {
      try FileManager.default.moveItem(
        atPath: "\(corpus.input)/\(side)_trainset_28spk_wav",
        toPath: "\(corpus.input)/\(side)_trainset_56spk_wav")
    }
    let report = try corpus.prepare()
    #expect(report.pairs == [.train: 3, .test: 2])
    // No publication states the number of pairs of this set.
    #expect(report.warnings.count == 1)
    #expect(
      try PairedDataset(folder: corpus.output, split: .valid, validationSpeakers: ["p226"])
        .pairs.count == 3)
  }

  /// Faults of the clean side of `p226_001`, with the side that is reported and the reason.
  private static let faults: [(name: String, bad: String, text: String)] = [
    ("16k", "clean", "is at 16000 Hz already, and is not resampled twice"),
    ("44k", "clean", "expected 48000 Hz, found 44100 Hz; put the original in its place"),
    ("stereo", "clean", "has 2 channels; mix it down to mono"),
    ("truncated", "clean", "truncated: the header promises 4801 samples, the file holds 478"),
    ("text", "clean", "cannot be read as audio"),
    ("empty", "clean", "holds no samples"),
    ("zero bytes", "clean", "holds no samples"),
    ("longer", "noisy", "has 4801 samples, its clean side "),
    ("missing", "noisy", "has no clean side: no p226_001.wav or .flac in "),
    ("no noisy side", "clean", "has no noisy side: no p226_001.wav or .flac in "),
    ("twice", "clean", "has the same name as "),
  ]

  private func spoil(_ corpus: VoiceBankCorpus, _ fault: String) throws {
    let name = "clean_trainset_28spk_wav/p226_001.wav"
    let path = "\(corpus.input)/\(name)"
    switch fault {
    case "16k": try corpus.write(noise(4801), name, rate: 16_000)
    case "44k": try corpus.write(noise(4801), name, rate: 44_100)
    case "stereo":
      var bytes = try WaveFile.bytes(path: path)
      bytes[22] = 2
      bytes[32] = 4
      try Data(bytes).write(to: URL(fileURLWithPath: path))
    case "truncated": try corpus.root.truncate("in/\(name)", to: 1000)
    case "text": try corpus.root.write([UInt8](repeating: 7, count: 3000), "in/\(name)")
    case "empty": try corpus.write([], name)
    case "zero bytes": try corpus.root.write([], "in/\(name)")
    case "longer": try corpus.write(noise(4802), name)
    case "missing": try FileManager.default.removeItem(atPath: path)
    case "no noisy side":
      try FileManager.default.removeItem(atPath: path.replacing("/clean", with: "/noisy"))
    default:
      try WaveFile.write(noise(4801), sampleRate: 48_000, to: path.replacing(".wav", with: ".flac"))
    }
  }

  @Test(arguments: faults)
  func unusableFilesAreListedWithReasons(name: String, bad: String, text: String) throws {
    let corpus = try VoiceBankCorpus()
    try spoil(corpus, name)
    let table = corpus.root.file("out/rejected.csv")
    #expect(throws: VoiceBankError.rejected(count: 1, table: table)) { try corpus.prepare() }
    let rows = try String(contentsOfFile: table, encoding: .utf8).split(separator: "\n")
    let row = try #require(rows.count == 2 ? CSVLine.fields(rows[1]) : nil)
    #expect(rows[0] == "file,split,reason" && row[2].contains(text), "\(row)")
    #expect(row[0].contains("/\(bad)_trainset_28spk_wav/p226_001."), "\(row)")
    // The other pairs are prepared, but the marker keeps training from using them by mistake.
    #expect(throws: PairedDatasetError.unfinished(path: corpus.output)) {
      try PairedDataset(folder: corpus.output, split: .train)
    }
    var seen: [BadFile] = []
    let report = try VoiceBank.prepare(
      input: corpus.input, output: corpus.output, onBadFile: .skip, rejection: { seen.append($0) })
    #expect(seen == report.rejected && seen.count == 1 && seen[0].reason.contains(text))
    // The first of two files with one name is taken.
    let left = name == "twice" ? 3 : 2
    #expect(report.pairs == [.train: left, .test: 2] && report.keptPairCount == left + 2)
    let pairs = try PairedDataset(
      folder: corpus.output, split: .train, validationSpeakers: []
    ).pairs
    #expect(pairs.count == left)
    #expect(try PreparedFolder.verify(corpus.output).damaged.isEmpty)
  }

  @Test func repairedFilesAreAddedAndSpoiledOnesRemoved() throws {
    let corpus = try VoiceBankCorpus()
    _ = try corpus.prepare()
    let whole = try corpus.contents()
    let path = "\(corpus.input)/clean_trainset_28spk_wav/p226_001.wav"
    let original = try WaveFile.bytes(path: path)
    try spoil(corpus, "truncated")
    let report = try corpus.prepare(onBadFile: .skip)
    #expect(report.pairs == [.train: 2, .test: 2] && report.keptPairCount == 4)
    #expect(try corpus.contents().count == whole.count - 1)  // two files less, rejected.csv more
    try Data(original).write(to: URL(fileURLWithPath: path))
    #expect(try corpus.prepare().keptPairCount == 4)
    #expect(try corpus.contents() == whole)
    // Another recording under the old name must be prepared.
    try corpus.write(noise(4801, seed: 77), "clean_trainset_28spk_wav/p226_001.wav")
    #expect(try corpus.prepare().keptPairCount == 4)
    let differing = try corpus.contents().filter { whole[$0.key] != $0.value }.keys.sorted()
    #expect(differing == ["clean_trainset_28spk_wav_16k/p226_001.wav", "manifest.csv"])
  }

  @Test func interruptedPreparationsContinue() throws {
    let corpus = try VoiceBankCorpus(train: 6)
    _ = try corpus.prepare()
    let whole = try corpus.contents()
    // The folder after a kill: it is marked as unfinished, the manifest ends with an incomplete
    // line, files of the last pairs are missing, and the crash has damaged one file.
    let manifest = try #require(whole["manifest.csv"])
    let lines = String(decoding: manifest, as: UTF8.self).split(separator: "\n")
    var left = lines.filter { !$0.contains("p226_004") && !$0.contains("p226_005") }
    left.append(try #require(lines.last { $0.contains("p226_005") }).prefix(40))
    try corpus.root.write(Array(left.joined(separator: "\n").utf8), "out/manifest.csv")
    try corpus.root.write([], "out/UNFINISHED")
    for name in ["clean_trainset_28spk_wav_16k/p226_005.wav", "noisy_testset_wav_16k/p232_001.wav"]
    {
      try FileManager.default.removeItem(atPath: corpus.root.file("out/\(name)"))
    }
    let hurt = "clean_trainset_28spk_wav_16k/p226_002.wav"
    try corpus.root.truncate("out/\(hurt)", to: 1001)
    func inode(_ name: String) throws -> Int? {
      try FileManager.default.attributesOfItem(atPath: corpus.root.file("out/\(name)"))[
        .systemFileNumber] as? Int
    }
    let kept = "noisy_trainset_28spk_wav_16k/p226_000.wav"
    let before = try inode(kept)
    let report = try corpus.prepare()
    #expect(report.keptPairCount == 4 && report.pairs == [.train: 6, .test: 2])
    #expect(try corpus.contents() == whole)
    #expect(try inode(kept) == before)
  }

  @Test func verifyingFindsEveryChange() throws {
    let corpus = try VoiceBankCorpus()
    _ = try corpus.prepare()
    #expect(try PreparedFolder.verify(corpus.output).fileCount == 10)
    #expect(try PreparedFolder.verify(corpus.output).damaged.isEmpty)
    let folder = "out/noisy_trainset_28spk_wav_16k"
    var bytes = try WaveFile.bytes(path: corpus.root.file("\(folder)/p226_000.wav"))
    bytes[1500] ^= 1
    try corpus.root.write(bytes, "\(folder)/p226_000.wav")
    try FileManager.default.removeItem(atPath: corpus.root.file("\(folder)/p226_001.wav"))
    try corpus.root.truncate("\(folder)/p226_002.wav", to: 3000)
    try corpus.root.write(bytes, "\(folder)/p226_003.flac")
    let damaged = try PreparedFolder.verify(corpus.output).damaged
    #expect(
      damaged == [
        BadFile(
          path: corpus.root.file("\(folder)/p226_000.wav"),
          reason: "has changed since it was prepared"),
        BadFile(path: corpus.root.file("\(folder)/p226_001.wav"), reason: "no such file"),
        BadFile(
          path: corpus.root.file("\(folder)/p226_002.wav"),
          reason: "has changed since it was prepared"),
        BadFile(
          path: corpus.root.file("\(folder)/p226_003.flac"),
          reason: "is not in the manifest; remove it"),
      ])
    try corpus.root.write([], "out/UNFINISHED")
    #expect(throws: VoiceBankError.unfinished(path: corpus.output)) {
      try PreparedFolder.verify(corpus.output)
    }
    #expect(throws: VoiceBankError.noManifest(path: corpus.input)) {
      try PreparedFolder.verify(corpus.input)
    }
  }

  @Test func otherFoldersAreRefusedAsInput() throws {
    let corpus = try VoiceBankCorpus()
    let folder = "\(corpus.input)/noisy_testset_wav"
    try FileManager.default.moveItem(atPath: folder, toPath: corpus.root.file("aside"))
    #expect(
      throws: VoiceBankError.missingFolders(["noisy_testset_wav"], input: corpus.input)
    ) { try corpus.prepare() }
    try corpus.root.write([0x50, 0x4B], "in/noisy_testset_wav.zip")
    let error = #expect(throws: VoiceBankError.self) { try corpus.prepare() }
    #expect(error == .stillPacked(["noisy_testset_wav.zip"], input: corpus.input))
    #expect(error?.description.contains("(noisy_testset_wav.zip); unzip them there") == true)
    #expect(throws: VoiceBankError.self) {
      try VoiceBank.prepare(input: corpus.root.file("nowhere"), output: corpus.output)
    }
    #expect(!FileManager.default.fileExists(atPath: corpus.output))
  }

  @Test func corporaAt16kHzAreNotPreparedTwice() throws {
    let corpus = try VoiceBankCorpus(train: 1, test: 1)
    for part in VoiceBankCorpus.parts {
      for side in ["clean", "noisy"] {
        let name = part == "testset" ? "p232_000" : "p226_000"
        try corpus.write(noise(1600), "\(side)_\(part)_wav/\(name).wav", rate: 16_000)
      }
    }
    for mode in [OnBadFile.stop, .skip] {
      #expect(throws: VoiceBankError.alreadyResampled(input: corpus.input)) {
        try corpus.prepare(onBadFile: mode)
      }
    }
    // A set without any usable pair is no corpus, even if bad files are skipped.
    try corpus.write(noise(4800), "clean_testset_wav/p232_000.wav")
    try corpus.write(noise(4800), "noisy_testset_wav/p232_000.wav")
    let table = corpus.root.file("out/rejected.csv")
    #expect(throws: VoiceBankError.noUsablePair(.train, table: table)) {
      try corpus.prepare(onBadFile: .skip)
    }
  }

  @Test func foreignFoldersAreNotChanged() throws {
    let corpus = try VoiceBankCorpus()
    let path = corpus.root.file("out/clean_testset_wav_16k")
    try corpus.root.makeFolder("out/clean_testset_wav_16k")
    try corpus.root.write([1], "out/clean_testset_wav_16k/mine.wav")
    #expect(throws: VoiceBankError.foreignFolder(path: path)) { try corpus.prepare() }
    #expect(try corpus.contents() == ["clean_testset_wav_16k/mine.wav": Data([1])])
    _ = try corpus.prepare(to: "wav")
    #expect(throws: VoiceBankError.otherFormat(path: corpus.root.file("wav"), found: "wav")) {
      try corpus.prepare(to: "wav", format: .flac)
    }
    for side in ["clean", "noisy"] {
      try FileManager.default.removeItem(
        atPath: "\(corpus.input)/\(side)_trainset_28spk_wav/p226_001.wav")
    }
    #expect(
      throws: VoiceBankError.sourcesGone(
        count: 2, example: "clean_trainset_28spk_wav_16k/p226_001.wav", input: corpus.input)
    ) { try corpus.prepare(to: "wav") }
    #expect(try PreparedFolder.verify(corpus.root.file("wav")).damaged.isEmpty)
  }

  @Test func oneProcessAtATime() throws {
    let corpus = try VoiceBankCorpus()
    try corpus.root.makeFolder("out")
    let lock = open(corpus.root.file("out/UNFINISHED"), O_WRONLY | O_CREAT, 0o644)
    defer { close(lock) }
    #expect(flock(lock, LOCK_EX) == 0)
    #expect(throws: VoiceBankError.busy(path: corpus.output)) { try corpus.prepare() }
  }
}
