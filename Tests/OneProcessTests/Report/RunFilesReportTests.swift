import Foundation
import ProgramTestSupport
import Testing
import TestSupport

/// Files of runs in `disttrain report`: the parts that it takes, and its words about those that it
/// cannot use.
@Suite struct RunFilesReportTests {
  private static let scoreHeader =
    "file,pesq_wb,stoi,estoi,si_sdr,ssnr,llr,wss,csig,cbak,covl,error\n"

  private func makeRun(_ name: String, seed: UInt64 = 0, in folder: URL) throws {
    try folder.makeRun(name, seed: seed, scores: ["2.5"])
    try folder.write(
      "file,noisy_pesq_wb,pesq_wb,noisy_si_sdr,si_sdr,error\nvalid1,1.5,2,8,12,\n",
      to: "\(name)/best-scores.csv")
  }

  /// Rows of `test-scores.csv` and of `test-scores-noisy.csv`, without header.
  private func addTest(
    _ name: String, enhanced: String, noisy: String, in folder: URL
  ) throws {
    try folder.write(Self.scoreHeader + enhanced, to: "\(name)/test-scores.csv")
    try folder.write(Self.scoreHeader + noisy, to: "\(name)/test-scores-noisy.csv")
  }

  private func report(_ runs: [String], in folder: URL) throws -> (html: String, errors: String) {
    let made = try disttrain(["report"] + runs + ["--no-audio"], folder: folder)
    #expect(made.status == 0, "\(made)")
    return (try String(contentsOfFile: folder.file("report.html"), encoding: .utf8), made.errors)
  }

  private func expect(_ html: String, has text: String, _ isExpected: Bool = true) {
    let isThere = html.contains(text)
    #expect(isThere == isExpected, "\(isExpected ? "no " : "")\(text)")
  }

  @Test func bothSidesAreOfTheSameUtterances() throws {
    try withTemporaryFolder { folder in
      try makeRun("a", in: folder)
      try addTest(
        "a", enhanced: "u1,2,,,inf,,,,,,,\nu2,2,,,16,,,,,,,\nu3,2,,,20,,,,,,,\n",
        // In another order.
        noisy: "u3,1,,,12,,,,,,,\nu2,1,,,10,,,,,,,\nu1,1,,,8,,,,,,,\n", in: folder)
      let page = try report(["a"], in: folder)
      // Without u1 on either side: 12.706 · 1.4142 / √2, and twice that.
      expect(page.html, has: "11.00<br><small>± 12.71")
      expect(page.html, has: "18.00<br><small>± 25.41")
      expect(page.html, has: "abl3: 1 of SI-SDR.")
      // PESQ is of all three; a metric that was not asked for has no column.
      expect(page.html, has: "2.000<br><small>± 0.000")
      expect(page.html, has: ">STOI<", false)
    }
  }

  /// A file may be called so, and `train` quotes its name.
  @Test func namesWithLineBreaksAreRead() throws {
    try withTemporaryFolder { folder in
      try makeRun("a", in: folder)
      let rows =
        "\"u1\nv2,\"\"a\"\"\",1,2,8,16,\n\"w\r\nx\",1,3,8,16,\n"
        + "\"y\nz\",,,,,\"silent,\nall of it\"\n"
      try folder.write(
        "file,noisy_pesq_wb,pesq_wb,noisy_si_sdr,si_sdr,error\n" + rows, to: "a/best-scores.csv")
      let test = rows.replacing(/(,[^,\n]*){4},(?=\n|")/) { _ in ",1,,,8,,,,,,," }
      try addTest("a", enhanced: test, noisy: test, in: folder)
      let page = try report(["a"], in: folder)
      expect(page.html, has: "u1\nv2,")
      expect(page.html, has: "y\nz")
      #expect(page.errors == "")
    }
  }

  @Test(arguments: [
    // Nothing but the header; other metrics only; PESQ never on both sides.
    ("", ""), ("u1,,0.9,,,,,,,,,\n", "u1,,0.8,,,,,,,,,\n"),
    ("u1,2,,,,,,,,,,\nu2,,,,,,,,,,,silent\n", "u1,,,,,,,,,,,silent\nu2,1,,,,,,,,,,\n"),
  ])
  func testScoresWithoutPESQDoNotReplaceTheValidation(enhanced: String, noisy: String) throws {
    try withTemporaryFolder { folder in
      try makeRun("a", in: folder)
      try makeRun("b", seed: 1, in: folder)
      try addTest("a", enhanced: enhanced, noisy: noisy, in: folder)
      try addTest("b", enhanced: "test1,2,,,,,,,,,,\n", noisy: "test1,1,,,,,,,,,,\n", in: folder)
      let page = try report(["a", "b"], in: folder)
      expect(page.html, has: "Utterance by utterance</h2>")
      // Both runs show their validation, so that they compare.
      #expect(occurrences(of: "valid1: noisy 1.50", in: page.html) == 2)
      expect(page.html, has: "test1: noisy", false)
      let problem =
        "a has no utterance with PESQ in both test-scores.csv and test-scores-noisy.csv: "
        + "utterances are compared by the validation instead"
      expect(page.html, has: problem)
      #expect(page.errors.contains("warning: \(problem)"), "\(page.errors)")
      #expect(!page.errors.contains("warning: b"), "\(page.errors)")
      // With usable files of both it is the test.
      try addTest("a", enhanced: "test1,3,,,,,,,,,,\n", noisy: "test1,1,,,,,,,,,,\n", in: folder)
      let tested = try report(["a", "b"], in: folder)
      #expect(occurrences(of: "test1: noisy 1.00", in: tested.html) == 2)
      #expect(!tested.errors.contains("warning"), "\(tested.errors)")
    }
  }

  @Test func aMissingSideIsSaid() throws {
    try withTemporaryFolder { folder in
      try makeRun("a", in: folder)
      try addTest("a", enhanced: "test1,2,,,,,,,,,,\n", noisy: "", in: folder)
      try FileManager.default.removeItem(atPath: folder.file("a/test-scores-noisy.csv"))
      let page = try report(["a"], in: folder)
      #expect(page.errors.contains("a has no test-scores-noisy.csv beside"), "\(page.errors)")
      expect(page.html, has: "valid1: noisy 1.50")
      try folder.write("file,noisy_pesq_wb,pesq_wb,error\n", to: "a/best-scores.csv")
      let empty = try report(["a"], in: folder)
      #expect(
        empty.errors.contains("a has no utterance with PESQ in best-scores.csv"), "\(empty.errors)")
    }
  }

  @Test func testScoresOfEarlierWeightsAreSaid() throws {
    try withTemporaryFolder { folder in
      try makeRun("a", in: folder)
      try addTest("a", enhanced: "u1,2,,,,,,,,,,\n", noisy: "u1,1,,,,,,,,,,\n", in: folder)
      try folder.write("", to: "a/best.safetensors")
      func setAge(_ seconds: Double, of name: String) throws {
        try FileManager.default.setAttributes(
          [.modificationDate: Date(timeIntervalSince1970: 1_700_000_000 - seconds)],
          ofItemAtPath: folder.file("a/\(name)"))
      }
      let problem = "a: test scores are older than the best weights; evaluate again"
      try setAge(100, of: "best.safetensors")
      try setAge(99, of: "test-scores.csv")
      let fresh = try report(["a"], in: folder)
      expect(fresh.html, has: problem, false)
      try setAge(101, of: "test-scores.csv")
      let stale = try report(["a"], in: folder)
      expect(stale.html, has: problem)
      #expect(stale.errors.contains("warning: \(problem)"), "\(stale.errors)")
    }
  }

  /// The cells of "Where the time went": computing, gradients, audio, validation, checkpoints,
  /// other and all.
  private func times(_ seconds: [Double]) -> String {
    seconds.map { "<td class=\"n\">\(String(format: "%.1f", $0)) s</td>" }.joined()
  }

  private func step(_ step: Int, busy: Double) -> String {
    "{\"event\":\"step\",\"step\":\(step),\"loss\":0.5,\"busy_seconds\":\(busy),"
      + "\"data_seconds\":0,\"exposed_exchange_seconds\":0.25}\n"
  }

  private func epoch(_ epoch: Int, step: Int?) -> String {
    "{\"event\":\"epoch\",\"epoch\":\(epoch),\"seconds\":6,\"validation_seconds\":1"
      + (step.map { ",\"step\":\($0)" } ?? "") + "}\n"
  }

  private func checkpoint(_ step: Int, seconds: Double) -> String {
    "{\"event\":\"checkpoint\",\"step\":\(step),\"seconds\":\(seconds)}\n"
  }

  @Test func timeIsOfFinishedEpochs() throws {
    try withTemporaryFolder { folder in
      func first(step number: Int?) -> String {
        step(1, busy: 1) + step(2, busy: 1) + epoch(1, step: number) + checkpoint(2, seconds: 0.5)
      }
      let next = step(3, busy: 100) + checkpoint(3, seconds: 50)
      try folder.makeRun("a", scores: ["2.5"], events: first(step: 2) + next)
      let finished = times([2, 0.5, 0, 1, 0.5, 2, 6])
      expect(try report(["a"], in: folder).html, has: finished)
      // A second epoch that has to be done again.
      try folder.makeRun(
        "b", scores: ["2.5"],
        events: first(step: 2) + next + step(4, busy: 100) + epoch(2, step: 4)
          + "{\"event\":\"start\",\"step\":2}\n")
      expect(try report(["b"], in: folder).html, has: finished)
      // A rollback undoes the steps as a resumption does.
      try folder.makeRun(
        "d", scores: ["2.5"],
        events: first(step: 2) + next + step(4, busy: 100) + epoch(2, step: 4)
          + "{\"event\":\"rollback\",\"from_step\":5,\"step\":2}\n")
      expect(try report(["d"], in: folder).html, has: finished)
      // Earlier versions did not tell where an epoch ended.
      try folder.makeRun("c", scores: ["2.5"], events: first(step: nil) + next)
      expect(try report(["c"], in: folder).html, has: times([102, 0.75, 0, 1, 50.5, 0, 154.2]))
    }
  }

  @Test func aSlowPassThatIsDoneAgainCountsOnce() throws {
    try withTemporaryFolder { folder in
      func slow(_ number: Int) -> String {
        "{\"event\":\"epoch\",\"epoch\":\(number),\"step\":\(2 * number),\"seconds\":6,"
          + "\"validation_seconds\":1,\"data_seconds\":4}\n"
      }
      let back = "{\"event\":\"rollback\",\"from_step\":5,\"step\":2}\n"
      try folder.makeRun("a", scores: ["2.5"], events: slow(1) + slow(2) + back + slow(2))
      let page = try report(["a"], in: folder).html
      expect(page, has: "(and 1 epoch before it)")
    }
  }

  @Test func aLineUnderWayDoesNoHarm() throws {
    try withTemporaryFolder { folder in
      let voiceBank = "VoiceBank-DEMAND"
      try folder.makeRun(
        "a", scores: ["3.25"], corpus: voiceBank,
        events: step(1, busy: 1) + epoch(1, step: 1) + "{\"event\":\"start\",\"corpus\":\"caf")
      let file = try #require(FileHandle(forWritingAtPath: folder.file("a/metrics.jsonl")))
      try file.seekToEnd()
      // The first of the two bytes of é.
      try file.write(contentsOf: Data([0xc3]))
      try file.close()
      let compared = try disttrain(["compare", "a"], folder: folder)
      #expect(compared.output.contains("abl3: minimum met (3.1)"), "\(compared)")
      #expect(!compared.output.contains("another corpus"), "\(compared)")
      let page = try report(["a"], in: folder)
      expect(page.html, has: "Where the time went")
      expect(page.html, has: "These figures are of VoiceBank-DEMAND.")
    }
  }

  /// A browser runs a script only if the policy names its hash.
  @Test func thePolicyNamesTheScriptAsItStandsInThePage() throws {
    try withTemporaryFolder { folder in
      try makeRun("a", in: folder)
      let html = try report(["a"], in: folder).html.replacing("&#39;", with: "'")
      let scripts = html.components(separatedBy: "<script>").dropFirst()
        .map { $0.components(separatedBy: "</script>")[0] }
      #expect(scripts.count == 1 && scripts.first?.contains("addEventListener('play'") == true)
      try folder.write(scripts.joined(), to: "script.js")
      let outcome = try Subprocess.shell(
        "sha256sum script.js", folder: folder, timeLimit: 10)
      let digits = Array(outcome.output.prefix { $0 != " " })
      let hash = stride(from: 0, to: digits.count, by: 2).compactMap {
        UInt8(String(digits[$0...$0 + 1]), radix: 16)
      }
      #expect(hash.count == 32, "\(outcome)")
      expect(html, has: "; script-src 'sha256-\(Data(hash).base64EncodedString())'; ")
      expect(
        html, has: "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; ")
    }
  }

  @Test func noTwoOfManyRunsLookAlike() throws {
    try withTemporaryFolder { folder in
      let names = (1...20).map { "r\($0)" }
      for (index, name) in names.enumerated() { try makeRun(name, seed: UInt64(index), in: folder) }
      let page = try report(names, in: folder)
      let pieces = page.html.components(separatedBy: "<svg class=\"chart key c").dropFirst()
      // Without the colour's digit: colour alone tells nothing.
      let keys = Set(pieces.map { $0.components(separatedBy: "</svg>")[0].dropFirst() })
      #expect(keys.count == names.count)
      #expect(keys.contains { $0.contains(">13</text>") })
    }
  }
}
