import Audio
import Corpora
import Files
import Foundation
import Testing
import TestSupport

/// Packing a folder and what comes back, as a library.
@Suite struct PackedCorpusTests {
  /// Samples that 16 bits hold exactly.
  private func samples(_ count: Int, seed: UInt64) throws -> [Float] {
    let speech = try recording("g02_vb_p232_052_noisy_deg")
    return (0..<count).map { speech[($0 + Int(seed) * 977) % speech.count] }
  }

  private func write(
    _ folder: URL, _ name: String, count: Int, seed: UInt64, scale: Float = 1,
    encoding: WaveFile.Encoding = .pcm16
  ) throws {
    try folder.makeFolder((name as NSString).deletingLastPathComponent)
    try WaveFile.write(
      try samples(count, seed: seed).map { $0 * scale }, sampleRate: 16_000,
      to: folder.file(name), encoding: encoding)
  }

  private func pack(_ folder: URL, onBadFile: OnBadFile = .stop) throws -> CorpusPacker.Report {
    try CorpusPacker(folder: folder.path(percentEncoded: false), onBadFile: onBadFile)
      .write(to: folder.appending(path: "pack"))
  }

  private func corpus(_ folder: URL) throws -> PackedCorpus {
    try PackedCorpus(path: folder.file("pack"))
  }

  /// Formats of all kinds: WAV of integers and of floats, FLAC, mixed in one pair.
  private func makeMixed(_ folder: URL) throws {
    for (index, name) in ["b", "a10", "a9", "größe"].enumerated() {
      for (side, suffix) in [("clean", "wav"), ("noisy", index % 2 == 0 ? "flac" : "wav")] {
        try write(
          folder, "train/\(side)/\(name).\(suffix)", count: 700 + index,
          seed: UInt64(index * 2 + (side == "clean" ? 0 : 1)))
      }
    }
    // Floats that no 16 bits hold, some beyond full scale.
    try write(folder, "train/clean/f.wav", count: 901, seed: 8, scale: 7.1, encoding: .float32)
    try write(folder, "train/noisy/f.flac", count: 901, seed: 9)
    try write(folder, "test/clean/t.wav", count: 300, seed: 10)
    try write(folder, "test/noisy/t.wav", count: 300, seed: 11)
  }

  @Test(arguments: [8000, 44_100]) func sampleRateIsThatOfTheRecordings(rate: Int) throws {
    try withTemporaryFolder { folder in
      for name in ["train/clean/a.wav", "train/noisy/a.wav"] {
        try folder.makeFolder((name as NSString).deletingLastPathComponent)
        try WaveFile.write(try samples(rate, seed: 1), sampleRate: rate, to: folder.file(name))
      }
      #expect(try pack(folder).audioSeconds == 1)
      let packed = try corpus(folder)
      #expect(packed.sampleRate == rate)
      let data = folder.file("pack")
      let pair = try SharedDataset(data: data, split: .train, sampleRate: rate).pairs[0]
      let read = try RecordingReader().read(pair.noisy, sampleRate: rate)
      #expect(read == (try samples(rate, seed: 1)))
      #expect(throws: PackedCorpusError.wrongSampleRate(path: data, expected: 16_000, found: rate))
      { try SharedDataset(data: data, split: .train, sampleRate: 16_000) }
    }
  }

  @Test func splitsAtTwoRatesAreRefused() throws {
    try withTemporaryFolder { folder in
      for (split, rate) in [("train", 8000), ("test", 16_000)] {
        for side in ["clean", "noisy"] {
          try folder.makeFolder("\(split)/\(side)")
          try WaveFile.write(
            try samples(900, seed: 1), sampleRate: rate, to: folder.file("\(split)/\(side)/a.wav"))
        }
      }
      let path = folder.path(percentEncoded: false)
      let error = #expect(throws: PairedDatasetError.self) { try pack(folder) }
      #expect(error == .mixedSampleRates(path: path, .test, expected: 8000, found: 16_000))
      #expect(error?.description.contains("the test split is at 16000 Hz") == true)
    }
  }

  @Test func everySampleComesBack() throws {
    try withTemporaryFolder { folder in
      try makeMixed(folder)
      let report = try pack(folder)
      #expect(report.pairs == [.train: 5, .test: 1] && report.fileCount == 12)
      #expect(abs(report.audioSeconds - Double(700 + 701 + 702 + 703 + 901 + 300) / 16_000) < 1e-9)
      let attributes = try FileManager.default.attributesOfItem(atPath: folder.file("pack"))
      #expect(attributes[.size] as? Int == report.byteCount)
      #expect(
        report.description
          == "packed 12 files (pairs: train 5, test 1), 0.0 minutes, \(report.byteCount) bytes")
      let packed = try corpus(folder)
      let reader = RecordingReader()
      for split in [CorpusSplit.train, .test] {
        let files = try PairedDataset(
          folder: folder.path(percentEncoded: false), split: split
        ).pairs
        let pairs = try packed.pairs(split, validationSpeakers: [])
        #expect(pairs.map(\.name) == files.map(\.name))
        #expect(pairs.map(\.sampleCount) == files.map(\.sampleCount))
        for (pair, file) in zip(pairs, files) {
          for side in [\UtterancePair.clean, \.noisy] {
            let expected = try reader.read(file[keyPath: side], sampleRate: 16_000)
            let found = try reader.read(pair[keyPath: side], sampleRate: 16_000)
            #expect(found.map(\.bitPattern) == expected.map(\.bitPattern), "\(pair[keyPath: side])")
          }
        }
      }
      let missing = #expect(throws: PairedDatasetError.self) {
        try packed.pairs(.valid, validationSpeakers: [])
      }
      #expect(missing?.description.contains("pack[valid/clean]") == true)
    }
  }

  @Test func theFileIsSafetensorsWithFewTensors() throws {
    try withTemporaryFolder { folder in
      try makeMixed(folder)
      _ = try pack(folder)
      let file = try SafetensorsFile(contentsOf: folder.appending(path: "pack"))
      #expect(file.entries.map(\.name) == ["pairs", "checksums", "names", "float32", "int16"])
      #expect(file.entries.map(\.dtype) == ["I64", "I32", "U8", "F32", "I16"])
      #expect(file.entries.map(\.shape)[..<2] == [[6, 7], [12]])
      #expect(
        file.entries.map(\.shape)[3...] == [[901], [2 * (700 + 701 + 702 + 703 + 300) + 901]])
      #expect(file.metadata["sample_rate"] == "16000" && file.metadata["layout"] == "splits")
      #expect(
        try file.tensors["float32"]?.floats()
          == WaveFile.read(path: folder.file("train/clean/f.wav")).samples)
      // Packing a corpus again makes the same bytes.
      let first = try Data(contentsOf: folder.appending(path: "pack"))
      _ = try pack(folder)
      #expect(try Data(contentsOf: folder.appending(path: "pack")) == first)
    }
  }

  @Test func validationSpeakersAreChosenWhenItIsUsed() throws {
    try withTemporaryFolder { folder in
      for side in ["clean", "noisy"] {
        for (index, name) in ["p226_001", "p287_010", "p286_002", "p2260_001"].enumerated() {
          try write(
            folder, "\(side)_trainset_28spk_wav/\(name).wav", count: 500, seed: UInt64(index))
        }
        try write(folder, "\(side)_testset_wav_16k/p232_001.wav", count: 500, seed: 9)
      }
      let report = try pack(folder)
      #expect(report.pairs == [.train: 4, .test: 1])
      let packed = try corpus(folder)
      for speakers in [["p226", "p287"], ["p286"], ["p226"]] as [ValidationSpeakers] {
        for split in [CorpusSplit.train, .valid] {
          let files = try PairedDataset(
            folder: folder.path(percentEncoded: false), split: split, validationSpeakers: speakers)
          let pairs = try packed.pairs(split, validationSpeakers: speakers)
          #expect(pairs.map(\.name) == files.pairs.map(\.name), "\(split) \(speakers)")
        }
        #expect(throws: PairedDatasetError.splitWithoutSpeakers(path: packed.path, .test)) {
          try packed.pairs(.test, validationSpeakers: speakers)
        }
      }
      // Everyone who is asked for has to be there.
      for data in [folder.file("pack"), folder.path(percentEncoded: false)] {
        for split in [CorpusSplit.train, .valid] {
          let error = #expect(throws: PairedDatasetError.self) {
            try SharedDataset(
              data: data, split: split, sampleRate: nil,
              validationSpeakers: ["p226", "p2877", "q1"])
          }
          #expect(error == .unknownSpeakers(path: data, speakers: ["p2877", "q1"]))
        }
      }
      #expect(
        throws: PackedCorpusError.noSpeaker(
          path: folder.file("pack"), .valid, speakers: ["p999"])
      ) { try packed.pairs(.valid, validationSpeakers: .init(["p999"], isAsked: false)) }
    }
  }

  @Test func badFilesStopOrAreLeftOutWhenPacking() throws {
    try withTemporaryFolder { folder in
      try makeMixed(folder)
      try BadWave.stereo.write(to: folder.file("train/noisy/a9.flac"))
      #expect(throws: PairedDatasetError.self) { try pack(folder) }
      #expect(!FileManager.default.fileExists(atPath: folder.file("pack")))
      let report = try pack(folder, onBadFile: .skip)
      #expect(report.pairs[.train] == 4 && report.skipped.count == 1)
      #expect(report.description.contains("\nleft out: \(folder.file("train/noisy/a9.flac")): "))
      #expect(try corpus(folder).pairs(.train, validationSpeakers: []).count == 4)
    }
  }

  /// Samples that are not finite, which no header shows, on each side and in the last pair.
  @Test func recordingsThatCannotBeReadToTheirEndsAreLeftOut() throws {
    try withTemporaryFolder { folder in
      let names = ["a", "b", "c", "d", "e"]
      for (index, name) in names.enumerated() {
        for (offset, side) in ["clean", "noisy"].enumerated() {
          try write(
            folder, "train/\(side)/\(name).wav", count: 20_000 + index,
            seed: UInt64(2 * index + offset), encoding: index == 3 ? .pcm16 : .float32)
        }
      }
      // The one that is damaged, and the last, whose place is at the end of the file.
      for (file, sample) in [("train/noisy/b.wav", 17), ("train/clean/e.wav", 20_002)] {
        let url = folder.appending(path: file)
        var bytes = try Data(contentsOf: url)
        let count = file.contains("b.wav") ? 20_001 : 20_004
        let place = bytes.count - 4 * (count - sample)
        bytes.replaceSubrange(place..<place + 4, with: [0, 0, 0x80, 0x7F])
        try bytes.write(to: url)
      }
      let reason = "is not a finite number; check what wrote the file"
      let bad = BadFile(path: folder.file("train/noisy/b.wav"), reason: "sample 17 \(reason)")
      #expect(throws: PairedDatasetError.badFiles(.train, [bad])) { try pack(folder) }
      #expect(try folder.names(in: "") == ["train"])

      var done: [Int] = []
      let report = try CorpusPacker(
        folder: folder.path(percentEncoded: false), onBadFile: .skip
      ).write(to: folder.appending(path: "pack")) { files, _ in done.append(files) }
      #expect(report.pairs == [.train: 3] && report.fileCount == 6 && done == [2, 6, 8])
      #expect(
        report.skipped == [
          bad,
          BadFile(path: folder.file("train/clean/e.wav"), reason: "sample 20002 \(reason)"),
        ])
      #expect(report.description.contains("\n2 files left out:\nleft out: "))
      let packed = try corpus(folder)
      #expect(PackVerification(packed).damages.isEmpty)
      let pairs = try packed.pairs(.train, validationSpeakers: [])
      #expect(pairs.map(\.name) == ["a", "c", "d"])
      let reader = RecordingReader()
      for pair in pairs {
        for (side, recording) in [("clean", pair.clean), ("noisy", pair.noisy)] {
          #expect(
            try reader.read(recording, sampleRate: 16_000)
              == WaveFile.read(path: folder.file("train/\(side)/\(pair.name).wav")).samples)
        }
      }
      // Any reader of the format reads the file.
      let file = try SafetensorsFile(contentsOf: folder.appending(path: "pack"))
      #expect(file.entries.map(\.shape)[..<2] == [[3, 7], [20]])
      let attributes = try FileManager.default.attributesOfItem(atPath: folder.file("pack"))
      #expect(attributes[.size] as? Int == report.byteCount)
    }
  }

  @Test func aSplitOfWhichNothingIsLeftIsNoPack() throws {
    try withTemporaryFolder { folder in
      try write(folder, "train/clean/a.wav", count: 900, seed: 1, encoding: .float32)
      try write(folder, "train/noisy/a.wav", count: 900, seed: 2)
      let url = folder.appending(path: "train/clean/a.wav")
      var bytes = try Data(contentsOf: url)
      bytes.replaceSubrange(bytes.count - 4..<bytes.count, with: [0, 0, 0xC0, 0x7F])
      try bytes.write(to: url)
      let error = #expect(throws: PairedDatasetError.self) { try pack(folder, onBadFile: .skip) }
      #expect(error?.description.contains("no usable pair") == true)
      #expect(try folder.names(in: "") == ["train"])
    }
  }

  @Test func aHalfSplitAndAChangedFileLeaveNoPack() throws {
    try withTemporaryFolder { folder in
      try makeMixed(folder)
      let packer = try CorpusPacker(
        folder: folder.path(percentEncoded: false), onBadFile: .stop)
      try write(folder, "train/noisy/b.flac", count: 699, seed: 1)
      let error = #expect(throws: PairedDatasetError.self) {
        try packer.write(to: folder.appending(path: "pack"))
      }
      #expect(error?.description.contains("train/noisy/b.flac") == true)
      #expect(error?.description.contains("changed since it was inspected") == true)
      try folder.makeFolder("valid/clean")
      #expect(
        throws: PairedDatasetError.missingSplit(
          .valid, lookedFor: [folder.file("valid/noisy")])
      ) {
        try CorpusPacker(
          folder: folder.path(percentEncoded: false), onBadFile: .skip)
      }
      #expect(try folder.names(in: "") == ["test", "train", "valid"])
    }
  }
}
