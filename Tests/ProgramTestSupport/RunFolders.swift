import Checkpoints
import Corpora
import DistTrain
import Foundation
import Models
import Recipes

extension URL {
  /// Makes a run folder with the scores of its first epochs, and with `events` after its start.
  package func makeRun(
    _ name: String, preset: String = "abl3", seed: UInt64 = 0, scores: [String],
    corpus: String? = nil, events: String = "", recipe: String = "published"
  ) throws {
    try makeFolder(name)
    let configuration = TrainingConfiguration(model: try Preset.load(preset)) {
      $0.seed = seed
      $0.epochs = 20
      $0.ranks = 2
      $0.recipe.name = recipe
    }
    try write(try configuration.json(), to: "\(name)/configuration.json")
    let header =
      "epoch,pesq,noisy_pesq,si_sdr,noisy_si_sdr,loss,train_loss,scored,total,seconds,"
      + "audio_seconds_per_second,learning_rate"
    let rows = scores.enumerated().map { index, score in
      "\(index + 1),\(score),1.97,17.5,8.4,0.02,0.03,40,40,100.0,12.0,0.001"
    }
    try write(([header] + rows).map { $0 + "\n" }.joined(), to: "\(name)/history.csv")
    let names = corpus.map { ",\"corpus\":\"\($0)\"" } ?? ""
    try write("{\"event\":\"start\"\(names),\"step\":0}\n" + events, to: "\(name)/metrics.jsonl")
  }

  /// Writes a text file of this folder.
  package func write(_ text: String, to name: String) throws {
    try text.write(toFile: file(name), atomically: true, encoding: .utf8)
  }
}
