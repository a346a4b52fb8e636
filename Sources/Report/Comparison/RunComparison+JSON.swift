import Files
import Foundation
import Metrics

extension RunComparison {
  /// Everything the table has, for programs.
  struct File: Encodable {
    /// A run.
    struct Run: Encodable {
      let model: String
      let seed: UInt64
      let folder: String
      let parameters: Int
      let bestPESQ: Double?
      let bestEpoch: Int?
      let noisyPESQ: Double?
      let siSDR: Double?
      let finishedEpochs: Int
      let epochs: Int
      let globalBatch: Int
      let corpus: String?
      /// By criterion; empty where there is none for the model or the corpus is another.
      let criteria: [String: String]
      /// The scores by epoch.
      let progression: [Point]
    }

    /// The score of an epoch.
    struct Point: Encodable {
      let epoch: Int
      let pesq: Double
    }

    /// Several seeds of a model.
    struct Seeds: Encodable {
      let model: String
      let runs: Int
      let mean: Double
      let deviation: Double
      /// The smallest difference between the means of two such groups that is no noise.
      let smallestDifference: Double
      /// The model, with a folder where several recipes are of one model.
      let recipe: String
    }

    /// The means of two recipes, by a two-sided t test at 5%.
    struct Difference: Encodable {
      /// Labels of the recipes.
      let recipes: [String]
      /// Number of seeds of each.
      let runs: [Int]
      /// Mean of the first less that of the second.
      let difference: Double
      let smallestDifference: Double
      let isBeyondNoise: Bool
      /// Seeds of each recipe that the difference would need; no key if no number would do.
      let seedsNeeded: Int?
    }

    let runs: [Run]
    let seeds: [Seeds]
    let differences: [Difference]
  }

  /// The JSON file, indented, keys sorted.
  package func json() throws -> String {
    let file = File(
      runs: runs.map { run in
        let best = run.history?.best
        let verdicts = run.isComparable ? run.verdicts : []
        return File.Run(
          model: run.configuration.model.name, seed: run.configuration.seed, folder: run.path,
          parameters: run.parameterCount, bestPESQ: best?.pesq, bestEpoch: best?.epoch,
          noisyPESQ: best?.noisyPESQ, siSDR: best?.siSDR,
          finishedEpochs: run.history?.rows.last?.epoch ?? 0, epochs: run.configuration.epochs,
          globalBatch: run.configuration.globalBatch, corpus: run.corpus,
          criteria: Dictionary(verdicts.map { ($0.name, $0.text) }) { $1 },
          progression: (run.history?.rows ?? []).compactMap { row in
            row.pesq.map { File.Point(epoch: row.epoch, pesq: $0) }
          })
      },
      seeds: groups.map {
        File.Seeds(
          model: $0.model, runs: $0.count, mean: $0.mean, deviation: $0.deviation,
          smallestDifference: $0.smallestDifference, recipe: $0.label)
      },
      differences: differences.map { pair in
        File.Difference(
          recipes: [pair.one.label, pair.other.label],
          runs: [pair.one.scores.count, pair.other.scores.count],
          difference: pair.means.difference, smallestDifference: pair.means.smallest,
          isBeyondNoise: pair.means.isBeyondNoise, seedsNeeded: pair.means.countNeeded)
      })
    return try indentedJSON(file) + "\n"
  }
}
