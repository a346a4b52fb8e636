import Foundation
import RunFiles
import Synchronization
import Testing
import TestSupport

/// The ownership of run folders.
@Suite struct RunLockTests {
  /// Short times, with or without locks of the file system.
  private static func terms(locks: Bool) -> RunLock.Terms {
    var terms = RunLock.Terms()
    terms.patience = 0
    terms.beat = 0.02
    terms.silence = 0.3
    terms.settling = 0.05
    terms.look = 0.005
    terms.usesLocks = locks
    return terms
  }

  private func claim(_ run: RunFolder, locks: Bool) throws -> RunLock {
    try RunLock.claim(run, Self.terms(locks: locks))
  }

  private func owner(of folder: URL, _ name: String = "run") throws -> RunOwner {
    let data = try Data(contentsOf: folder.appending(path: "\(name)/run.lock"))
    return try #require(RunOwner(Array(data)))
  }

  /// An owner on another machine, or a living one on this machine, in the lock file of `folder`.
  private func leave(in folder: URL, onThisMachine: Bool = false, beat: Int = 0) throws {
    var owner = RunOwner.own()
    if !onThisMachine { (owner.boot, owner.namespace) = ("other", "other") }
    owner.host = "node-b"
    owner.token = "abc"
    owner.beat = beat
    let url = folder.appending(path: "run.lock")
    if !FileManager.default.fileExists(atPath: folder.file("run.lock")) {
      try Data().write(to: url)
    }
    let file = try FileHandle(forUpdating: url)
    try file.write(contentsOf: Data(owner.bytes))
    try file.close()
  }

  @Test(arguments: [true, false]) func oneOwnerAtATime(locks: Bool) throws {
    try withTemporaryFolder { folder in
      let run = RunFolder(folder.file("new/run"))
      let lock = try claim(run, locks: locks)
      let owner = try owner(of: folder, "new/run")
      #expect(owner.process == getpid() && owner.isOfThisMachine && !owner.isDead)
      let error = #expect(throws: RunLockError.self) { try claim(run, locks: locks) }
      let text = try #require(error).description
      #expect(text.contains("new/run") && text.contains("\(owner.host) process \(getpid()) trains"))
      #expect(text.contains("another --run-dir"), "\(text)")
      try lock.confirm()
      // Folders that were made for the run go with it.
      lock.release()
      #expect(try folder.names(in: "") == [])
      try claim(run, locks: locks).release()
    }
  }

  @Test func aFolderWithFilesStays() throws {
    try withTemporaryFolder { folder in
      let run = RunFolder(folder.file("new/run"))
      let lock = try claim(run, locks: true)
      try Data().write(to: run.metrics)
      lock.release()
      #expect(try folder.names(in: "new/run") == ["metrics.jsonl"])
    }
  }

  /// The owner was killed on this machine: the next start does not wait.
  @Test(arguments: [true, false]) func aDeadOwnerIsKnownAtOnce(locks: Bool) throws {
    try withTemporaryFolder { folder in
      let dead = try Subprocess.shell("echo $$", timeLimit: 10)
      var owner = RunOwner.own()
      owner.process = try #require(
        Int32(dead.output.trimmingCharacters(in: .whitespacesAndNewlines)))
      #expect(owner.isDead)
      try folder.makeFolder("run")
      try Data(owner.bytes).write(to: folder.appending(path: "run/run.lock"))
      var terms = Self.terms(locks: locks)
      terms.silence = 1000
      let lock = try RunLock.claim(RunFolder(folder.file("run")), terms)
      #expect(try self.owner(of: folder).process == getpid())
      lock.release()
    }
  }

  /// The owner ran on another machine, whose locks may not reach this one.
  @Test(arguments: [true, false]) func anotherMachinesOwnerIsDeadAfterSilence(locks: Bool) throws {
    try withTemporaryFolder { folder in
      try folder.makeFolder("run")
      try leave(in: folder.appending(path: "run"))
      var said: [String] = []
      let start = ContinuousClock.now
      let lock = try RunLock.claim(
        RunFolder(folder.file("run")), Self.terms(locks: locks), say: { said.append($0) })
      #expect(ContinuousClock.now - start >= .seconds(0.3))
      #expect(said.count == 1 && said[0].contains("node-b process \(getpid())"), "\(said)")
      lock.release()
    }
  }

  /// On one machine, too: it may have mounted a network file system twice.
  @Test(arguments: [true, false], [true, false])
  func anOwnerWhoseLockIsNotSeenLivesWhileItBeats(locks: Bool, onThisMachine: Bool) throws {
    try withTemporaryFolder { folder in
      try folder.makeFolder("run")
      let run = folder.appending(path: "run")
      try leave(in: run, onThisMachine: onThisMachine)
      var terms = Self.terms(locks: locks)
      terms.silence = 1000
      let error = #expect(throws: RunLockError.self) {
        // The owner gives a sign of life as soon as this process waits.
        try RunLock.claim(
          RunFolder(folder.file("run")), terms,
          say: { _ in
            DispatchQueue.global().asyncAfter(deadline: .now() + 0.05) {
              try? self.leave(in: run, onThisMachine: onThisMachine, beat: 1)
            }
          })
      }
      #expect(try #require(error).description.contains("node-b process \(getpid()) trains"))
      // It is left as it was.
      #expect(try owner(of: folder).token == "abc")
    }
  }

  @Test(arguments: [true, false]) func theOwnerBeats(locks: Bool) throws {
    try withTemporaryFolder { folder in
      let lock = try claim(RunFolder(folder.file("run")), locks: locks)
      let first = try owner(of: folder).beat
      var last = first
      for _ in 0..<1000 where last == first {
        usleep(5000)
        last = (try? owner(of: folder).beat) ?? first
      }
      #expect(last > first)
      lock.release()
    }
  }

  @Test(arguments: [true, false]) func ofManyAtOnceOneIsTheOwner(locks: Bool) throws {
    try withTemporaryFolder { folder in
      for _ in 0..<3 {
        let claimed = Mutex<[RunLock]>([])
        DispatchQueue.concurrentPerform(iterations: 8) { _ in
          if let lock = try? self.claim(RunFolder(folder.file("new/run")), locks: locks) {
            claimed.withLock { $0.append(lock) }
          }
        }
        let all = claimed.withLock { $0 }
        // One that was late knows that it has lost.
        let owners = all.count { (try? $0.confirm()) != nil }
        #expect(owners == 1)
        #expect(!locks || all.count == 1)
        for lock in all { lock.release() }
        #expect(!FileManager.default.fileExists(atPath: folder.file("new/run/run.lock")))
      }
    }
  }

  /// Somebody tidies up: the owner keeps the folder, if nobody else has taken it meanwhile.
  @Test(arguments: [true, false]) func aRemovedFileIsMadeAnewOrLost(locks: Bool) throws {
    try withTemporaryFolder { folder in
      let run = RunFolder(folder.file("run"))
      let path = folder.file("run/run.lock")
      var terms = Self.terms(locks: locks)
      terms.beat = 1000
      let lock = try RunLock.claim(run, terms)
      try FileManager.default.removeItem(atPath: path)
      try lock.confirm()
      #expect(try owner(of: folder).process == getpid())
      if locks { #expect(throws: RunLockError.self) { try claim(run, locks: locks) } }

      try FileManager.default.removeItem(atPath: path)
      let other = try RunLock.claim(run, terms)
      let error = #expect(throws: RunLockError.self) { try lock.confirm() }
      #expect(try #require(error).description.contains("writes nothing more"))
      // A file that is another's by now is not removed.
      lock.release()
      try other.confirm()
      #expect(try folder.names(in: "run") == ["run.lock"])
      other.release()
    }
  }

  @Test func aFileThatCannotBeWrittenIsNamed() throws {
    try withTemporaryFolder { folder in
      try folder.makeFolder("run/run.lock")
      let error = #expect(throws: RunLockError.self) {
        try claim(RunFolder(folder.file("run")), locks: true)
      }
      #expect(try #require(error).description.contains("run/run.lock could not be written"))
    }
  }

  @Test func bytesAreOfOneSizeWhateverTheyName() throws {
    var owner = RunOwner.own()
    #expect(RunOwner(owner.bytes) == owner)
    owner.host = String(repeating: "\u{e4}", count: 127)
    owner.beat = .max
    #expect(owner.bytes.count == RunOwner.byteCount)
    #expect(RunOwner(owner.bytes) == owner)
    #expect(RunOwner([]) == nil && RunOwner(Array("another program's".utf8)) == nil)
  }
}
