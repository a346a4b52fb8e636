import Files
import Foundation
import Models
import Recipes
import Tensor
import Testing

/// Recipes as files: those of the program, and what is refused in others.
@Suite struct RecipeFileTests {
  private func recipe(_ text: String) throws(ConfigurationError) -> Recipe {
    try Recipe(
      json: RecipeFile(parsing: Array(text.utf8), name: "r", file: "r.json").json, file: "r.json")
  }

  @Test func publishedFileIsTheDefault() throws {
    var published = try Recipe(json: RecipeFile.load("published").json, file: "published")
    published.title = ""
    published.summary = ""
    #expect(published == Recipe())
    #expect(Recipe().losses == .published)
  }

  @Test func everyFileOfTheFolderHasAName() throws {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appending(path: "../../Sources/Recipes/Presets")
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
    #expect(Set(files) == Set(RecipeFile.names.map { "\($0).json" }))
    for name in RecipeFile.names {
      let recipe = try Recipe(json: RecipeFile.load(name).json, file: name)
      #expect(recipe.name == name && !recipe.title.isEmpty && !recipe.summary.isEmpty)
    }
  }

  @Test(arguments: RecipeFile.names) func completeFormReadsBack(name: String) throws {
    let recipe = try Recipe(json: RecipeFile.load(name).json, file: name)
    #expect(try Recipe(json: recipe.json, file: name) == recipe)
  }

  @Test func semambaIsThatOfItsSources() throws {
    let recipe = try Recipe(json: RecipeFile.load("semamba").json, file: "semamba")
    #expect(recipe.optimizer.weightDecay == 0.01 && recipe.optimizer.beta1 == 0.8)
    #expect(recipe.optimizer.beta2 == 0.99 && recipe.learningRate == 5e-4 && recipe.clip == nil)
    #expect(recipe.schedule.decay == .exponential && recipe.schedule.factor == 0.99)
    #expect(recipe.losses.magnitude == .init(weight: 0.9, norm: .l2, exponent: 0.3))
    #expect(recipe.losses.complex == .init(weight: 0.1, norm: .l2, exponent: 0.3))
    #expect(recipe.losses.phase.weight == 0.3 && recipe.losses.time == 0.2)
    #expect(recipe.losses.consistency == .init(weight: 0.1, norm: .l2, exponent: 0.3))
    #expect(recipe.level == .utterance && recipe.shortUtterances == .padded)
    let discriminator = try #require(recipe.discriminator)
    #expect(discriminator.weight == 0.05 && discriminator.order == .discriminatorFirst)
    #expect(discriminator.labelOffset == -1 && discriminator.labelScale == 3.5)
    #expect(discriminator.terms == [.clean, .estimate] && discriminator.missing == .clean)
    #expect(discriminator.from.epochsBefore(of: 200) == 0 && discriminator.clip == nil)
  }

  @Test func publishedDiscriminatorStartsAtHalfTime() throws {
    let recipe = try Recipe(json: RecipeFile.load("published-gan").json, file: "published-gan")
    let discriminator = try #require(recipe.discriminator)
    #expect(discriminator.from.epochsBefore(of: 120) == 60)
    #expect(discriminator.from.epochsBefore(of: 7) == 4)
    #expect(discriminator == DiscriminatorRecipe(weight: 1).starting(.fraction(0.5)))
  }

  @Test(arguments: [
    (#"{"epoch": 3}"#, #"unknown key "epoch""#), (#"{"epoch": 3}"#, #"did you mean "epochs"?"#),
    (#"{"optimizer": {"kind": "adam", "weight_decay": 1}}"#, "optimizer.weight_decay"),
    ("{\"clip\": 5,\n\"clip\": 6}", #"the key "clip" is given twice, the second time in line 2"#),
    (#"{"losses": {"time": 1, "ti\u006de": 2}}"#, #""time" is given twice"#),
    (#"{"learning_rate": "1e-3"}"#, #""learning_rate" must be a number, not "1e-3""#),
    (#"{"learning_rate": true}"#, "must be a number, not true"),
    (#"{"learning_rate": null}"#, "must be a number, not null"),
    (#"{"learning_rate": 1e400}"#, "too large"), (#"{"learning_rate": NaN}"#, "not valid JSON"),
    (#"{"learning_rate": 0}"#, "must be above 0"), (#"{"epochs": 2.5}"#, "must be an integer"),
    (#"{"epochs": 0}"#, "must be between 1 and"), (#"{"level": 1}"#, "must be a string"),
    (#"{"clip": "off"}"#, #"must be a number or "none""#),
    (#"{"schedule": {"kind": "cosine", "factor": 0.5}}"#, "schedule.factor"),
    (#"{"schedule": {"kind": "linear"}}"#, #"must be one of "step", "exponential""#),
    (#"{"schedule": {"factor": 0.5}}"#, #"the key "schedule.kind" is missing"#),
    (#"{"warmup": {"steps": 3, "epochs": 1}}"#, "leave one out"),
    (#"{"warmup": {}}"#, #"the key "warmup.steps" is missing"#),
    (#"{"crop": {"seconds": 0}}"#, "crop.seconds"), (#"{"losses": {}}"#, "one term needs a weight"),
    (#"{"losses": {"complex": {"norm": "l2"}}}"#, "losses.complex.weight"),
    (#"{"losses": {"transform": {"n_fft": 400, "hop": 300}, "time": 1}}"#, "half a window"),
    (
      #"{"losses": {"transform": {"n_fft": 400, "hop": 100, "window": "hamming"}, "time": 1}}"#,
      "the only window"
    ),
    (#"{"optimizer": {"kind": "adam", "betas": [0.9, 1]}}"#, "two numbers from 0, below 1"),
    (#"{"global_batch": "any", "scaling": "sqrt"}"#, "no \"global_batch\" to scale from"),
    (#"{"discriminator": {"weight": 1, "terms": ["clean"]}}"#, "must contain \"estimate\""),
    (#"{"discriminator": {"weight": 1, "schedule": {"kind": "plateau"}}}"#, "no score"),
    (#"{"precision": "bfloat16"}"#, "unknown key"), ("[]", "must be an object"),
    (#"{"average": "off"}"#, #""average" must be a number or "none", not "off""#),
    (#"{"average": 1}"#, #""average" is 1, but must be above 0, and as a 32-bit float below 1"#),
    (#"{"average": 0.999999999}"#, "as a 32-bit float below 1"),
    (#"{"average": 0}"#, "must be above 0"),
    (#"{"patience": "5"}"#, #""patience" must be an integer or "none", not "5""#),
    (#"{"patience": 0}"#, "must be between 1 and"),
    (#"{"average_best": null}"#, #"must be an integer or "none", not null"#),
    (#"{"batch": 1.5}"#, #"must be an integer or "share", not 1.5"#),
    (#"{"global_batch": "all"}"#, #"must be an integer or "any", not "all""#),
    (#"{"batch": "share", "global_batch": "any"}"#, "no \"global_batch\" to share"),
    (#"{"learning_rate": 1e-45}"#, "must not be that small: a 32-bit float has no such number"),
    (#"{"losses": {"time": 1e-300}}"#, #""losses.time" is 1e-300, but must not be that small"#),
    (#"{"optimizer": {"kind": "adam", "eps": 1e-60}}"#, "optimizer.eps"),
    (
      #"{"discriminator": {"weight": 1, "label": {"offset": 0, "scale": 1e-300}}}"#,
      #""discriminator.label.scale" is 1e-300, but must not be that small"#
    ),
    // Some of Foundation reads it, some does not.
    (#"{"clip": 1e-320}"#, "small"),
    (
      #"{"losses": {"phase": {"weight": 1, "ip": 0, "gd": 0, "iaf": 0}}}"#,
      #"one of "ip", "gd" and "iaf" must be above 0, too"#
    ),
    (#"{"resolved_from": 3}"#, #""resolved_from" must be an object"#),
    (#"{"resolved_from": {"recipes": "x"}}"#, #"did you mean "recipe"?"#),
  ])
  func namesWhatIsWrong(text: String, part: String) {
    let error = #expect(throws: ConfigurationError.self) { try recipe(text) }
    let description = error?.description ?? ""
    #expect(description.hasPrefix("r.json: ") && description.contains(part), "\(description)")
  }

  @Test func unknownNameListsTheRecipes() {
    let error = #expect(throws: ConfigurationError.self) { try RecipeFile.load("publisht") }
    #expect(
      error?.description.contains("published, published-gan, short, semamba") == true)
  }
}

extension DiscriminatorRecipe {
  fileprivate func starting(_ start: Start) -> Self {
    var copy = self
    copy.from = start
    return copy
  }
}
