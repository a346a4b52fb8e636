import Files
import Foundation
import Platform

/// The way of a process to a run folder of its own.
struct RunLockClaim {
  private let folder: RunFolder
  private let terms: RunLock.Terms
  private let file: RunLockFile
  private let stopwatch = Stopwatch()
  /// Folders that were made, the outermost first.
  private(set) var made: [String] = []
  private var hasSaidWait = false

  init(_ folder: RunFolder, _ terms: RunLock.Terms) {
    self.folder = folder
    self.terms = terms
    file = RunLockFile(folder)
  }

  /// The owner that this process is then, and the descriptor that holds the lock, -1 without locks.
  mutating func make(
    say: (String) -> Void, isStopAsked: () -> Bool
  ) throws(RunLockError) -> (RunOwner, descriptor: Int32) {
    do {
      while true {
        if let result = try attempt(say: say, isStopAsked: isStopAsked) { return result }
      }
    } catch {
      RunFolder.removeEmpty(made)
      throw error
    }
  }

  /// One attempt; nil if another one may succeed.
  private mutating func attempt(
    say: (String) -> Void, isStopAsked: () -> Bool
  ) throws(RunLockError) -> (RunOwner, descriptor: Int32)? {
    do { made += try folder.create() } catch { throw .folder(error) }
    if !terms.usesLocks { return try claimByBeat(say: say, isStopAsked: isStopAsked) }
    let descriptor: Int32
    do { descriptor = try file.open() } catch {
      // An owner that ends may take the empty folder with it.
      if case .folderMissing = error, !folder.exists { return nil }
      throw .file(error)
    }
    var isKept = false
    defer { if !isKept { close(descriptor) } }
    switch LockAttempt.lock(descriptor) {
    case .held:
      // The owner before may have removed the file that was opened here.
      guard file.isNamed(descriptor) else { return nil }
      if let before = RunOwner(file.read(descriptor)), before.mayLiveWithoutLock {
        try waitForSilence(of: before, say: say, isStopAsked: isStopAsked)
        guard file.isNamed(descriptor) else { return nil }
      }
      let owner = RunOwner.own()
      // On a full disk the lock alone has to do.
      file.overwrite(owner, descriptor)
      isKept = true
      return (owner, descriptor)
    case .busy:
      let owner = RunOwner(file.read(descriptor))
      if stopwatch.seconds >= terms.patience || isStopAsked() {
        throw .busy(folder: path, owner: owner)
      }
      if !hasSaidWait {
        let name = owner?.name ?? "another process"
        say(
          "\(path): \(name) trains here; waiting up to \(Int(terms.patience.rounded(.up))) s for "
            + "its end")
      }
      hasSaidWait = true
      Thread.sleep(forTimeInterval: terms.look)
      return nil
    case .unsupported:
      return try claimByBeat(say: say, isStopAsked: isStopAsked)
    case .failed(let code):
      throw .file(AtomicFileError(path: file.path, operation: "flock", code: code))
    }
  }

  private var path: String { folder.url.path(percentEncoded: false) }

  /// Claims a folder of a file system without locks.
  private mutating func claimByBeat(
    say: (String) -> Void, isStopAsked: () -> Bool
  ) throws(RunLockError) -> (RunOwner, descriptor: Int32)? {
    if let bytes = file.read(), !bytes.isEmpty {
      let before = RunOwner(bytes)
      if before?.isDead != true {
        try waitForSilence(of: before, say: say, isStopAsked: isStopAsked)
      }
    }
    let owner = RunOwner.own()
    do { try file.replace(owner) } catch {
      if case .folderMissing = error, !folder.exists { return nil }
      throw .file(error)
    }
    // Others that found the folder free at the same time have replaced the file by then. The last
    // one is the owner.
    Thread.sleep(forTimeInterval: terms.settling)
    guard let bytes = file.read() else { return nil }
    let found = RunOwner(bytes)
    if found?.token != owner.token { throw .busy(folder: path, owner: found) }
    return (owner, -1)
  }

  /// Returns when the file has not changed for the time of silence, or is gone.
  ///
  /// - Throws: `RunLockError.busy` as soon as it changes.
  private func waitForSilence(
    of owner: RunOwner?, say: (String) -> Void, isStopAsked: () -> Bool
  ) throws(RunLockError) {
    let before = file.read()
    let watch = Stopwatch()
    say(
      "\(path): \(owner?.name ?? "another process") has trained here and did not say that it "
        + "ended; waiting up to \(Int(terms.silence.rounded(.up))) s for a sign of life")
    while watch.seconds < terms.silence {
      Thread.sleep(forTimeInterval: terms.look)
      guard let now = file.read() else { return }
      if now != before || isStopAsked() {
        throw .busy(folder: path, owner: RunOwner(now) ?? owner)
      }
    }
  }
}
