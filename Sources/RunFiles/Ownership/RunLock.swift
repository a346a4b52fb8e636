import Files
import Foundation
import Platform

/// The ownership of a run folder by this process, for as long as it trains there.
///
/// The lock file names the owner. It is locked with `flock`, which ends with the process, however
/// that ends; and the owner changes a number in it every few seconds, its beat. The beat decides
/// where locks do not: on file systems without locks, and between hosts where each of them keeps
/// the locks of a shared file system to itself. There a new owner first waits until it has seen no
/// beat for some time. No clocks of two hosts are compared.
package final class RunLock: Sendable {
  /// Times in seconds, and what the file system can.
  package struct Terms: Sendable {
    /// How long to wait for an owner that may be about to end.
    package var patience = 5.0
    /// Time between two beats.
    package var beat = 3.0
    /// Time without a beat after which an owner counts as dead.
    package var silence = 30.0
    /// Time after which no other process can still believe that the folder is free.
    package var settling = 1.0
    /// Time between two looks at the file.
    package var look = 0.1
    /// Whether to use locks; false to do as on a file system without.
    package var usesLocks = true

    /// The usual terms.
    package init() {}
  }

  /// All that changes while the folder is owned.
  private struct State {
    var owner: RunOwner
    /// The descriptor that holds the lock; -1 without locks.
    var descriptor: Int32
    /// Whether somebody else has taken the folder, and who.
    var isLost = false
    var usurper: RunOwner?
    var isReleased = false
  }

  private let folder: RunFolder
  private let file: RunLockFile
  /// Folders that were made for the run.
  private let made: [String]
  private let terms: Terms
  private let state: Guarded<State>

  private init(
    _ folder: RunFolder, made: [String], terms: Terms, owner: RunOwner, descriptor: Int32
  ) {
    self.folder = folder
    file = RunLockFile(folder)
    self.made = made
    self.terms = terms
    state = Guarded(State(owner: owner, descriptor: descriptor))
  }

  /// Makes `folder` this process's own, and makes it at all if need be.
  ///
  /// - Parameters:
  ///   - say: gets a line before every wait of more than a moment.
  ///   - isStopAsked: whether to wait no longer.
  /// - Throws: `RunLockError.busy` if another process owns it, `.folder` or `.file` if it cannot be
  ///   made or written. Then no folder is left that was made here.
  package static func claim(
    _ folder: RunFolder, _ terms: Terms = Terms(), say: (String) -> Void = { _ in },
    isStopAsked: () -> Bool = { false }
  ) throws(RunLockError) -> RunLock {
    var claim = RunLockClaim(folder, terms)
    let (owner, descriptor) = try claim.make(say: say, isStopAsked: isStopAsked)
    let lock = RunLock(
      folder, made: claim.made, terms: terms, owner: owner, descriptor: descriptor)
    startThread("run lock") { lock.beatUntilReleased() }
    return lock
  }

  /// Throws `RunLockError.lost` if another process has taken the folder since: before anything is
  /// written that must not be mixed with its files.
  package func confirm() throws(RunLockError) {
    let (isLost, usurper) = state.withLock { state in
      look(&state)
      return (state.isLost, state.usurper)
    }
    if isLost { throw .lost(folder: folder.url.path(percentEncoded: false), owner: usurper) }
  }

  /// Gives the folder free, and removes the lock file, and the folder itself if it was made for the
  /// run and is empty.
  package func release() {
    state.change { state in
      if state.isReleased { return }
      look(&state)
      state.isReleased = true
      // While it is still locked: nobody can own it who opens it now.
      if !state.isLost { file.remove() }
      if state.descriptor >= 0 { close(state.descriptor) }
      state.descriptor = -1
      if !state.isLost { RunFolder.removeEmpty(made) }
    }
  }

  private func beatUntilReleased() {
    while !state.wait(seconds: terms.beat, until: \.isReleased) {
      state.withLock { state in
        if state.isReleased { return }
        look(&state)
        if state.isLost { return }
        state.owner.beat += 1
        // A beat that cannot be written is none; the next may be.
        file.overwrite(state.owner, state.descriptor)
      }
    }
  }

  /// Looks whether the file is still this owner's, and makes it anew if it was removed.
  private func look(_ state: inout State) {
    if state.isLost || state.isReleased { return }
    switch file.look(state.owner, state.descriptor) {
    case .own: break
    case .others(let other):
      state.isLost = true
      state.usurper = other
    case .removed:
      // Nobody else has it as long as there is no file.
      guard let made = file.remake(state.owner, isLocked: state.descriptor >= 0) else { return }
      if state.descriptor >= 0 { close(state.descriptor) }
      state.descriptor = made
    }
  }
}
