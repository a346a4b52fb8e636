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
    let model: String
    let count: Int
    let mean: Double
    /// Standard deviation of the single run, not of the mean; n − 1 in the denominator.
    let deviation: Double
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
    self.runs = runs
  }

  /// Recipes of which there is more than one finished score, each of another seed, in the order of
  /// the runs.
  package var groups: [Group] {
    var recipes: [(recipe: TrainingConfiguration, seeds: [UInt64], scores: [Double])] = []
    for run in runs {
      guard let score = run.history?.best?.pesq else { continue }
      let seed = run.configuration.seed
      var recipe = run.configuration
      recipe.seed = 0
      if let index = recipes.firstIndex(where: { $0.recipe == recipe }) {
        recipes[index].seeds.append(seed)
        recipes[index].scores.append(score)
      } else {
        recipes.append((recipe, [seed], [score]))
      }
    }
    return recipes.compactMap { recipe, seeds, values in
      // Runs of one seed are no independent samples.
      guard values.count > 1, Set(seeds).count == seeds.count else { return nil }
      let mean = values.reduce(0, +) / Double(values.count)
      let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
      return Group(
        model: recipe.model.name, count: values.count, mean: mean,
        deviation: (squares / Double(values.count - 1)).squareRoot())
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
        format: "%@: %.4f over %d seeds, standard deviation %.4f", group.model, group.mean,
        group.count, group.deviation)
    }
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
    "published: as measured by the plan's authors, on 2 s crops; differences below 0.03 are noise"

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
