import Files
import Foundation
import Metrics
import Models
import Recipes
import Testing
import TestSupport

/// Rules for the best epoch, as users write them.
struct SelectionRuleTests {
  private static let values: [String: Double] = [
    "pesq_wb": 2.5, "si_sdr": 12, "loss": 0.25, "llr": 0.5, "wss": 40, "covl": 3.125, "stoi": 0.9,
  ]

  private func score(_ text: String, _ values: [String: Double] = values) throws -> Double? {
    try SelectionRule(parsing: text).score { values[$0.name] }
  }

  @Test func scoresAreWeightedSums() throws {
    #expect(try score("pesq_wb") == 2.5)
    #expect(try score("pesq_wb+0.1*si_sdr") == 2.5 + 0.1 * 12)
    #expect(try score(" 2 * covl + 1e+1*stoi ") == 2 * 3.125 + 10 * 0.9)
    // The best loss, LLR and WSS are the lowest.
    #expect(try score("loss") == -0.25 && score("llr") == -0.5)
    #expect(try score("si_sdr+0.5*wss") == 12 - 0.5 * 40)
    #expect(try score("pesq_wb+cbak") == nil)
    #expect(try score("loss", ["loss": .nan]) == nil)
    #expect(try score("si_sdr", ["si_sdr": .infinity]) == nil)
  }

  @Test func textsAreTheShortest() throws {
    for (text, short) in [
      ("pesq_wb", "pesq_wb"), ("1*loss", "loss"), (" 0.10 * si_sdr+ stoi", "0.1*si_sdr+stoi"),
      ("3e2*covl", "300*covl"), ("1e-7*wss", "1e-07*wss"), ("1e+30*wss+llr", "1e+30*wss+llr"),
      ("0.12345678901234568*stoi", "0.12345678901234568*stoi"),
    ] {
      let rule = try SelectionRule(parsing: text)
      #expect(rule.description == short)
      #expect(try SelectionRule(parsing: short) == rule, "\(short)")
    }
    #expect(try SelectionRule(parsing: "loss").text(-0.25) == "loss 0.2500")
    #expect(try SelectionRule(parsing: "si_sdr").text(12.345) == "SI-SDR 12.35 dB")
    #expect(try SelectionRule(parsing: "pesq_wb").text(2.5) == "2.5000")
    #expect(try SelectionRule(parsing: "pesq_wb+loss").text(2.25) == "pesq_wb+loss 2.2500")
  }

  @Test func neededMetricsAreKnown() throws {
    let rule = try SelectionRule(parsing: "covl+0.1*si_sdr+loss")
    #expect(rule.metrics == [.covl, .siSDR] && rule.usesLoss)
    try rule.requireDefined(sampleRate: 16_000)
    #expect(throws: SelectionRuleError.undefined(name: "covl", sampleRate: 48_000)) {
      try rule.requireDefined(sampleRate: 48_000)
    }
    try SelectionRule(parsing: "si_sdr+loss").requireDefined(sampleRate: 48_000)
    #expect("\(SelectionRule.standard(sampleRate: 16_000))" == "pesq_wb")
    #expect("\(SelectionRule.standard(sampleRate: 8000))" == "si_sdr")
  }

  @Test(arguments: [
    ("", "\"\" is no metric"), ("pesq", "no metric \"pesq\""), ("pesq_wb+", "\"\" is no metric"),
    ("0*loss", "\"0*loss\" is no metric with a positive weight"), ("-loss", "\"-loss\" is no"),
    ("pesq_wb-0.1*si_sdr", "no metric \"pesq_wb-0.1\"*|is no metric"), ("nan*stoi", "positive"),
    ("inf*stoi", "positive"), ("stoi*2", "positive"), ("2*3*stoi", "positive"),
    ("stoi+stoi", "stoi is given twice"), ("0.5", "positive"),
  ])
  func otherTextsAreNamed(text: String, expected: String) throws {
    let error = #expect(throws: SelectionRuleError.self) { try SelectionRule(parsing: text) }
    let description = try #require(error).description
    #expect(expected.split(separator: "|").contains { description.contains($0) }, "\(description)")
    #expect(description.hasPrefix("\"\(text)\": "))
  }

  @Test func aConfigurationKeepsItsRule() throws {
    let model = try ModelConfiguration(parsing: Array(tinyModel.utf8), file: "tiny")
    var configuration = TrainingConfiguration(model: model)
    let standard = try configuration.json()
    // A run by default writes as much as before.
    for key in ["best_by", "patience", "average_best", "frozen", "initialization"] {
      #expect(!standard.contains(key))
    }
    configuration.recipe.bestBy = try SelectionRule(parsing: "pesq_wb+0.1*si_sdr")
    configuration.recipe.patience = 3
    configuration.recipe.averageBest = 5
    configuration.frozen = ["band_split"]
    configuration.initialization = Initialization(
      file: "a/b.safetensors", fingerprint: "0123", isPartial: true, summary: "b.safetensors: w")
    let read = try JSONDecoder().decode(
      TrainingConfiguration.self, from: Data(configuration.json().utf8))
    #expect(read == configuration)
    // Only the frozen parameters make it another run.
    let differences = configuration.differences(from: TrainingConfiguration(model: model))
    #expect(differences == ["--freeze (band_split here, none in the checkpoint)"])
    for (key, value) in [
      ("recipe", "{\"best_by\": \"pesq\"}"), ("recipe", "{\"patience\": 0}"),
      ("recipe", "{\"average_best\": 1}"), ("frozen", "3"),
    ] {
      var json = try JSONValue(parsing: Array(standard.utf8))
      guard case .object(var members) = json else { return }
      members[key] = try JSONValue(parsing: Array(value.utf8))
      json = .object(members)
      #expect(throws: (any Error).self, "\(key)") {
        try JSONDecoder().decode(TrainingConfiguration.self, from: Data("\(json)".utf8))
      }
    }
  }
}
