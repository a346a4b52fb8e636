import Files
import Foundation
import Models
import Testing
import TestSupport
import Weights

/// Model cards in files of weights, means of weights, and what is told of a file.
struct WeightCardTests {
  private static var card: WeightCard {
    var card = WeightCard(kind: .averaged, epochs: [12], step: 1200)
    card.recipe = [
      "learningRate": .number(0.5), "schedule": .string("cosine"), "clip": .integer(5),
    ]
    card.corpus = "VoiceBank-DEMAND"
    card.trainSet = .init(count: 11, digest: "0123456789abcdef")
    card.validationSet = .init(count: 3, digest: "fedcba9876543210")
    card.scores = [
      .init(metric: "pesq_wb", noisy: 1.9712, enhanced: 3.0041),
      .init(metric: "loss", noisy: nil, enhanced: 0.25),
    ]
    card.scored = (2, 3)
    card.selection = ("pesq_wb", 3.0041)
    card.start = "best.safetensors"
    return card
  }

  @Test func aCardIsReadAsItWasWritten() throws {
    let card = Self.card
    let read = try #require(WeightCard(parsing: card.json.description))
    #expect(read == card && read.json.description == card.json.description)
    #expect(read.summary == "averaged weights of epoch 12, step 1200")
    #expect(WeightCard(kind: .mean, epochs: [3, 7], step: nil).summary.contains("2 epochs (3, 7)"))
    for text in ["", "{}", "[1]", #"{"kind": "new", "epochs": [1]}"#] {
      #expect(WeightCard(parsing: text) == nil, "\(text)")
    }
    // Numbers that JSON has not are left out.
    var broken = card
    broken.scores = [.init(metric: "loss", noisy: nil, enhanced: .nan)]
    #expect(WeightCard(parsing: broken.json.description)?.scores.isEmpty == true)
  }

  @Test func aRecipeHasTheGlobalBatchOnly() throws {
    let json = try JSONValue(
      parsing: Array(
        #"{"ranks": 4, "batch": 3, "accumulate": 2, "seed": 7, "model": {"name": "x"}}"#.utf8))
    #expect(
      WeightCard.recipe(ofConfiguration: json) == [
        "globalBatch": .integer(24), "seed": .integer(7),
      ]
    )
  }

  @Test func aRecipeHasNeitherSharesNorWhatIsKept() throws {
    func recipe(_ text: String) throws -> [String: JSONValue] {
      WeightCard.recipe(ofConfiguration: try JSONValue(parsing: Array(text.utf8)))
    }
    let step = try recipe(
      #"{"epochs": 9, "schedule": "step", "recipe": {"batch": 2, "best_by": "loss"}}"#)
    #expect(step == ["globalBatch": .integer(1), "schedule": .string("step")])
    let other = try recipe(
      #"{"epochs": 9, "schedule": "step", "recipe": {"patience": 3, "discriminator": {}}}"#)
    // The discriminator's use begins at a share of the epochs.
    #expect(other["epochs"] == .integer(9))
    #expect(other["recipe"] == .object(["discriminator": .object([:])]))
    let cosine = try recipe(#"{"epochs": 9, "schedule": "cosine"}"#)
    #expect(cosine["epochs"] == .integer(9))
  }

  @Test func aFileIsDescribed() throws {
    let configuration = try ModelConfiguration(parsing: Array(tinyModel.utf8), file: "tiny")
    let model = SpeechEnhancer(configuration: configuration, seed: 1)
    try withTemporaryFolder { folder in
      func text(_ data: Data) throws -> String {
        let path = folder.file("w.safetensors")
        try data.write(to: URL(fileURLWithPath: path))
        return try WeightDescription(contentsOf: path).text
      }
      let own = try text(
        WeightFile.serialized(
          model, program: "test 1", metadata: [WeightCard.key: Self.card.json.description]))
      for line in [
        "w.safetensors: averaged weights of epoch 12, step 1200", "written by    test 1",
        "validated on  3 utterances (fedcba9876543210), 2 of 3 with every score",
        "selected by   pesq_wb: 3.0041", "started from  best.safetensors",
        "  learningRate  0.5", "pesq_wb     1.9712    3.0041", "loss             -    0.2500",
      ] { #expect(own.contains(line), "no \(line): \(own)") }
      // A file of a version without cards.
      let old = try text(WeightFile.serialized(model, program: "test 1"))
      #expect(old.contains("weights of \"tiny\", written by test 1"), "\(old)")
      let large = SpeechEnhancer(configuration: try Preset.load("abl2"), seed: 1)
      let file = try SafetensorsFile(
        data: WeightFile.serialized(large, program: "test 1"), path: "w")
      let foreign = try text(SafetensorsFile(entries: file.entries).serialized())
      #expect(foreign.contains("its tensors fit the preset abl2"), "\(foreign)")
    }
  }

  @Test func aMeanIsThatOfEveryNumber() throws {
    let configuration = try ModelConfiguration(parsing: Array(tinyModel.utf8), file: "tiny")
    let models = (1...3).map { SpeechEnhancer(configuration: configuration, seed: UInt64($0)) }
    func weights(_ model: SpeechEnhancer) throws -> WeightFile {
      try WeightFile(
        SafetensorsFile(data: WeightFile.serialized(model, program: "test 1"), path: "w"), path: "w"
      )
    }
    let card = WeightCard(kind: .mean, epochs: [1, 2, 3], step: nil)
    let data = try WeightMean.serialized(
      models.map(weights), of: configuration, program: "test 1", card: card)
    let mean = try WeightFile(SafetensorsFile(data: data, path: "m"), path: "m")
    #expect(mean.metadata(WeightCard.key) == card.json.description)
    let read = try mean.model(configuration)
    for (index, parameter) in read.parameters.parameters.enumerated() {
      let sources = models.map { $0.parameters.parameters[index].elements }
      let expected = parameter.elements.indices.map { place in
        Float(
          (Double(sources[0][place]) + Double(sources[1][place]) + Double(sources[2][place])) / 3)
      }
      #expect(parameter.elements == expected, "\(parameter.name)")
    }
    // The mean of one is that one.
    let alone = try WeightMean.serialized(
      [weights(models[0])], of: configuration, program: "test 1", card: card)
    let same = try WeightFile(SafetensorsFile(data: alone, path: "m"), path: "m").model(
      configuration)
    #expect(same.parameters.values.buffer.elementsEqual(models[0].parameters.values.buffer))
    #expect(throws: WeightMeanError.self) {
      try WeightMean.serialized(
        [weights(models[0])], of: Preset.load("abl1"), program: "test 1", card: card)
    }
  }
}
