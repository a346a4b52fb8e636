import Checkpoints
import Files
import Foundation
import Platform
import Recipes
import RunFiles

/// The run folder of a job while the job owns it; rank 0 alone uses it.
final class TrainingPlace {
  private let request: TrainingRequest
  private var lock: RunLock?
  private var link = FileLink.symbolic

  init(_ request: TrainingRequest) { self.request = request }

  private var folder: RunFolder { request.runFolder }

  /// Makes the folder this process's own, and the folder itself if need be.
  func claim(log: RunLog) throws(RunLockError) {
    var terms = RunLock.Terms()
    terms.usesLocks = request.fault?.kind != .noLocks
    lock = try RunLock.claim(
      folder, terms, say: { log.line($0) }, isStopAsked: { StopSignals.received != nil })
  }

  /// Throws if another process has taken the folder since.
  func confirm() throws(RunLockError) { try lock?.confirm() }

  /// Gives the folder free. Nothing may be written to it any more.
  func release() {
    lock?.release()
    lock = nil
  }

  /// Throws unless all files of the run can be written, and leaves them as they are.
  func requireWritable() throws {
    let names: [RunFolder.Name] = [
      .best, .last, .lastWeights, .configuration, .recipe, .history, .bestScores,
    ]
    for name in names {
      try AtomicFile.requireWritable(folder.file(name).path(percentEncoded: false))
    }
    try MetricsFile.requireAppendable(folder.metrics)
    for name in [RunFolder.Name.nonFinite, .tensorBoard] {
      let path = folder.file(name).path(percentEncoded: false)
      if let kind = PathKind(path), kind != .folder {
        throw RunFolderError.cannotCreate(path: path, reason: "a file of that name is in the way")
      }
    }
    link = try CheckpointStore(folder, keep: request.saving.keep, fault: request.fault).linkKind()
  }

  /// Says what is unusual about the folder's file system.
  func report(to log: RunLog) {
    let last = RunFolder.Name.last.rawValue
    switch link {
    case .symbolic: break
    case .hard:
      log.line("no symbolic links on this file system: \(last) is the newest checkpoint itself")
    case .copy:
      log.line("no links on this file system: \(last) is a copy of the newest checkpoint")
    }
  }

  /// Whether the configuration in the folder is that of this job.
  ///
  /// - Throws: `CheckpointError.otherRecipe` if it is of another recipe.
  func isOfSameRecipe() throws -> Bool {
    guard let written else { return false }
    let differences = request.configuration.differences(from: written)
    if !differences.isEmpty {
      throw CheckpointError.otherRecipe(
        path: folder.configuration.path(percentEncoded: false), differences: differences)
    }
    return true
  }

  /// Throws if the run in the folder, which has saved nothing, started from weights that nobody
  /// gives now.
  func requireStart() throws(RunStartError) {
    if request.start == nil, let started = written?.initialization {
      throw .needed(started: started)
    }
  }

  /// Writes the configuration, unless the file says the same: a resumed run may have more epochs,
  /// or other numbers of ranks.
  func writeConfiguration(_ configuration: TrainingConfiguration) throws {
    // First, so that a run that is killed here is one that has begun.
    if written != configuration {
      try AtomicFile.write(try configuration.json() + "\n", to: folder.configuration)
    }
    let document = request.recipe?.document ?? ResolvedTraining.document(of: configuration)
    let copy = folder.file(.recipe)
    if (try? FileContents.read(copy)) != Data(document.utf8) {
      try AtomicFile.write(document, to: copy)
    }
  }

  private var written: TrainingConfiguration? {
    (try? FileContents.read(folder.configuration)).flatMap {
      try? JSONDecoder().decode(TrainingConfiguration.self, from: $0)
    }
  }
}
