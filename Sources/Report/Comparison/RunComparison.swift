import Corpora
import DistTrain
import Files
import Foundation
import Metrics
import Recipes
import RunFiles

/// Runs side by side: the table of the published plan, and how sure its differences are.
package struct RunComparison {
  /// The mean over several seeds of a model.
  package struct Group: Equatable {
    /// Names of model and recipe as in `RecipeScores`.
    let label: String
    let model: String
    let count: Int
    let mean: Double
    /// Standard deviation of the single run, not of the mean; n − 1 in the denominator.
    let deviation: Double
    /// The smallest difference between the means of two such groups that is no noise.
    var smallestDifference: Double {
      MeanDifference.smallest(deviation: deviation, count: count)
    }
  }

  /// As given.
  package let runs: [RunSummary]

  /// Compares the run folders at `paths`.
  package init(paths: [String]) throws(ComparisonError) {
    var seen: Set<String> = []
    var runs: [RunSummary] = []
    for path in paths {
      let whole = URL(fileURLWithPath: path).standardizedFileURL.resolvingSymlinksInPath().path
      guard seen.insert(whole).inserted else { throw .twice(path: path) }
      runs.append(try RunSummary(path: path))
    }
    for index in runs.indices {
      let own = runs[index].configuration
      runs[index].hasRivalRecipe = runs.contains {
        $0.configuration.model.name == own.model.name
          && $0.configuration.recipe.name != own.recipe.name
      }
    }
    self.runs = runs
  }

  /// The best scores of one recipe's runs, each of another seed.
  package struct RecipeScores: Equatable {
    /// The model's name, with the recipe's where several are of one model, and with the first run's
    /// folder where that is not enough.
    let label: String
    let model: String
    let scores: [Double]
  }

  /// Two recipes, and how sure the difference of their mean scores is.
  package struct Difference: Equatable {
    let one: RecipeScores
    let other: RecipeScores
    let means: MeanDifference
  }

  /// The scores of every recipe, in the order of the runs, but for recipes with two runs of one
  /// seed: these are no independent samples.
  package var recipes: [RecipeScores] {
    var found:
      [(recipe: TrainingConfiguration, run: RunSummary, seeds: [UInt64], scores: [Double])] =
        []
    for run in runs {
      guard let score = run.history?.best?.pesq else { continue }
      let seed = run.configuration.seed
      var recipe = run.configuration
      recipe.seed = 0
      if let index = found.firstIndex(where: { $0.recipe == recipe }) {
        found[index].seeds.append(seed)
        found[index].scores.append(score)
      } else {
        found.append((recipe, run, [seed], [score]))
      }
    }
    let usable = found.filter { Set($0.seeds).count == $0.seeds.count }
    return usable.map { entry in
      let label = entry.run.recipeLabel
      let isAlone = usable.count { $0.run.recipeLabel == label } == 1
      return RecipeScores(
        label: isAlone ? label : "\(label) (\(entry.run.path))", model: entry.recipe.model.name,
        scores: entry.scores)
    }
  }

  /// Recipes of which there is more than one finished score, each of another seed, in the order of
  /// the runs.
  package var groups: [Group] {
    recipes.compactMap { recipe in
      let values = recipe.scores
      guard values.count > 1 else { return nil }
      let mean = values.reduce(0, +) / Double(values.count)
      let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
      return Group(
        label: recipe.label, model: recipe.model, count: values.count, mean: mean,
        deviation: (squares / Double(values.count - 1)).squareRoot())
    }
  }

  /// Each two recipes of which at least one has several seeds: without a spread nobody knows what
  /// is noise.
  package var differences: [Difference] {
    let recipes = recipes
    return recipes.indices.flatMap { first in
      recipes[(first + 1)...].compactMap { other in
        MeanDifference(recipes[first].scores, other.scores).map {
          Difference(one: recipes[first], other: other, means: $0)
        }
      }
    }
  }

  /// The table whose first four columns are those of the published plan.
  package var table: TextTable {
    var rows = [
      ["Model", "Params(M)", "Best PESQ", "Epoch", "noisy", "SI-SDR", "epochs", "source"]
    ]
    for published in PublishedResult.baselines {
      rows.append([
        published.model, published.parameters, published.pesq, published.epoch, "", "", "",
        "published",
      ])
    }
    for run in runs {
      let best = run.history?.best
      rows.append([
        run.label, String(format: "%.2f", Double(run.parameterCount) / 1e6),
        Self.number(best?.pesq, 4), best.map { "\($0.epoch)" } ?? "-",
        Self.number(best?.noisyPESQ, 4), Self.number(best?.siSDR, 2),
        "\(run.history?.rows.last?.epoch ?? 0)/\(run.configuration.epochs)", run.path,
      ])
    }
    return TextTable(rows)
  }

  /// The lines under the table: means over seeds, and what the plan asked for.
  package var remarks: [String] {
    var lines = groups.map { group in
      String(
        format: "%@: %.4f over %d seeds, standard deviation %.4f; so many seeds of each of two "
          + "recipes tell a difference of means from noise from %.4f on", group.label, group.mean,
        group.count, group.deviation, group.smallestDifference)
    }
    lines += differences.map(\.text)
    for run in runs {
      let verdicts = run.verdicts
      if verdicts.isEmpty { continue }
      lines.append(
        "\(run.label): " + verdicts.map { "\($0.name) \($0.text)" }.joined(separator: ", ")
          + (run.isComparable ? "" : " (another corpus than VoiceBank-DEMAND)"))
    }
    lines.append(Self.publishedRemark)
    return lines
  }

  /// Remarks about the published rows.
  package static let publishedRemark =
    "published: as measured by the plan's authors on 2 s crops, who take differences below 0.03 "
    + "for noise"

  /// The published plan's own form: four columns.
  package var csv: String {
    TextTable(
      table.rows.map { row in Array(row.prefix(4)).map { $0 == "-" ? "" : $0 } }
    ).csv
  }

  /// The score of every epoch of `run`, one `epoch,score` a line.
  package static func progression(_ run: RunSummary) -> String {
    (run.history?.rows ?? []).compactMap { row in
      row.pesq.map { "\(row.epoch),\(String(format: "%.4f", $0))\n" }
    }.joined()
  }

  /// The name of the file with that progression: `abl1_pesq.csv`, with the seed where a model has
  /// several runs, and with a number where a seed has several, too.
  package func progressionName(_ run: RunSummary) -> String {
    let name = run.configuration.model.name
    let seed = run.configuration.seed
    let ofModel = runs.filter { $0.configuration.model.name == name }
    if ofModel.count == 1 { return "\(name)_pesq.csv" }
    let ofSeed = ofModel.filter { $0.configuration.seed == seed }
    let place = (ofSeed.firstIndex { $0.path == run.path } ?? 0) + 1
    return "\(name)_seed\(seed)\(ofSeed.count == 1 ? "" : "_\(place)")_pesq.csv"
  }

  private static func number(_ value: Double?, _ digits: Int) -> String {
    value.map { String(format: "%.\(digits)f", $0) } ?? "-"
  }
}

extension RunSummary {
  /// Whether its scores can stand beside published ones.
  var isComparable: Bool { corpus == CorpusName.voiceBank }

  /// The plan's criteria by name, and whether the best score meets each; none for other models, and
  /// before the first score.
  package var verdicts: [(name: String, text: String)] {
    guard let score = history?.best?.pesq,
      let criteria = SuccessCriteria.published[configuration.model.name]
    else { return [] }
    return criteria.verdicts(score).map { ($0.name, isComparable ? $0.text : "not comparable") }
  }
}
