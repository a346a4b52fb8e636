import Audio
import Corpora
import Evaluation
import Files
import Foundation
import Models
import Platform
import ProgramTestSupport
import Tensor
import Testing
import TestSupport

/// `disttrain enhance` as users run it, against the output of a PyTorch program.
@Suite struct EnhanceTests {
  private let model = ["--weights", EnhanceFixture.weights, "--preset", EnhanceFixture.preset]

  private func samples(_ path: String) throws -> [Float] {
    try WaveFile.read(path: path, sampleRate: 16_000).samples
  }

  @Test(arguments: [nil, "avx2"]) func exportFromPyTorchGivesTheSameSound(kernels: String?) throws {
    try withTemporaryFolder { folder in
      let outcome = try disttrain(
        ["enhance"] + model + ["--format", "float", EnhanceFixture.input, folder.file("out.wav")],
        environment: kernels.map { ["DISTTRAIN_KERNELS": $0] } ?? [:])
      #expect(outcome.status == 0 && outcome.errors == "", "\(outcome)")
      let expected = try EnhanceFixture.samples("expected.wav")
      let enhanced = try samples(folder.file("out.wav"))
      #expect(enhanced.count == expected.count)
      let worst = zip(enhanced, expected).map { abs($0 - $1) }.max() ?? .infinity
      // The bound is a fraction of full scale; the sound's peak is 0.13.
      #expect(worst < 1e-6, "off by \(worst)")
      #expect(expected.contains { abs($0) > 0.1 })
    }
  }

  @Test func sixteenBitsAreTheRoundedFloats() throws {
    try withTemporaryFolder { folder in
      for arguments in [["--format", "float", "in", "f.wav"], ["in", "i.wav"], ["in", "i.flac"]] {
        let outcome = try disttrain(
          ["enhance"] + model
            + arguments.map { $0 == "in" ? EnhanceFixture.input : $0 },
          folder: folder)
        #expect(outcome.status == 0, "\(outcome)")
      }
      let floats = try samples(folder.file("f.wav"))
      let integers = try samples(folder.file("i.wav"))
      #expect(integers == floats.map { ($0 * 32_768).rounded(.toNearestOrEven) / 32_768 })
      #expect(try samples(folder.file("i.flac")) == integers)
      #expect(try folder.names(in: "") == ["f.wav", "i.flac", "i.wav"])
    }
  }

  @Test func weightsThatNameTheirModelNeedNoPreset() throws {
    try withTemporaryFolder { folder in
      let own = folder.file("own.safetensors")
      try WeightFile.serialized(EnhanceFixture.model(), program: "test")
        .write(to: URL(fileURLWithPath: own))
      for (weights, name) in [(["--weights", own], "a.wav"), (model, "b.wav")] {
        let outcome = try disttrain(
          ["enhance"] + weights + [EnhanceFixture.input, folder.file(name)])
        #expect(outcome.status == 0, "\(outcome)")
      }
      #expect(try samples(folder.file("a.wav")) == samples(folder.file("b.wav")))

      let output = folder.file("c.wav")
      expectError(
        try disttrain(
          ["enhance", "--weights", own, "--preset", "abl1", EnhanceFixture.input, output]),
        own, "was written for the model \"tiny\"", "--preset abl1")
      expectError(
        try disttrain(
          ["enhance", "--weights", EnhanceFixture.weights, EnhanceFixture.input, output]),
        EnhanceFixture.weights, "does not say which model it is of", "--preset")
      expectError(
        try disttrain(
          [
            "enhance", "--weights", EnhanceFixture.weights, "--preset", "abl3",
            EnhanceFixture.input, output,
          ]),
        EnhanceFixture.weights, "do not fit the model \"abl3\"", "layers.2.intra")
      #expect(!FileManager.default.fileExists(atPath: output))
    }
  }

  @Test func brokenWeightsAreNamed() throws {
    try withTemporaryFolder { folder in
      let output = folder.file("out.wav")
      let missing = folder.file("missing.safetensors")
      func enhance(_ weights: String) throws -> SubprocessOutcome {
        try disttrain(
          [
            "enhance", "--weights", weights, "--preset", EnhanceFixture.preset,
            EnhanceFixture.input, output,
          ])
      }
      expectError(try enhance(missing), missing, "no such file")
      let whole = try Data(contentsOf: URL(fileURLWithPath: EnhanceFixture.weights))
      for count in [0, 4, 100, 20_000, whole.count - 1] {
        let path = folder.file("cut\(count).safetensors")
        try whole.prefix(count).write(to: URL(fileURLWithPath: path))
        expectError(try enhance(path), path)
      }
      expectError(try enhance(EnhanceFixture.input), EnhanceFixture.input)
      #expect(!FileManager.default.fileExists(atPath: output))
    }
  }

  /// A run without best weights is no dead end: its checkpoints hold weights, too.
  @Test(arguments: [false, true]) func aCheckpointsWeightsAreTaken(isAveraged: Bool) throws {
    try withTemporaryFolder { folder in
      let file = try SafetensorsFile(contentsOf: URL(fileURLWithPath: EnhanceFixture.weights))
      // The averaged weights are the fixture's; where there are some, the others differ.
      func entries(_ prefix: String, _ factor: Float) throws -> [SafetensorsFile.Entry] {
        try file.entries.map { entry in
          SafetensorsFile.Entry(
            name: prefix + entry.name, shape: entry.shape,
            values: try entry.floats().map { $0 * factor })
        }
      }
      let tensors =
        try entries("", isAveraged ? 3 : 1) + entries("adam.exp_avg.", 0.1)
        + entries("adam.exp_avg_sq.", 0.01) + entries("frozen.", 2)
        + (isAveraged ? entries("ema.", 1) : [])
      try SafetensorsFile(entries: tensors, metadata: [:]).serialized()
        .write(to: folder.appending(path: "last.safetensors"))
      var outputs: [[Float]] = []
      for (name, weights) in [
        ("a.wav", folder.file("last.safetensors")), ("b.wav", EnhanceFixture.weights),
      ] {
        let outcome = try disttrain(
          [
            "enhance", "--weights", weights, "--preset", EnhanceFixture.preset,
            EnhanceFixture.input,
          ]
            + [folder.file(name)])
        #expect(outcome.status == 0, "\(outcome)")
        let isTold = outcome.errors.contains("is a checkpoint: the ")
        #expect(isTold == (name == "a.wav"), "\(outcome)")
        if isTold { #expect(outcome.errors.contains("averaged") == isAveraged, "\(outcome)") }
        outputs.append(try samples(folder.file(name)))
      }
      #expect(outputs[0] == outputs[1])
    }
  }

  @Test(arguments: BadWave.allCases) func badRecordingsAreNamed(bad: BadWave) throws {
    try withTemporaryFolder { folder in
      let path = folder.file("bad.wav")
      try bad.write(to: path)
      let outcome = try disttrain(["enhance"] + model + [path, folder.file("out.wav")])
      expectError(outcome, path, bad.text)
      #expect(try folder.names(in: "") == ["bad.wav"])
    }
  }

  /// Damage that only decoding shows is named at the end; the others are enhanced.
  @Test func oneDamagedRecordingDoesNotStopTheOthers() throws {
    try withTemporaryFolder { folder in
      try folder.makeFolder("in")
      let sound = Array(try EnhanceFixture.samples("input.wav").prefix(4000))
      for name in ["a", "b", "c"] {
        try WaveFile.write(
          sound, sampleRate: 16_000, to: folder.file("in/\(name).wav"), encoding: .float32)
      }
      var bytes = try WaveFile.bytes(path: folder.file("in/b.wav"))
      // The last sample is read before the start, to see that it is there.
      bytes.replaceSubrange(bytes.count - 8..<bytes.count - 4, with: [0, 0, 0xC0, 0x7F])
      try Data(bytes).write(to: folder.appending(path: "in/b.wav"))
      let outcome = try disttrain(["enhance"] + model + ["in", "out"], folder: folder)
      #expect(outcome.status == 1 && outcome.output == "", "\(outcome)")
      #expect(
        outcome.errors
          == "disttrain: error: 1 recording of 3 could not be enhanced (2 were); mend it, and "
          + "--resume does the rest:\n  in/b.wav: sample 3998 is not a finite number; check what "
          + "wrote the file\n", "\(outcome)")
      #expect(try folder.names(in: "out") == ["a.wav", "c.wav"])
    }
  }

  @Test func folderGoesToFolder() throws {
    try withTemporaryFolder { folder in
      try folder.makeFolder("in/deeper")
      let sound = try EnhanceFixture.samples("input.wav")
      let lengths = ["a.wav": 8_000, "b.flac": 4_000, "c.WAV": 100, "deeper/d.wav": 800]
      for (name, count) in lengths {
        try WaveFile.write(
          Array(sound.prefix(count)), sampleRate: 16_000, to: folder.file("in/\(name)"))
      }
      for name in ["notes.txt", ".hidden.wav", "deeper/.d.wav"] {
        try Data("no sound".utf8).write(to: folder.appending(path: "in/\(name)"))
      }
      let outcome = try disttrain(["enhance"] + model + ["in", "out/new"], folder: folder)
      #expect(outcome.status == 0 && outcome.errors == "", "\(outcome)")
      #expect(
        outcome.output.hasPrefix("enhanced 4 recordings, 0.8 s of audio in "), "\(outcome)")
      #expect(try folder.names(in: "out/new") == ["a.wav", "b.flac", "c.WAV", "deeper"])
      #expect(try folder.names(in: "out/new/deeper") == ["d.wav"])
      let enhancer = try Enhancer(EnhanceFixture.model())
      for (name, count) in lengths {
        let input = try samples(folder.file("in/\(name)"))
        let output = try samples(folder.file("out/new/\(name)"))
        #expect(output.count == count)
        let expected = try enhancer.enhance(input)
        let worst = zip(output, expected).map { abs($0 - $1) }.max() ?? .infinity
        #expect(worst <= 0.51 / 32_768, "\(name) is off by \(worst)")
      }
    }
  }

  @Test func oneBadFileOfAFolderIsKnownBeforeAnyIsEnhanced() throws {
    try withTemporaryFolder { folder in
      try folder.makeFolder("in")
      try FileManager.default.copyItem(
        atPath: EnhanceFixture.input, toPath: folder.file("in/a.wav"))
      try BadWave.stereo.write(to: folder.file("in/b.wav"))
      try BadWave.truncated.write(to: folder.file("in/c.wav"))
      let outcome = try disttrain(["enhance"] + model + ["in", "out"], folder: folder)
      #expect(
        outcome.errors == """
          disttrain: error: nothing was enhanced, since 2 of the inputs cannot be used:
            in/b.wav: \(BadWave.stereo.text)
            in/c.wav: \(BadWave.truncated.text)

          """, "\(outcome)")
      #expect(outcome.status == 1)
      #expect(!FileManager.default.fileExists(atPath: folder.file("out")))
    }
  }

  @Test func impossiblePathsAreNamed() throws {
    try withTemporaryFolder { folder in
      try folder.makeFolder("in")
      try folder.makeFolder("none")
      try FileManager.default.copyItem(
        atPath: EnhanceFixture.input, toPath: folder.file("in/a.wav"))
      func enhance(_ arguments: String...) throws -> SubprocessOutcome {
        try disttrain(["enhance"] + model + arguments, folder: folder)
      }
      expectError(try enhance("nothing.wav", "out.wav"), "nothing.wav: no such file or folder")
      expectError(try enhance("none", "out"), "none holds no .wav or .flac file")
      expectError(try enhance("in", "in"), "in/a.wav would be overwritten")
      expectError(try enhance("in/a.wav", "in/./a.wav"), "in/a.wav would be overwritten")
      expectError(try enhance("in", "in/a.wav"), "in/a.wav is a file")
      expectError(try enhance("in/a.wav", "out.mp3"), "out.mp3", ".wav or .flac")
      expectError(try enhance("in/a.wav", "new/out.wav"), "new/out.wav: cannot be written")
      expectError(
        try enhance("--format", "float", "in/a.wav", "out.flac"),
        "out.flac: FLAC holds no float samples")
      #expect(try folder.names(in: "") == ["in", "none"])
      // Like cp.
      #expect(try enhance("in/a.wav", "none").status == 0)
      #expect(try folder.names(in: "none") == ["a.wav"])
    }
  }

  @Test func manyBadFilesAreTenLinesAndANumber() throws {
    try withTemporaryFolder { folder in
      try folder.makeFolder("in")
      for number in 100..<400 {
        try Data("version https://git-lfs.github.com/spec/v1\n".utf8)
          .write(to: folder.appending(path: "in/u\(number).wav"))
      }
      let outcome = try disttrain(["enhance"] + model + ["in", "out"], folder: folder)
      let lines = outcome.errors.split(separator: "\n")
      #expect(outcome.status == 1 && lines.count == 12, "\(outcome)")
      #expect(lines[0].contains("300 of the inputs cannot be used:"))
      #expect(lines[1].hasSuffix("a pointer of Git LFS; run git lfs pull in its repository"))
      #expect(lines[11] == "  and 290 more")
    }
  }

  @Test(arguments: ["x", "-", ".", ".wav", "wav", "a.", "x/"])
  func shortNamesAreNoTrap(output: String) throws {
    try withTemporaryFolder { folder in
      try FileManager.default.copyItem(atPath: EnhanceFixture.input, toPath: folder.file("a.wav"))
      let outcome = try disttrain(
        ["enhance"] + model + ["--", "a.wav", output], folder: folder)
      expectError(outcome)
      #expect(try folder.names(in: "") == ["a.wav"])
    }
  }

  /// A recording whose enhanced version exceeds full scale.
  private func loud(_ factor: Float) throws -> [Float] {
    try EnhanceFixture.samples("input.wav").map { $0 * factor }
  }

  @Test func clippedSamplesAreCountedAndFloatsAreNot() throws {
    try withTemporaryFolder { folder in
      try WaveFile.write(
        loud(12), sampleRate: 16_000, to: folder.file("a.wav"), encoding: .float32)
      let clipped = try disttrain(["enhance"] + model + ["a.wav", "i.wav"], folder: folder)
      let floats = try disttrain(
        ["enhance"] + model + ["--format", "float", "a.wav", "f.wav"], folder: folder)
      let above = try samples(folder.file("f.wav")).count { abs($0) > 1 }
      #expect(above > 10 && floats.status == 0 && floats.errors == "", "\(floats)")
      #expect(
        clipped.errors.hasPrefix(
          "warning: i.wav: \(NumberText.grouped(above)) of 8,000 samples ("), "\(clipped)")
      #expect(
        clipped.errors.hasSuffix(
          "%) were clipped at full scale; --format float keeps them (.wav)\n"), "\(clipped)")
      #expect(clipped.status == 0)
    }
  }

  @Test func manyClippedFilesAreOneWarningAndLevelsAreAnother() throws {
    try withTemporaryFolder { folder in
      try folder.makeFolder("in")
      for name in ["a", "b", "c", "d"] {
        try WaveFile.write(
          loud(32_768), sampleRate: 16_000, to: folder.file("in/\(name).wav"), encoding: .float32)
      }
      let outcome = try disttrain(["enhance"] + model + ["in", "out"], folder: folder)
      let lines = outcome.errors.split(separator: "\n")
      try #require(outcome.status == 0 && lines.count == 2, "\(outcome)")
      #expect(lines[0].hasPrefix("warning: 4 files have samples that were clipped at full scale, "))
      #expect(lines[1].hasPrefix("warning: in/a.wav and 3 more recordings: samples reach "))
      #expect(lines[1].hasSuffix("divide them by 32768"))
    }
  }

  @Test func resumeLeavesWhatIsThere() throws {
    try withTemporaryFolder { folder in
      try folder.makeFolder("in")
      try folder.makeFolder("out")
      let sound = try EnhanceFixture.samples("input.wav")
      for (name, count) in [("a", 4000), ("b", 3000), ("c", 2000)] {
        try WaveFile.write(
          Array(sound.prefix(count)), sampleRate: 16_000, to: folder.file("in/\(name).wav"))
      }
      // One is there, and one is that of another input.
      let kept = [Float](repeating: 0.25, count: 4000)
      for name in ["a", "b"] {
        try WaveFile.write(kept, sampleRate: 16_000, to: folder.file("out/\(name).wav"))
      }
      let outcome = try disttrain(["enhance"] + model + ["--resume", "in", "out"], folder: folder)
      #expect(outcome.status == 0 && outcome.errors == "", "\(outcome)")
      #expect(outcome.output.hasPrefix("enhanced 2 recordings, 0.3 s of audio in "))
      #expect(outcome.output.hasSuffix(" s; 1 was there already\n"), "\(outcome)")
      #expect(try samples(folder.file("out/a.wav")) == kept)
      #expect(try samples(folder.file("out/b.wav")).count == 3000)
      let again = try disttrain(["enhance"] + model + ["--resume", "in", "out"], folder: folder)
      #expect(again.output.hasPrefix("enhanced 0 recordings, 0.0 s"), "\(again)")
      #expect(again.status == 0)
    }
  }

  @Test func namesThatAreNotUTF8AreRefusedInEveryCommand() throws {
    try withTemporaryFolder { folder in
      let program = try MPIRun.productPath("disttrain")
      let script = """
        name=$(printf 'caf\\351')
        for command in "enhance --weights $name a b" \
          "train --preset abl1 --data d --run-dir $name" \
          "score --reference $name --degraded b" "report $name" "prepare pack --input $name"; do
          "$0" $command; echo $?
        done
        mkdir "$name"; cd "$name"; "$0" describe --preset abl1; echo $?
        cd ..; rmdir "$name"
        TMPDIR="/$name" "$0" describe --preset abl1; echo $?
        """
      let outcome = try Subprocess.run(
        "/bin/bash", ["-c", script, program], folder: folder, timeLimit: 60)
      #expect(outcome.output == String(repeating: "64\n", count: 7), "\(outcome)")
      let lines = outcome.errors.split(separator: "\n")
      #expect(lines.count == 7 && lines.allSatisfy { $0.contains("caf\\xE9") }, "\(outcome)")
      #expect(try folder.names(in: "").isEmpty)
    }
  }
}
