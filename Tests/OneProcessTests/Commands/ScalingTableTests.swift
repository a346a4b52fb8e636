import Foundation
import FoundationXML
import ProgramTestSupport
import Testing
import TestSupport

/// `disttrain bench scaling --from` and `bench simulate` on results that are made by hand.
@Suite struct ScalingTableTests {
  /// The file of a step, as `bench step --json` writes it.
  private static func write(
    ranks: Int, batch: Int = 6, step: Double, perHost: Int? = nil, cores: Int = 4,
    preset: String = "abl3", jitter: Double = 0.02, to path: String
  ) throws {
    let scaling: [String: Any] = [
      "parameterCount": 1000, "ranksPerHost": perHost ?? ranks, "dataSeconds": 0.0,
      "forwardSeconds": 0.3 * step, "backwardSeconds": 0.6 * step, "exposedSeconds": 0.08 * step,
      "optimizerSeconds": 0.02 * step, ranks > 1 ? "jitterOverRanks" : "jitterOverSteps": jitter,
      "readiness": [["from": 0, "fraction": 1.0]],
    ]
    let object: [String: Any] = [
      "kind": "step", "preset": preset, "batch": batch, "seconds": 2.0, "threads": 1,
      "ranks": ranks, "recompute": false, "stepSeconds": step, "stepSecondsMinimum": step,
      "stepSecondsMaximum": step, "audioSecondsPerSecond": Double(2 * batch * ranks) / step,
      "wire": "float64", "bucketBytes": 1_000_000, "overlap": true, "scaling": scaling,
      "machine": ["processor": "some processor", "cores": cores],
    ]
    try JSONSerialization.data(withJSONObject: object).write(to: URL(fileURLWithPath: path))
  }

  private struct Table: Decodable {
    struct Row: Decodable {
      let ranks: Int
      let efficiency: Double
      let exposedSeconds: Double
      let jitter: Double?
      let oversubscribed: Bool
    }
    let kind: String
    let mode: String
    let baseRanks: Int
    let rows: [Row]
  }

  private func table(in folder: URL) throws -> Table {
    let data = try Data(contentsOf: folder.appending(path: "out/scaling.json"))
    return try JSONDecoder().decode(Table.self, from: data)
  }

  /// The texts of an SVG file, which has to be well-formed.
  private func texts(_ path: String) throws -> [String] {
    final class Reader: NSObject, XMLParserDelegate {
      var texts: [String] = []
      private var isText = false
      func parser(
        _ parser: XMLParser, didStartElement name: String, namespaceURI: String?,
        qualifiedName: String?, attributes: [String: String]
      ) {
        isText = name == "text"
        if isText { texts.append("") }
      }
      func parser(_ parser: XMLParser, foundCharacters string: String) {
        if isText { texts[texts.count - 1] += string }
      }
      func parser(
        _ parser: XMLParser, didEndElement name: String, namespaceURI: String?,
        qualifiedName: String?
      ) { isText = false }
    }
    let parser = XMLParser(data: try Data(contentsOf: URL(fileURLWithPath: path)))
    let reader = Reader()
    parser.delegate = reader
    #expect(parser.parse(), "\(path): \(String(describing: parser.parserError))")
    return reader.texts
  }

  @Test func weakScaling() throws {
    try withTemporaryFolder { folder in
      let files = [8, 1, 2].map { folder.file("\($0).json") }
      try Self.write(ranks: 8, step: 4, to: files[0])
      try Self.write(ranks: 1, step: 2, jitter: 0.01, to: files[1])
      try Self.write(ranks: 2, step: 2.5, to: files[2])
      let outcome = try disttrain(
        ["bench", "scaling", "--from"] + files + ["--output", folder.file("out")])
      #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome)")
      let table = try table(in: folder)
      #expect(table.kind == "scaling" && table.mode == "weak" && table.baseRanks == 1)
      #expect(table.rows.map(\.ranks) == [1, 2, 8])
      #expect(table.rows.map(\.efficiency).allSatisfy { $0 > 0 })
      for (row, expected) in zip(table.rows, [1, 0.8, 0.5]) {
        #expect(isClose(row.efficiency, expected), "\(row)")
      }
      #expect(isClose(table.rows[1].exposedSeconds, 0.2) && table.rows[0].jitter == 0.01)
      // Eight ranks on four cores.
      #expect(table.rows.map(\.oversubscribed) == [false, false, true])
      for text in ["8*", "80.0%", "50.0%", "* more ranks than cores", "2.00%"] {
        #expect(outcome.output.contains(text), "\(text) in \(outcome)")
      }
      // ⌈11572/48⌉ = 242 steps of 4 s, 100 times.
      #expect(
        outcome.output.contains(
          "3 models, 8 ranks each, 24 ranks in all: 2.68 models/day, all trained in 26.9 h"),
        "\(outcome)")

      let texts = try texts(folder.file("out/scaling.svg"))
      for text in [
        "100%", "80.0%", "50.0%*", "6.00", "9.60", "24.0*", "ranks (log2)", "efficiency, %",
        "ideal",
        "measured", "seconds of audio trained a second", "* more ranks than cores", "1", "2", "8",
      ] {
        #expect(texts.contains(text), "\(text) in \(texts)")
      }
      let csv = try String(contentsOfFile: folder.file("out/scaling.csv"), encoding: .utf8)
      let lines = csv.split(separator: "\n").map(String.init)
      #expect(lines.count == 4 && lines[0].hasPrefix("ranks,batch,step_seconds,"), "\(csv)")
      #expect(lines[2].hasPrefix("2,6,2.5,9.6,"), "\(csv)")
      let efficiency = try #require(Double(lines[2].split(separator: ",")[4]), "\(csv)")
      #expect(isClose(efficiency, 0.8), "\(csv)")
    }
  }

  @Test func strongScaling() throws {
    try withTemporaryFolder { folder in
      let files = [2, 4].map { folder.file("\($0).json") }
      try Self.write(ranks: 2, batch: 6, step: 3, to: files[0])
      try Self.write(ranks: 4, batch: 3, step: 2, to: files[1])
      let outcome = try disttrain(
        ["bench", "scaling", "--from"] + files + ["--output", folder.file("out")])
      #expect(outcome.status == 0, "\(outcome)")
      let table = try table(in: folder)
      // Against the fewest ranks there are: 2·3/(4·2).
      #expect(table.mode == "strong" && table.baseRanks == 2)
      #expect(isClose(table.rows[1].efficiency, 0.75), "\(table)")
      #expect(outcome.output.contains("strong scaling"), "\(outcome)")
    }
  }

  @Test func filesThatDoNotBelongTogether() throws {
    try withTemporaryFolder { folder in
      let good = folder.file("good.json")
      let other = folder.file("other.json")
      try Self.write(ranks: 1, step: 2, to: good)
      func scaling(_ files: String...) throws -> SubprocessOutcome {
        try disttrain(["bench", "scaling", "--from"] + files)
      }
      expectError(try scaling(good, folder.file("none.json")), "none.json: there is no such file")
      try Data("{\"kind\": \"pesq\"}".utf8).write(to: URL(fileURLWithPath: other))
      expectError(
        try scaling(good, other), "\(other) is no result of this version's disttrain bench")
      try Data("not JSON".utf8).write(to: URL(fileURLWithPath: other))
      expectError(try scaling(other), "\(other) is no result of this version's disttrain bench")
      try Self.write(ranks: 2, step: 2, preset: "abl1", to: other)
      expectError(try scaling(good, other), "\(other) differs from \(good) in the preset")
      try Self.write(ranks: 1, step: 3, to: other)
      expectError(try scaling(good, other), "\(other) is a second result with 1 rank;")
      try Self.write(ranks: 2, batch: 5, step: 3, to: other)
      expectError(try scaling(good, other), "neither one batch per rank")
    }
  }

  @Test func argumentsThatCannotBe() throws {
    expectError(
      try disttrain(["bench", "scaling", "--preset", "abl3", "--strong", "--ranks", "1,4"]),
      "a global batch of 6 cannot be dealt evenly to 4 ranks")
    expectError(
      try disttrain(["bench", "simulate", "--network", "token-ring", "--calibration", "x.json"]),
      "--network token-ring is not known: take one of 1gbe, 10gbe,")
    expectError(
      try disttrain(["bench", "simulate", "--network", "none.json", "--calibration", "x.json"]),
      "none.json: there is no such file")
    expectError(
      try disttrain(["bench", "simulate", "--calibration", "x.json"]),
      "x.json: there is no such file")
  }

  private struct Forecast: Decodable {
    struct Row: Decodable {
      let ranks: Int
      let hosts: Int
      let stepSeconds: Double
      let weakEfficiency: Double
      let mainLoss: String
    }
    struct Check: Decodable {
      let ranks: Int
      let difference: Double
    }
    let kind: String
    let rows: [Row]
    let checks: [Check]
  }

  @Test func aForecastFromFiles() throws {
    try withTemporaryFolder { folder in
      let step = folder.file("step.json")
      let network = folder.file("network.json")
      let measured = folder.file("measured.json")
      try Self.write(ranks: 1, batch: 2, step: 1, to: step)
      try Self.write(ranks: 2, batch: 2, step: 2, perHost: 1, to: measured)
      try Data(
        """
        {"kind": "allreduce", "hosts": 2, "alphaSeconds": 0.1, "bytesPerSecond": 1e12,
        "processorSecondsPerByte": 0}
        """.utf8
      ).write(to: URL(fileURLWithPath: network))
      let outcome = try disttrain([
        "bench", "simulate", "--ranks", "1..8", "--calibration", step, "--network", network,
        "--ranks-per-node", "1", "--jitter", "0", "--max-global-batch", "8", "--output",
        folder.file("out"), "--measured", measured,
      ])
      #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome)")
      let data = try Data(contentsOf: folder.appending(path: "out/simulation.json"))
      let forecast = try JSONDecoder().decode(Forecast.self, from: data)
      #expect(forecast.kind == "simulation" && forecast.rows.map(\.ranks) == [1, 2, 4, 8])
      #expect(forecast.rows.map(\.hosts) == [1, 2, 4, 8])
      // 0.92 s of a step that stood still for 0.08; one bucket that is ready at the end of backward
      // and takes 2(n − 1) messages of 0.1 s.
      for (row, messages) in zip(forecast.rows, [0.0, 2, 6, 14]) {
        #expect(abs(row.stepSeconds - (0.92 + 0.1 * messages)) < 1e-3, "\(row)")
        #expect(abs(row.weakEfficiency - 0.92 / row.stepSeconds) < 1e-3, "\(row)")
      }
      #expect(forecast.rows[3].mainLoss == "exposed communication")
      #expect(forecast.checks.count == 1 && forecast.checks[0].ranks == 2)
      #expect(abs(forecast.checks[0].difference - (1.12 / 2 - 1)) < 1e-3, "\(forecast)")
      #expect(outcome.output.contains("from 8 ranks on the global batch is 16"), "\(outcome)")
      #expect(outcome.output.contains("-44.0%"), "\(outcome)")
      let texts = try texts(folder.file("out/simulation.svg"))
      #expect(texts.contains("82.1%") && texts.contains("ranks (log2)"), "\(texts)")
    }
  }
}
