import Evaluation
import Files
import Metrics

extension Evaluation {
  /// `best-scores.csv`: every validation utterance as it was and as the best weights so far have
  /// enhanced it. The same bytes on any number of ranks.
  var bestScoresCSV: String {
    func cell(_ value: Double?) -> String { value.map { TextTable.number($0, digits: 6) } ?? "" }
    let header = ["file", "noisy_pesq_wb", "pesq_wb", "noisy_si_sdr", "si_sdr", "error"]
    let rows = utterances.map { utterance in
      [
        utterance.name, cell(utterance.noisy.pesqWB), cell(utterance.enhanced.pesqWB),
        cell(utterance.noisy.siSDR), cell(utterance.enhanced.siSDR), utterance.fault ?? "",
      ]
    }
    return TextTable([header] + rows).csv
  }
}
