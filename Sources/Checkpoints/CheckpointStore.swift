import Files
import Foundation
import Platform
import Recipes
import RunFiles

/// The checkpoints of a run: `step-00001234.safetensors` after step 1234, and `last.safetensors`, a
/// symbolic link to the newest, or what the file system has in its place (`FileLink`).
///
/// One is never the only hope: a checkpoint is written beside the others, flushed, read back from
/// the disk and compared with its checksums before it has its name; then the link moves, and only
/// then those beyond `keep` go. Loading takes the newest one that is whole.
public struct CheckpointStore: Sendable {
  /// Where they are.
  public let folder: RunFolder
  /// How many stay, at least 1.
  public let keep: Int
  private let fault: FaultInjection?

  /// The store in `folder`, which need not exist yet.
  public init(_ folder: RunFolder, keep: Int = 2, fault: FaultInjection? = nil) {
    precondition(keep >= 1, "CheckpointStore: keep \(keep)")
    self.folder = folder
    self.keep = keep
    self.fault = fault
  }

  /// Saves the run as it stands. One rank does it; when it throws, what was saved before is there.
  ///
  /// - Throws: `AtomicFileError` if it cannot be written, `CheckpointError.notKept` if the disk
  ///   gives back something else.
  package func save(
    _ state: TrainingState, _ configuration: TrainingConfiguration
  ) throws -> RunEvent.Checkpoint {
    let stopwatch = Stopwatch()
    let step = state.progress.step
    let data = try Checkpoint.serialized(state, configuration)
    let url = folder.checkpoint(step: step)
    try write(data, to: url, step: step)
    keepOlderForm()
    _ = try FileLink.make(folder.last, to: url.lastPathComponent, best: bestLink)
    removeOthers(than: step)
    return RunEvent.Checkpoint(
      step: step, file: url.path(percentEncoded: false), bytes: data.count,
      seconds: stopwatch.seconds)
  }

  /// Verified before it has its name: after an epoch there is one of the same step already, from
  /// before the validation, which stays until this one is known to be whole.
  private func write(_ data: Data, to url: URL, step: Int) throws {
    let writer = try AtomicFileWriter(url)
    try data.withUnsafeBytes { bytes in
      let half = bytes.count / 2
      try writer.append(UnsafeRawBufferPointer(rebasing: bytes[..<half]))
      if isStruck(by: .killInCheckpoint, step) { kill(getpid(), SIGKILL) }
      try writer.append(UnsafeRawBufferPointer(rebasing: bytes[half...]))
    }
    try writer.flush()
    if isStruck(by: .damageCheckpoint, step) { try FaultInjection.flipBit(in: writer.temporary) }
    do {
      _ = try Checkpoint(
        FileContents.readFromDisk(writer.temporary), path: writer.temporary)
    } catch {
      throw CheckpointError.notKept(
        path: url.path(percentEncoded: false), reason: ErrorText.sentence(error))
    }
    try writer.commit()
  }

  /// The kind of link that `last.safetensors` will be. Leaves nothing behind.
  package func linkKind() throws(AtomicFileError) -> FileLink {
    try FileLink.way(for: folder.last, best: bestLink)
  }

  private var bestLink: FileLink { fault?.bestLink ?? .symbolic }

  // Only rank 0 saves.
  private func isStruck(by kind: FaultInjection.Kind, _ step: Int) -> Bool {
    fault?.strikes(kind, step: step, rank: 0) ?? false
  }

  /// A run of version 0.1.0 has its only checkpoint where the link is to be: it gets the name of
  /// its step first.
  private func keepOlderForm() {
    let path = folder.last.path(percentEncoded: false)
    guard FileKind(path) == .file, !isUnderItsStep(path),
      let data = FileManager.default.contents(atPath: path),
      let older = try? Checkpoint(data, path: path)
    else { return }
    let url = folder.checkpoint(step: older.progress.step)
    // Not over the one that was just written.
    if FileKind(url.path(percentEncoded: false)) == .nothing {
      rename(path, url.path(percentEncoded: false))
    }
  }

  /// Whether the file at `path` is a checkpoint under its own name, too: a hard link.
  private func isUnderItsStep(_ path: String) -> Bool {
    folder.checkpoints().contains { FileKind.isSame($0.url.path(percentEncoded: false), path) }
  }

  /// Removes all but the newest up to `step`. Later ones are of a future that was given up, when
  /// the run went back behind a damaged checkpoint.
  private func removeOthers(than step: Int) {
    let all = folder.checkpoints()
    let kept = Set(all.map(\.step).filter { $0 <= step }.prefix(keep))
    for (step, url) in all where !kept.contains(step) { unlink(url.path(percentEncoded: false)) }
  }
}

extension FileContents {
  /// The bytes of a file as they are on the disk, and not in the kernel's memory, as far as it can
  /// be had.
  static func readFromDisk(_ path: String) throws -> Data {
    let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
    defer { try? file.close() }
    // Advice: on file systems in memory there is no other copy.
    posix_fadvise(file.fileDescriptor, 0, 0, POSIX_FADV_DONTNEED)
    return try file.readToEnd() ?? Data()
  }
}

/// Kind of a file in the folder.
enum FileKind {
  case nothing, link, file

  init(_ path: String) {
    var status = stat()
    if lstat(path, &status) != 0 {
      self = .nothing
    } else {
      self = status.st_mode & S_IFMT == S_IFLNK ? .link : .file
    }
  }

  /// Whether both paths name one file.
  static func isSame(_ one: String, _ other: String) -> Bool {
    var first = stat()
    var second = stat()
    return lstat(one, &first) == 0 && lstat(other, &second) == 0 && first.st_ino == second.st_ino
      && first.st_dev == second.st_dev
  }
}
