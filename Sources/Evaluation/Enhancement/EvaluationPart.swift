import Audio
import Foundation
import Metrics

/// Results of one rank or of all ranks, in the form that travels between them.
///
/// A binary property list keeps every bit of a Double, infinities and NaN included.
struct EvaluationPart: Codable {
  /// One utterance and its place in the corpus.
  struct Item: Codable {
    let index: Int
    let noisy: UtteranceScore
    let enhanced: UtteranceScore
    let loss: Double
    let oddLevel: OddLevel?

    init(index: Int, _ utterance: Evaluation.Utterance) {
      self.index = index
      noisy = utterance.noisy
      enhanced = utterance.enhanced
      loss = utterance.loss
      oddLevel = utterance.oddLevel
    }

    var utterance: Evaluation.Utterance {
      Evaluation.Utterance(noisy: noisy, enhanced: enhanced, loss: loss, oddLevel: oddLevel)
    }
  }

  /// The utterance that a rank could not go on with.
  struct Failure: Error, Codable {
    let index: Int
    let text: String
  }

  var items: [Item] = []
  var failure: Failure?
  /// Whether a rank left before the end of its share because it was asked to stop.
  var isInterrupted = false

  init() {}

  /// All parts as one, in the corpus's order; throws the first failure in that order.
  init(merging parts: [EvaluationPart]) throws {
    // Every rank goes through its share in order and stops at its first failure, so the least of
    // these is the first of all, whoever met it.
    if let first = parts.compactMap(\.failure).min(by: { $0.index < $1.index }) {
      throw MergedFailure(description: first.text)
    }
    isInterrupted = parts.contains(where: \.isInterrupted)
    // Scores of some utterances would look like those of all.
    if !isInterrupted { items = parts.flatMap(\.items).sorted { $0.index < $1.index } }
  }

  init(serialized bytes: [UInt8]) throws {
    self = try PropertyListDecoder().decode(EvaluationPart.self, from: Data(bytes))
  }

  static func serialized(_ part: EvaluationPart) throws -> [UInt8] {
    let encoder = PropertyListEncoder()
    encoder.outputFormat = .binary
    return Array(try encoder.encode(part))
  }

  private struct MergedFailure: Error, CustomStringConvertible {
    let description: String
  }
}
