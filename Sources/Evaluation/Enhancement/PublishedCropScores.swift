import Corpora
import Files
import Metrics
import Models
import Platform

/// Wide-band PESQ as the published ablation runs took it: over one random crop of each utterance,
/// made as for training, in batches of which a whole one is dropped when one of its crops has no
/// score.
///
/// For tables beside those runs, and nothing else: crops of two seconds score otherwise than whole
/// utterances, and another seed gives other crops.
package struct PublishedCropScores: Equatable, Encodable {
  /// Utterances of a batch.
  package static let batch = 6
  /// Seconds of a crop; a shorter utterance is repeated.
  package static let cropSeconds = 2.0

  /// Seed of the crops.
  package let seed: UInt64
  /// Mean of the enhanced crops; nil if every batch was dropped.
  package let pesqWB: Double?
  /// Mean of the same crops before they were enhanced, of those that have a score.
  package let noisyPESQWB: Double?
  /// Crops in the mean.
  package let scored: Int
  /// Crops in all.
  package let total: Int
  /// Batches that were dropped.
  package let droppedBatches: Int

  private enum CodingKeys: String, CodingKey {
    case seed, scored, total, droppedBatches
    case pesqWB = "pesqWb"
    case noisyPESQWB = "noisyPesqWb"
  }

  /// The crops drawn with `seed`, at 16 kHz as in those runs.
  package static func crop(seed: UInt64) -> RandomCrop {
    RandomCrop(
      sampleCount: FrontEnd.standard.sampleCount(seconds: cropSeconds), seed: seed)
  }

  /// From the scores of the crops, in the corpus's order.
  package init(_ crops: Evaluation, seed: UInt64) {
    self.seed = seed
    let utterances = crops.utterances
    let batches = stride(from: 0, to: utterances.count, by: Self.batch).map {
      utterances[$0..<min($0 + Self.batch, utterances.count)]
    }
    let kept = batches.filter { $0.allSatisfy { $0.enhanced.pesqWB != nil } }
    let rest = kept.flatMap { $0 }
    pesqWB = Estimate(rest.compactMap(\.enhanced.pesqWB))?.mean
    noisyPESQWB = Estimate(rest.compactMap(\.noisy.pesqWB))?.mean
    scored = rest.count
    total = utterances.count
    droppedBatches = batches.count - kept.count
  }

  /// One line for a terminal.
  package var line: String {
    func number(_ value: Double?) -> String {
      value.map { TextTable.number($0, digits: 4) } ?? "-"
    }
    return "as the published ablation runs were scored: pesq_wb \(number(pesqWB)) "
      + "(noisy \(number(noisyPESQWB))) over \(scored)/\(total) random crops of 2 s (seed \(seed), "
      + NumberText.count(droppedBatches, "batch", plural: "batches")
      + " of \(Self.batch) dropped for a crop without a score); "
      + "not comparable with the literature, which scores whole utterances"
  }
}
