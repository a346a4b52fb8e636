import Communication
import Files
import Foundation
import Platform
import Recipes
import RunFiles

extension CheckpointStore {
  /// The checkpoint from which a run goes on.
  public struct Found {
    /// The newest whole one.
    public let checkpoint: Checkpoint
    /// Newer checkpoints that cannot be used, with the reasons.
    public let rejected: [Rejection]
    /// Other faults of the folder.
    public let oddities: [String]

    /// A checkpoint that cannot be used.
    public struct Rejection: Codable, Equatable, Sendable {
      /// The file.
      public let path: String
      /// A sentence that names it.
      public let reason: String
    }

    /// Says on the log, and in its events, what was not as it should be.
    public func report(to log: RunLog) {
      let step = checkpoint.progress.step
      let goingOn = "going on from step \(step) (\(checkpoint.path))"
      for rejection in rejected {
        log.warning("\(rejection.reason); \(goingOn)")
        log.append(
          .fallback(
            .init(
              file: rejection.path, reason: rejection.reason, used: checkpoint.path, step: step)))
      }
      for oddity in oddities { log.warning("\(oddity); \(goingOn)") }
      if !checkpoint.hasChecksums {
        log.warning(
          "\(checkpoint.path) has no checksums (of version 0.1.0?): damage that leaves its form "
            + "intact cannot be noticed")
      }
    }
  }

  /// Sets `state` to the newest whole checkpoint, on all ranks, which call it together; at the
  /// start of a run or in the middle of one.
  ///
  /// Everything is verified on every rank before anything changes anywhere. With `finite`, one that
  /// holds infinities or NaN counts as damaged. The caller lets `report` say what was found.
  ///
  /// - Throws: `RootFailure` on all ranks if no checkpoint can be used; then nothing has changed.
  @discardableResult
  public func load(
    into state: TrainingState, _ configuration: TrainingConfiguration, finite: Bool = false,
    over communicator: any Communicator
  ) throws -> Found {
    let found = try find(for: state, configuration, finite: finite, over: communicator)
    // Cannot fail any more: `find` has checked the same.
    try found.checkpoint.restore(state, configuration)
    return found
  }

  /// The newest whole checkpoint, which rank 0 reads, verified on all ranks. Changes nothing.
  ///
  /// - Throws: `RootFailure` on all ranks if there is none for `state` and `configuration`.
  public func find(
    for state: TrainingState, _ configuration: TrainingConfiguration, finite: Bool = false,
    over communicator: any Communicator
  ) throws -> Found {
    let root = RootDecision(communicator)
    var bytes = Data()
    let choice = try root.value {
      let (choice, data) = try choose(state, configuration, finite)
      bytes = data
      return choice
    }
    let received = Data(try root.bytes { Array(bytes) })
    let checkpoint = try root.together {
      let checkpoint = try Checkpoint(received, path: choice.path)
      try checkpoint.check(state, configuration)
      return checkpoint
    }
    return Found(
      checkpoint: checkpoint, rejected: choice.rejected, oddities: choice.oddities)
  }

  /// Decision of rank 0.
  private struct Choice: Codable {
    var path = ""
    var rejected: [Found.Rejection] = []
    var oddities: [String] = []
  }

  private func choose(
    _ state: TrainingState, _ configuration: TrainingConfiguration, _ finite: Bool
  ) throws -> (Choice, Data) {
    var choice = Choice()
    let candidates = candidates(&choice.oddities)
    if candidates.isEmpty {
      throw CheckpointError.missing(
        path: folder.last.path(percentEncoded: false), others: folder.names)
    }
    for url in candidates {
      choice.path = url.path(percentEncoded: false)
      do throws(CheckpointError) {
        let data = try read(url)
        try Checkpoint(data, path: choice.path).check(
          state, configuration, finite: finite)
        return (choice, data)
      } catch {
        // Another recipe is no damage: older ones are of the same.
        guard error.isOfOneFile else { throw error }
        choice.rejected.append(.init(path: choice.path, reason: "\(error)"))
      }
    }
    throw CheckpointError.noneUsable(
      folder: folder.url.path(percentEncoded: false), reasons: choice.rejected.map(\.reason))
  }

  private func read(_ url: URL) throws(CheckpointError) -> Data {
    do {
      return try FileContents.read(url)
    } catch {
      throw .damaged(path: url.path(percentEncoded: false), reason: error.reason)
    }
  }

  /// The checkpoint that the link names, then all others from the newest on.
  private func candidates(_ oddities: inout [String]) -> [URL] {
    let others = folder.checkpoints().map(\.url)
    let last = folder.last
    let path = last.path(percentEncoded: false)
    var first = last
    switch FileKind(path) {
    case .file:
      // A hard link, where there are no symbolic ones.
      if let own = others.first(where: {
        FileKind.isSame($0.path(percentEncoded: false), path)
      }) {
        first = own
      }
    case .link:
      let target = (try? FileManager.default.destinationOfSymbolicLink(atPath: path)) ?? "nothing"
      // By its own name, if it is one of ours: messages say which step that is.
      if let own = others.first(where: { $0.lastPathComponent == target }) {
        first = own
      } else if !FileManager.default.fileExists(atPath: path) {
        oddities.append("\(path) leads to \(target), which is not there")
        return others
      }
    case .nothing:
      if !others.isEmpty { oddities.append("\(path) is missing") }
      return others
    }
    return [first] + others.filter { $0.lastPathComponent != first.lastPathComponent }
  }
}
