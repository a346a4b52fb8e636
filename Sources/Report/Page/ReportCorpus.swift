import Corpora
import Foundation
import Platform

/// The corpus with the recordings of the page's utterances.
package struct ReportCorpus {
  /// Path of the folder or packed file.
  let path: String
  let split: CorpusSplit
  /// Sample rate of the recordings, in hertz.
  let sampleRate: Int
  private let pairs: [String: UtterancePair]
  private let listed: [String: UtteranceFacts]
  private let reader = RecordingReader(acceptsNonFinite: true)

  /// The reason for which recordings cannot be used, as a sentence.
  struct Problem: Error {
    let text: String
  }

  /// Opens the split of the corpus at `path` that holds the utterances `names`.
  ///
  /// - Throws: `Problem` if the corpus cannot be read.
  init(path: String, split: CorpusSplit, names: [String]) throws(Problem) {
    self.path = path
    self.split = split
    guard FileManager.default.fileExists(atPath: path) else {
      throw Problem(
        text: "the corpus \(path) is not there (relative paths are taken from the current folder); "
          + "name it with --data")
    }
    let pairs: [String: UtterancePair]
    do {
      // The names determine the validation speakers of VoiceBank-DEMAND.
      let speakers = ValidationSpeakers(
        Set(names.flatMap(CorpusLayout.Speakers.candidates)).sorted(), isAsked: false)
      let dataset = try SharedDataset(
        data: path, split: split, sampleRate: nil, onBadFile: .skip, validationSpeakers: speakers)
      sampleRate = dataset.sampleRate
      let wanted = Set(names)
      let found = dataset.pairs.indices.lazy.filter { wanted.contains(dataset.pairs.name($0)) }
      pairs = Dictionary(found.map { (dataset.pairs.name($0), dataset.pairs[$0]) }) { $1 }
    } catch {
      throw Problem(text: "the corpus \(path) cannot be read: \(ErrorText.sentence(error))")
    }
    if !names.contains(where: { pairs[$0] != nil }) {
      throw Problem(
        text:
          "the corpus \(path) holds none of the \(split.rawValue) utterances; name another with "
          + "--data")
    }
    self.pairs = pairs
    listed = UtteranceFacts.listed(folder: path, split: split) ?? [:]
  }

  /// Clean and noisy samples of an utterance, mono at `sampleRate`; nil if they cannot be read.
  func samples(_ name: String) -> (clean: [Float], noisy: [Float])? {
    guard let pair = pairs[name] else { return nil }
    guard let clean = try? reader.read(pair.clean, sampleRate: sampleRate),
      let noisy = try? reader.read(pair.noisy, sampleRate: sampleRate), clean.count == noisy.count
    else { return nil }
    return (clean, noisy)
  }

  /// Whether the corpus has a list of the speakers and ratios of its utterances.
  var isListed: Bool { !listed.isEmpty }

  /// Speaker and signal-to-noise ratio of an utterance, by the corpus's own list, or measured.
  func facts(_ name: String) -> UtteranceFacts {
    if let facts = listed[name] { return facts }
    return UtteranceFacts(
      speaker: UtteranceFacts.speaker(of: name),
      decibels: samples(name).flatMap { UtteranceFacts.decibels(clean: $0.clean, noisy: $0.noisy) })
  }
}
