import Files
import Foundation
import Models
import Recipes
import Testing
import TestSupport
import Weights

/// Layers of a recipe: a flag beats the recipe, the recipe beats the default.
@Suite struct RecipeResolutionTests {
  private func file(_ text: String) throws -> RecipeFile {
    try RecipeFile(parsing: Array(text.utf8), name: "r", file: "r.json")
  }

  private func origin(_ resolution: RecipeResolution, _ key: String) -> String? {
    resolution.values.first { $0.key == key }?.origin
  }

  /// Every key of a complete recipe unlike the default arrives, and every flag beats it, even one
  /// that gives the default's value.
  @Test func everyKeyKeepsTheOrder() throws {
    let unlike = """
      {"epochs": 7, "batch": 3, "global_batch": 9, "scaling": "linear",
       "optimizer": {"kind": "adamw", "betas": [0.5, 0.6], "eps": 1e-4, "weight_decay": 0.2},
       "learning_rate": 0.5, "schedule": {"kind": "plateau", "factor": 0.1, "patience": 2,
       "threshold": 0.5}, "warmup": {"epochs": 2}, "clip": "none", "average": 0.5,
       "crop": {"samples": 99}, "short": "pad", "level": "utterance",
       "losses": {"time": 3}, "best_by": "si_sdr", "patience": 4, "average_best": 2,
       "discriminator": {"weight": 2}}
      """
    let recipe = try file(unlike)
    let resolution = try RecipeResolution(recipe, [])
    let defaults = Recipe.leaves(Recipe().json)
    for value in resolution.values where !value.key.hasPrefix("discriminator.") {
      #expect(value.origin == "recipe r", "\(value.key)")
      #expect(defaults[value.key] != value.value, "\(value.key)")
    }
    #expect(origin(resolution, "discriminator.weight") == "recipe r")
    #expect(origin(resolution, "discriminator.beta") == "default")
    guard case .object(let sections) = Recipe().json else { return }
    for (key, value) in sections where key != "name" {
      let flagged = try RecipeResolution(recipe, [RecipeSetting([key], value, flag: "--x")])
      for (leaf, value) in Recipe.leaves(value, path: key) where key != "scaling" {
        let found = flagged.values.first { $0.key == leaf }
        #expect(found?.value == value && found?.origin == "--x", "\(leaf)")
      }
    }
    let none = try RecipeResolution(nil, [])
    #expect(none.recipe == Recipe() && none.values.allSatisfy { $0.origin == "default" })
  }

  @Test func setChangesOneKeyOfASection() throws {
    let setting = try #require(RecipeSetting(parsing: "optimizer.eps=1e-6"))
    var expected = Recipe()
    expected.optimizer.epsilon = 1e-6
    #expect(try RecipeResolution(nil, [setting]).recipe == expected)
    let words = try #require(RecipeSetting(parsing: "level=utterance"))
    #expect(try RecipeResolution(nil, [words]).recipe.level == .utterance)
    for text in ["", "x", "=1", "x=", "a..b=1"] { #expect(RecipeSetting(parsing: text) == nil) }
    let wrong = try #require(RecipeSetting(parsing: "optimizer.ep=1"))
    let error = #expect(throws: ConfigurationError.self) { try RecipeResolution(nil, [wrong]) }
    #expect(
      error?.description.hasPrefix(
        "recipe published with --set optimizer.ep=1: unknown key \"optimizer.ep\"") == true)
  }

  private func resolution(
    _ text: String, _ settings: String...
  ) throws(ConfigurationError) -> RecipeResolution {
    try RecipeResolution(
      RecipeFile(parsing: Array(text.utf8), name: "r", file: "r.json"),
      settings.compactMap { RecipeSetting(parsing: $0) })
  }

  /// Keys of a section that have no meaning beside the new value leave with the old one.
  @Test func setReplacesTheOtherKeysOfAKind() throws {
    var recipe = try resolution("{}", "schedule.kind=exponential").recipe
    #expect(recipe.schedule == ScheduleSettings(.exponential))
    let changed = try resolution(
      #"{"schedule": {"kind": "step", "factor": 0.5, "epochs": 3}}"#,
      "schedule.kind=plateau", "schedule.patience=2")
    #expect(changed.recipe.schedule.factor == 0.5 && changed.recipe.schedule.patience == 2)
    #expect(changed.recipe.schedule.decay == .plateau)
    #expect(origin(changed, "schedule.factor") == "default")
    #expect(origin(changed, "schedule.patience") == "--set schedule.patience=2")
    recipe = try resolution(
      #"{"schedule": {"kind": "step", "factor": 0.25}}"#, "schedule.epochs=3", "schedule.kind=step"
    ).recipe
    #expect(recipe.schedule.factor == 0.25 && recipe.schedule.epochs == 3)
    recipe = try resolution(
      #"{"optimizer": {"kind": "adamw", "eps": 1e-4, "weight_decay": 0.2}}"#, "optimizer.kind=adam"
    ).recipe
    #expect(recipe.optimizer.epsilon == 1e-4 && recipe.optimizer.weightDecay == 0)
    #expect(try resolution("{}", "crop.samples=16000").recipe.crop == .samples(16000))
    #expect(try resolution("{}", "warmup.epochs=1").recipe.warmup == .epochs(1))
    recipe = try resolution(
      #"{"discriminator": {"weight": 1, "from": {"fraction": 0.5}}}"#,
      "discriminator.from.epoch=3", "discriminator.label.scale=4",
      "discriminator.optimizer.eps=1e-3"
    ).recipe
    #expect(recipe.discriminator?.from == .epoch(3) && recipe.discriminator?.labelScale == 4)
    #expect(recipe.discriminator?.labelOffset == 0.5)
    #expect(recipe.discriminator?.optimizer.epsilon == 1e-3)
  }

  @Test(arguments: [
    (["epochs=1", "epochs=2"], "--set epochs=1 and --set epochs=2 both decide \"epochs\""),
    (["discriminator.weight=2", "discriminator=none"], "both decide \"discriminator.weight\""),
    (["discriminator=none", "discriminator.weight=2"], "both decide \"discriminator\""),
    (
      [#"optimizer={"kind": "adamw", "eps": 1e-4}"#, "optimizer.eps=1e-6"],
      "both decide \"optimizer.eps\" of the recipe; leave one out"
    ),
    (["crop.seconds=1", "crop.samples=16000"], "\"seconds\" is given, too; leave one out"),
    (["schedule.kind=cosine", "schedule.factor=0.5"], "unknown key \"schedule.factor\""),
    (["schedule.factor=0.5", "schedule.kind=cosine"], "unknown key \"schedule.factor\""),
  ])
  func settingsThatContradictAreNamed(settings: [String], part: String) {
    let error = #expect(throws: ConfigurationError.self) {
      try RecipeResolution(nil, settings.compactMap { RecipeSetting(parsing: $0) })
    }
    #expect(error?.description.contains(part) == true, "\(String(describing: error))")
  }

  @Test func aSettingThatReplacesAFlagSaysSo() throws {
    func notes(_ settings: RecipeSetting...) throws -> [String] {
      try ResolvedTraining(model: tiny(), recipe: nil, settings: settings) { _ in }.notes
    }
    let setting = try #require(RecipeSetting(parsing: "epochs=1"))
    let epochs = (1...2).map { RecipeSetting(["epochs"], .integer($0), flag: "--epochs") }
    #expect(try notes(epochs[1], setting) == ["--set epochs=1 replaces \"epochs\" of --epochs"])
    #expect(try RecipeResolution(nil, [epochs[1], setting]).recipe.epochs == 1)
    #expect(try notes(epochs[0], setting) == [])
    // Another key of a section that a flag gives is no replacement.
    let schedule = RecipeSetting(
      ["schedule"], .object(["kind": .string("exponential")]), flag: "--schedule")
    let factor = try #require(RecipeSetting(parsing: "schedule.factor=0.9"))
    #expect(try notes(schedule, factor) == [])
    #expect(try RecipeResolution(nil, [schedule, factor]).recipe.schedule.factor == 0.9)
  }

  @Test func errorsNameTheFlags() {
    let rate = RecipeSetting(["learning_rate"], .number(1e-50), flag: "--lr")
    let scaling = RecipeSetting(["scaling"], .string("none"), flag: "--lr")
    let error = #expect(throws: ConfigurationError.self) {
      try RecipeResolution(nil, [scaling, rate])
    }
    #expect(
      error?.description.hasPrefix(
        "recipe published with --lr: \"learning_rate\" is 1e-50, but must not be") == true)
  }

  @Test(arguments: [(1, 1, 4), (2, 1, 2), (3, 1, 2), (2, 2, 1), (8, 1, 1)])
  func ranksShareTheGlobalBatch(ranks: Int, accumulate: Int, batch: Int) throws {
    let resolved = try ResolvedTraining(
      model: tiny(), recipe: "semamba", settings: []
    ) {
      $0.ranks = ranks
      $0.accumulate = accumulate
    }
    #expect(resolved.configuration.batch == batch)
    #expect(
      resolved.configuration.batchFactor == Double(ranks * accumulate * batch) / 4)
  }

  @Test(arguments: [("none", 1e-3), ("linear", 4e-3), ("sqrt", 2e-3)])
  func scalesTheRate(scaling: String, rate: Double) throws {
    let settings = [try #require(RecipeSetting(parsing: "scaling=\(scaling)"))]
    func configuration(_ more: [RecipeSetting], ranks: Int) throws -> TrainingConfiguration {
      try ResolvedTraining(
        model: tiny(), recipe: "short", settings: settings + more
      ) { $0.ranks = ranks }.configuration
    }
    let scaled = try configuration([], ranks: 4)
    #expect(scaled.globalBatch == 24 && scaled.batchFactor == 4)
    #expect(abs(scaled.learningRate - rate) < 1e-15)
    #expect(try configuration([], ranks: 1).learningRate == 1e-3)
    // An equal global batch on other ranks is no other experiment.
    let other = try configuration(
      [RecipeSetting(["batch"], .integer(12), flag: "--batch")], ranks: 2)
    #expect(other.differences(from: scaled) == [] && other.learningRate == scaled.learningRate)
    // A rate by hand is meant as it is.
    let byHand = try configuration(
      [
        RecipeSetting(["scaling"], .string("none"), flag: "--lr"),
        RecipeSetting(["learning_rate"], .number(0.5), flag: "--lr"),
      ], ranks: 4)
    #expect(byHand.learningRate == 0.5)
  }

  @Test(arguments: RecipeFile.names) func configurationsReadBack(name: String) throws {
    let resolved = try ResolvedTraining(model: tiny(), recipe: name, settings: []) {
      $0.ranks = 4
      $0.seed = 3
    }
    let text = try resolved.configuration.json()
    let back = try JSONDecoder().decode(TrainingConfiguration.self, from: Data(text.utf8))
    #expect(back == resolved.configuration)
    #expect(try back.json() == text)
    #expect(back.differences(from: resolved.configuration) == [])
  }

  /// A default run writes the keys of earlier versions, and nothing more.
  @Test func defaultConfigurationHasTheKeysOfBefore() throws {
    let configuration = TrainingConfiguration(model: try tiny())
    let json = try JSONValue(parsing: Array(try configuration.json().utf8))
    guard case .object(let members) = json else { return }
    #expect(
      members.keys.sorted() == [
        "accumulate", "batch", "clip", "cropSeconds", "epochs", "learningRate", "model", "ranks",
        "schedule", "seed", "warmupSteps",
      ])
    let named = try ResolvedTraining(model: tiny(), recipe: "published", settings: []) { _ in }
    #expect(try named.configuration.json() == configuration.json())
  }

  @Test func differencesNameEachKey() throws {
    let one = try ResolvedTraining(model: tiny(), recipe: "semamba", settings: []) { _ in }
    let settings = try ["optimizer.weight_decay=0.1", "losses.time=0.5", "discriminator.weight=1"]
      .map { try #require(RecipeSetting(parsing: $0)) }
    let other = try ResolvedTraining(model: tiny(), recipe: "semamba", settings: settings) { _ in }
    #expect(
      other.configuration.differences(from: one.configuration) == [
        "discriminator.weight of the recipe (1 here, 0.05 in the checkpoint)",
        "losses.time of the recipe (0.5 here, 0.2 in the checkpoint)",
        "optimizer.weight_decay of the recipe (0.1 here, 0.01 in the checkpoint)",
      ])
    let alone = try ["discriminator=none"].map { try #require(RecipeSetting(parsing: $0)) }
    let without = try ResolvedTraining(model: tiny(), recipe: "semamba", settings: alone) { _ in }
    #expect(
      without.configuration.differences(from: one.configuration) == [
        "discriminator of the recipe (\"none\" here, \"given\" in the checkpoint)"
      ])
    // A refusal says why the number of epochs matters.
    for (name, more, reason) in [
      ("short", [], "the cosine depends"),
      ("published-gan", [], "the start of the discriminator depends"),
      (
        "semamba", ["discriminator.schedule.kind=cosine"],
        "the cosine of the discriminator's rate depends"
      ),
    ] {
      func configuration(_ settings: [String]) throws -> TrainingConfiguration {
        try ResolvedTraining(
          model: tiny(), recipe: name,
          settings: (more + settings).map { try #require(RecipeSetting(parsing: $0)) }
        ) { _ in }.configuration
      }
      let (few, many) = (try configuration([]), try configuration(["epochs=500"]))
      #expect(
        many.differences(from: few) == [
          "--epochs, on which \(reason), (500 here, \(few.epochs) in the checkpoint)"
        ])
    }
    // Equal meaning is no difference.
    let spelled = try ["learning_rate=5e-4", "optimizer.eps=0.00000001"]
      .map { try #require(RecipeSetting(parsing: $0)) }
    let same = try ResolvedTraining(model: tiny(), recipe: "semamba", settings: spelled) { _ in }
    #expect(same.configuration.differences(from: one.configuration) == [])
  }

  /// A continued run follows its copy, and says so when the recipe has changed meanwhile.
  @Test func continuedRunFollowsItsCopy() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("mine.json")
    try #"{"learning_rate": 0.25, "clip": "none"}"#.write(
      toFile: path, atomically: true, encoding: .utf8)
    func resolve(_ recipe: String?, copy: URL?) throws -> ResolvedTraining {
      try ResolvedTraining(model: tiny(), recipe: recipe, settings: [], copy: copy) { _ in }
    }
    let began = try resolve(path, copy: nil)
    let copy = URL(fileURLWithPath: folder.file("recipe.json"))
    try began.document.write(to: copy, atomically: true, encoding: .utf8)
    #expect(try resolve(nil, copy: copy).configuration == began.configuration)
    let again = try resolve(path, copy: copy)
    #expect(again.configuration == began.configuration && again.notes.isEmpty)
    #expect(again.document == began.document)
    try #"{"learning_rate": 0.5}"#.write(toFile: path, atomically: true, encoding: .utf8)
    let changed = try resolve(path, copy: copy)
    #expect(changed.configuration == began.configuration)
    #expect(changed.notes.first?.contains("has changed since the run began") == true)
    // A recipe that is broken or gone does not end a run that has its own copy.
    for text in ["{", nil] {
      try FileManager.default.removeItem(atPath: path)
      try text?.write(toFile: path, atomically: true, encoding: .utf8)
      let without = try resolve(path, copy: copy)
      #expect(without.configuration == began.configuration && without.document == began.document)
      #expect(without.notes.count == 1)
      #expect(without.notes.first?.contains("cannot be read any more (\(path): the con") == true)
      #expect(throws: ConfigurationError.self) { try resolve(path, copy: nil) }
    }
    // A recipe of another name is another recipe.
    #expect(
      try resolve("short", copy: copy).configuration.differences(from: began.configuration) != [])
    // The run's own copy may be named, too, and then keeps the recipe that it came from.
    let own = try resolve(copy.path, copy: copy)
    #expect(own.document == began.document && own.name == began.name)
    // The copy is a recipe itself.
    let fromCopy = try resolve(copy.path, copy: nil)
    #expect(fromCopy.configuration == began.configuration)
  }

  /// A model card leaves out what is published or decides nothing; the rows for people are whole.
  @Test(arguments: RecipeFile.names) func aCardHasTheWholeRecipe(name: String) throws {
    let resolved = try ResolvedTraining(model: tiny(), recipe: name, settings: []) {
      $0.ranks = 2
      $0.batch = 3
      $0.seed = 7
    }
    let json = try JSONValue(parsing: Array(resolved.configuration.json().utf8))
    let card = WeightCard.recipe(ofConfiguration: json)
    let back = try #require(TrainingConfiguration(card: card, model: resolved.configuration.model))
    #expect(back.globalBatch == resolved.configuration.globalBatch && back.seed == 7)
    let rows = back.settings
    #expect(rows.first.map { $0.0 + $0.1 } == "name" + name)
    #expect(rows.contains { $0 == ("seed", "7") })
    let expected = Recipe.leaves(resolved.configuration.recipe.json)
    for key in expected.keys where key.hasPrefix("losses.") || key.hasPrefix("optimizer.") {
      let text = try #require(expected[key]).string ?? "\(try #require(expected[key]))"
      #expect(rows.contains { $0 == (key, text) }, "\(key)")
    }
    #expect(TrainingConfiguration(card: [:], model: resolved.configuration.model) == nil)
  }

  private func tiny() throws -> ModelConfiguration { try Preset.load("abl1") }
}
