import Checkpoints
import Communication
import Corpora
import Files
import Foundation
import Platform
import Recipes
import RunFiles

/// The utterances of a run, on one rank: those that it trains on and those that it validates.
struct RunUtterances {
  private(set) var train: SharedDataset
  private(set) var valid: SharedDataset
  /// The utterances that are validated, spread over the validation split.
  let validated: [UtterancePair]
  /// Fingerprint of the training set.
  let trainSet: SetFingerprint
  /// Fingerprint of the set that is validated.
  let validationSet: SetFingerprint
  /// How many headers were read, for the log of a resume; nil for a pack, and in a new run.
  let headers: String?
  private let validationCount: Int?
  /// The pairs that the folder remembers, on rank 0 of a run that is resumed.
  private var remembered: (train: RememberedPairs?, valid: RememberedPairs?)

  /// Finds both splits, which are read from `place`, and takes from the run folder what an earlier
  /// part of the run remembered. All ranks call it together.
  ///
  /// - Throws: `RootFailure` on all ranks if the corpus cannot be used.
  init(
    _ request: TrainingRequest, readFrom place: String, over communicator: any Communicator
  ) throws {
    let log = RunLog(rank: communicator.rank, sinks: [])
    func remembered(_ name: RunFolder.Name) -> RememberedPairs? {
      guard request.resumes, communicator.isRoot else { return nil }
      return RememberedPairs(contentsOf: request.runFolder.file(name))
    }
    func dataset(_ split: CorpusSplit, _ known: RememberedPairs?) throws -> SharedDataset {
      try SharedDataset(
        DatasetRequest(
          data: request.corpus.data, split: split,
          sampleRate: request.configuration.model.frontEnd.sampleRate,
          onBadFile: request.corpus.onBadFile, validationSpeakers: request.validation.speakers),
        known: known, log: log, over: communicator
      ).reading(from: place)
    }
    self.remembered = (remembered(.trainingUtterances), remembered(.validationUtterances))
    train = try dataset(.train, self.remembered.train)
    valid = try dataset(.valid, self.remembered.valid)
    let read = train.readCount + valid.readCount
    let fileCount = 2 * (train.pairs.count + valid.pairs.count)
    headers =
      request.resumes && !train.facts.isEmpty
      ? "headers: \(read) of \(NumberText.count(fileCount, "file")) read, the others as remembered"
      : nil
    validationCount = request.validation.count
    validated = valid.pairs.spread(count: validationCount)
    trainSet = SetFingerprint(train.pairs, pack: train.packChecksum)
    validationSet = SetFingerprint(
      valid.pairs, count: validationCount, pack: valid.packChecksum)
  }

  /// Writes what a resume will want to know into the run folder. For rank 0.
  func remember(in folder: RunFolder) throws {
    func write(_ set: SharedDataset, count: Int?, _ name: RunFolder.Name, _ old: RememberedPairs?)
      throws
    {
      // As it is there: a million pairs are a hundred megabytes.
      if let old, old.index.head == set.pairs.head, set.readCount == 0, old.spreadCount == count {
        return
      }
      try RememberedPairs.write(
        set.pairs, facts: set.facts, spreadCount: count, to: folder.file(name))
    }
    try write(train, count: nil, .trainingUtterances, remembered.train)
    try write(valid, count: validationCount, .validationUtterances, remembered.valid)
  }

  /// Makes these the sets of `state`, which was restored from a checkpoint or is new, and returns
  /// what to warn of. Where other utterances are validated than before, no score before is the best
  /// one any more, unless all `epochs` of the run are validated. All ranks do alike.
  mutating func adopt(_ state: TrainingState, epochs: Int) -> [String] {
    // A hundred bytes a pair that nothing needs any more.
    defer {
      remembered = (nil, nil)
      train.forgetFacts()
      valid.forgetFacts()
      Memory.returnFreed()
    }
    var warnings: [String] = []
    let progress = state.progress
    if let old = progress.trainSet, let change = trainSet.change(from: old) {
      let counts = difference(trainSet, old, remembered.train, train, count: nil)
      warnings.append("the training set \(change)\(counts)")
    }
    if let old = progress.validationSet, let change = validationSet.change(from: old) {
      let counts = difference(validationSet, old, remembered.valid, valid, count: validationCount)
      var text = "the validation set \(change)\(counts)"
      if old.digest != validationSet.digest, progress.validatedEpochs < epochs {
        text += "; scores before and after do not compare"
        if let score = progress.bestScore, let epoch = progress.bestEpoch {
          text += String(
            format: ", so the next epoch sets a new best (%.4f in epoch %d until now)", score,
            epoch)
        }
        state.progress.bestScore = nil
        state.progress.plateau?.forgetBest()
        state.progress.bestEpoch = nil
      }
      warnings.append(text)
    }
    state.progress.trainSet = trainSet
    state.progress.validationSet = validationSet
    return warnings
  }

  /// The counts of what differs, if the remembered pairs are those of the checkpoint.
  private func difference(
    _ new: SetFingerprint, _ old: SetFingerprint, _ known: RememberedPairs?,
    _ set: SharedDataset, count: Int?
  ) -> String {
    let utterances =
      ": \(NumberText.count(old.utterances, "utterance")) before, \(new.utterances) now"
    guard let known, new.digest != old.digest,
      SetFingerprint(known.index, count: known.spreadCount).digest == old.digest
    else { return utterances }
    let difference = PairDifference(
      from: known.index, known.index.spreadItems(count: known.spreadCount), to: set.pairs,
      set.pairs.spreadItems(count: count))
    return utterances + (difference.text.isEmpty ? "" : " (\(difference.text))")
  }
}
