import Charts
import Corpora
import Foundation
import ProgramTestSupport
import Testing
import TestSupport

/// `disttrain report` on runs as training leaves them, in a real browser.
@Suite(.serialized) struct ReportTests {
  private static let script = fixturesFolder.deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "scripts/check-report.py")

  /// Findings of the browser in one of the views.
  private struct View: Decodable {
    struct Chart: Decodable {
      /// Points by series.
      let series: [String: Int]
      let rows: Int
    }
    let charts: [String: Chart]
    let images: Int
    let players: Int
    let shownPlayers: Int
    let headings: [String]
    let ground: String
    let rows: Int
    let title: String
    let scripts: Int
  }

  private func look(_ page: String, in folder: URL) throws -> SubprocessOutcome {
    try Subprocess.run(
      "/usr/bin/python3", [Self.script.path(percentEncoded: false), page], folder: folder,
      timeLimit: 120)
  }

  private func report(_ words: [String], in folder: URL) throws -> SubprocessOutcome {
    try disttrain(["report"] + words, folder: folder)
  }

  private func text(_ folder: URL, _ name: String) throws -> String {
    try String(contentsOfFile: folder.file(name), encoding: .utf8)
  }

  @Test func thePageOfTwoRunsIsWholeInABrowser() throws {
    try TrainingBench.use(train: 8, valid: 4) { bench in
      let folder = bench.folder
      let hostile = "b <script>alert('x')</script> & \"c\""
      #expect(try bench.train(run: "a", ["--epochs", "3", "--batch", "2"]).status == 0)
      #expect(
        try bench.train(run: hostile, ["--epochs", "2", "--batch", "4", "--lr", "0.002"]).status
          == 0)
      // One that has only begun, of a preset with a title that is no text.
      try folder.makeFolder("c")
      try text(folder, "a/configuration.json").replacing("\"Tiny\"", with: "\"<script>T\"").write(
        toFile: folder.file("c/configuration.json"), atomically: true, encoding: .utf8)
      let made = try report(
        ["a", hostile, "c", "--title", "<b>Two</b> & more", "--clip-seconds", "1.5"], in: folder)
      #expect(made.status == 0, "\(made)")
      #expect(made.output.hasPrefix("report.html: 3 runs, 3 utterances to hear, "), "\(made)")
      let html = try text(folder, "report.html")
      for text in ["<script>alert", "<b>Two", "<script>T"] {
        let isThere = html.contains(text)
        #expect(!isThere, "\(text) is not escaped")
      }
      for text in [
        "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &quot;c&quot;",
        "&lt;script&gt;T", "No epoch finished yet: c.",
        "compare with each other, not with published ones",
      ] {
        let isThere = html.contains(text)
        #expect(isThere, "no \(text)")
      }

      let looked = try look("report.html", in: folder)
      #expect(looked.status == 0, "\(looked.errors)")
      let views = try JSONDecoder().decode([String: View].self, from: Data(looked.output.utf8))
      #expect(
        views.keys.sorted() == ["narrow", "narrow-dark", "print", "wide", "wide-dark"])
      let names = ["tiny seed 7 (a)", "tiny seed 7 (\(hostile))"]
      for (name, view) in views {
        #expect(view.title == "<b>Two</b> & more" && view.scripts == 1)
        // Three utterances: noisy, clean and two runs.
        #expect(view.images == 12 && view.players == 12, "\(name): \(view)")
        #expect(view.shownPlayers == (name == "print" ? 0 : 12), "\(name): \(view)")
        // Two published rows, three runs.
        #expect(view.rows == 5, "\(name): \(view)")
        #expect(
          view.ground == (name.hasSuffix("dark") ? "rgb(20, 22, 26)" : "rgb(255, 255, 255)"))
      }
      let view = try #require(views["wide"])
      #expect(
        view.headings == [
          "Comparison", "Curves", "Utterance by utterance", "Listen", "Time", "What happened",
          "Configuration",
        ])
      for chart in [
        "PESQ of the validation", "SI-SDR of the validation", "Validation loss", "Training loss",
        "Learning rate",
      ] { #expect(view.charts[chart]?.series == [names[0]: 3, names[1]: 2], "\(chart): \(view)") }
      #expect(
        view.charts["Training loss, step by step"]?.series == [names[0]: 12, names[1]: 4],
        "\(view)")
      for name in names { #expect(view.charts[name]?.series == [name: 4], "\(view)") }
      #expect(view.charts["Where the time went"]?.rows == 2)
      // No speakers in these names, but noise in every recording.
      #expect(view.charts["Mean gain by signal-to-noise ratio"]?.series.count == 2)
      #expect(view.charts["Mean gain by speaker"] == nil)
    }
  }

  @Test func aBrokenPageIsFound() throws {
    try withTemporaryFolder { folder in
      let page = """
        <!DOCTYPE html><html><head><title>x</title></head><body><h1 id="a">x</h1>
        <a href="#nowhere">y</a><p id="a" style="width:2000px">wide</p>
        <img src="data:image/png;base64,AAAA" alt="broken">
        <img src="http://example.invalid/x.png" alt="far">
        <audio src="data:audio/flac;base64,AAAA" aria-label="far" data-seconds="1.0"></audio>
        <figure class="chart"><figcaption>c</figcaption><svg class="chart" viewBox="0 0 9 9">
        <g class="series" data-name="s" data-points="2"><circle r="1"><title>p</title></circle></g>
        </svg></figure><script>undefined.x</script></body></html>
        """
      try page.write(toFile: folder.file("page.html"), atomically: true, encoding: .utf8)
      let looked = try look("page.html", in: folder)
      #expect(looked.status == 1, "\(looked)")
      for text in [
        "wide: ids occur twice: a", "wide: a link leads nowhere: #nowhere",
        "narrow: the page scrolls sideways", "wide: a picture is broken: broken",
        "wide: something outside of the page was asked for: http://example.invalid/x.png",
        "NaN s instead of 1 s", "wide: far: cannot be decoded", "wide: c, s: 1 points instead of 2",
        "wide: the browser says:",
        "wide: c: no table of its numbers",
      ] { #expect(looked.errors.contains(text), "no \(text): \(looked.errors)") }
      let missing = try look("none.html", in: folder)
      #expect(missing.status == 1 && missing.errors.contains("none.html: there is no such file"))
    }
  }

  @Test func testScoresAndScalingAreShown() throws {
    try TrainingBench.use(train: 4, valid: 2) { bench in
      let folder = bench.folder
      #expect(try bench.train(run: "a", ["--epochs", "2", "--batch", "1"]).status == 0)
      let header = "file,pesq_wb,stoi,estoi,si_sdr,ssnr,llr,wss,csig,cbak,covl,error\n"
      try
        (header
        + "p232_001,1.5,0.8,0.7,8,1,0.5,40,3,2,2,\np257_002,2.5,0.9,0.8,10,2,0.4,30,3,2,2,\n"
        + "p257_003,,,,,,,,,,,\"pesq_wb: silent, that is\"\n").write(
          toFile: folder.file("a/test-scores-noisy.csv"), atomically: true, encoding: .utf8)
      try
        (header
        + "p232_001,2.0,0.85,0.8,12,5,0.4,30,4,3,3,\np257_002,3.5,0.95,0.9,16,6,0.3,20,4,3,3,\n"
        + "p257_003,3,0.9,0.9,9,9,0.3,20,4,3,3,\n").write(
          toFile: folder.file("a/test-scores.csv"), atomically: true, encoding: .utf8)
      let figures = """
        {"kind": "scaling", "preset": "tiny", "mode": "weak", "seconds": 2, "threads": 1,
        "wire": "f", "baseRanks": 1, "utterances": 9, "epochs": 1, "rows": [\([1, 2].map { """
          {"ranks": \($0), "batch": 1, "stepSeconds": 1, "audioSecondsPerSecond": \($0),
          "efficiency": 0.9, "dataSeconds": 0, "forwardSeconds": 0, "backwardSeconds": 0,
          "exposedSeconds": 0, "optimizerSeconds": 0, "oversubscribed": false, "throughput":
          {"models": 1, "atOnce": 1, "ranksEach": 1, "ranks": 1, "secondsEach": 1, "seconds": 1,
          "modelsPerDay": 1}}
          """ }.joined(separator: ","))]}
        """
      try figures.write(toFile: folder.file("s.json"), atomically: true, encoding: .utf8)
      let made = try report(
        ["a", "--scaling", "s.json", "--output", "out.html", "--data", "gone"], in: folder)
      #expect(made.status == 0, "\(made)")
      #expect(
        made.errors.contains("warning: no audio, no spectrograms")
          && made.errors.contains("the corpus gone is not there"), "\(made)")
      let html = try text(folder, "out.html")
      // Over the two utterances with all scores: the noisy row first, 12.706 · 0.7071 / √2.
      for text in [
        "the corpus gone is not there", "2.000<br><small>± 6.353", "2.750<br><small>± 9.530",
        "tiny seed 7: 1 of 3", "SI-SDR, dB",
      ] {
        let isThere = html.contains(text)
        #expect(isThere, "no \(text)")
      }
      let looked = try look("out.html", in: folder)
      #expect(looked.status == 0, "\(looked.errors)")
      let views = try JSONDecoder().decode([String: View].self, from: Data(looked.output.utf8))
      let view = try #require(views["wide"])
      #expect(view.players == 0 && view.images == 0 && !view.headings.contains("Listen"))
      #expect(view.charts["Mean gain by speaker"]?.series.values.sorted() == [2], "\(view)")
      #expect(view.headings.contains("Test set") && view.headings.contains("Scaling"))
      #expect(view.charts.values.contains { $0.series["measured"] == 2 }, "\(view)")
    }
  }

  @Test func whatCannotBeIsOneError() throws {
    try TrainingBench.use(train: 4, valid: 1) { bench in
      let folder = bench.folder
      #expect(try bench.train(run: "a", ["--epochs", "2", "--batch", "1"]).status == 0)
      try folder.makeFolder("empty")
      expectError(try report(["a", "empty"], in: folder), "empty is no run folder")
      try folder.makeFolder("begun")
      try bench.data("a", "configuration.json").write(
        to: folder.appending(path: "begun/configuration.json"))
      expectError(try report(["begun"], in: folder), "begun: no epoch is finished yet")
      expectError(
        try report(["a", "--output", "none/report.html"], in: folder),
        "none/report.html could not be written: its folder does not exist")
      expectError(try report(["a", "--output", "empty"], in: folder), "could not be written")
      expectError(
        try report(["a", "--scaling", "none.json"], in: folder),
        "none.json: there is no such file; give the .json or .svg that bench scaling")
      expectError(
        try report(["a", "--scaling", "a/configuration.json"], in: folder),
        "a/configuration.json: it is no result of a benchmark")
      try "file,pesq_wb\nx\n".write(
        toFile: folder.file("a/best-scores.csv"), atomically: true, encoding: .utf8)
      expectError(
        try report(["a"], in: folder), "a/best-scores.csv cannot be read: line 2 has not 2 fields")
    }
  }

  @Test func anEarlierRunAndNoAudio() throws {
    try TrainingBench.use(train: 4, valid: 2) { bench in
      let folder = bench.folder
      #expect(try bench.train(run: "a", ["--epochs", "2", "--batch", "1"]).status == 0)
      let silent = try report(["a", "--no-audio"], in: folder)
      #expect(silent.status == 0 && silent.output.contains("0 utterances to hear"), "\(silent)")
      let hasAudio = try text(folder, "report.html").contains("<audio")
      #expect(!hasAudio)
      try FileManager.default.removeItem(atPath: folder.file("a/best-scores.csv"))
      let earlier = try report(["a"], in: folder)
      #expect(earlier.status == 0, "\(earlier)")
      #expect(earlier.errors.contains("a has no best-scores.csv"), "\(earlier)")
      let saysSo = try text(folder, "report.html").contains("a has no best-scores.csv")
      #expect(saysSo)
    }
  }
}
