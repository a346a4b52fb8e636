import Audio
import Files
import Foundation
import Platform

/// A packed corpus in a folder of this host, copied there by one process of the host.
package struct HostCopy {
  /// Requirements on a copy.
  package struct Identity: Codable, Equatable, Sendable {
    /// `PackedCorpus.checksum`.
    package let checksum: String
    /// Bytes of the file.
    package let byteCount: Int

    /// Derives the requirements on a copy from `corpus`.
    package init(_ corpus: PackedCorpus) {
      checksum = corpus.checksum
      byteCount = corpus.byteCount
    }
  }

  /// Result of the copying.
  package enum Outcome: Codable, Equatable, Sendable {
    /// A verified copy was there already.
    case kept(path: String)
    /// It was copied and verified.
    case copied(path: String, seconds: Double)
    /// The host has to read the shared file, and why.
    case unavailable(reason: String)
    /// The shared file is not what it should be, which is an error for all.
    case failed(text: String)
  }

  private let source: String
  private let identity: Identity
  private let folder: String
  private let freeBytes: (_ folder: String) -> Int?
  /// Bytes that are read and written at once.
  private static let pieceByteCount = 8 << 20

  /// A copy of the file at `source`, which has to be the corpus `identity`, in `folder`.
  ///
  /// `freeBytes` says how much a folder can take, nil if nobody knows.
  package init(
    of source: String, _ identity: Identity, in folder: String,
    freeBytes: @escaping (_ folder: String) -> Int? = HostCopy.freeBytes
  ) {
    self.source = source
    self.identity = identity
    self.folder = folder
    self.freeBytes = freeBytes
  }

  /// Where the copy lies: its name has the checksum, so that copies of several corpora, and of
  /// several states of one, stand side by side and none takes the place of one that a run reads.
  package var path: String {
    let name = PathText.name(source)
    let ending = PathText.fileExtension(name)
    let suffix = ending.isEmpty ? "" : ".\(ending)"
    return "\(folder)/\(PathText.withoutExtension(name))-\(identity.checksum)\(suffix)"
  }

  /// Makes the copy unless it is there. It appears when it is whole and verified. `progress` is
  /// called with the bytes copied so far.
  package func make(progress: (_ byteCount: Int) -> Void = { _ in }) -> Outcome {
    let stopwatch = Stopwatch()
    // Verified whole: the copy of an earlier job may have rotted since, and is then made anew here
    // instead of ending the run at the first crop that meets the fault.
    if problem(at: path) == nil { return .kept(path: path) }
    do {
      let found = try PackedCorpus(path: source)
      guard Identity(found) == identity else {
        return .failed(
          text:
            "\(source) is another file here than on the host of rank 0; give a path that is the "
            + "same file on all hosts")
      }
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      if let free = freeBytes(folder), free < identity.byteCount {
        return .unavailable(
          reason: "\(folder) has \(megabytes(free)) free, and the corpus needs "
            + megabytes(identity.byteCount))
      }
      let url = URL(fileURLWithPath: path)
      try AtomicFile.removeStaleTemporaries(
        in: url.deletingLastPathComponent(), of: url.lastPathComponent)
      let writer = try AtomicFileWriter(url)
      try copy(to: writer, progress: progress)
      if let problem = try writer.inspect({ problem(at: $0) }) {
        if let text = self.problem(at: source) { return .failed(text: text) }
        return .unavailable(
          reason:
            "the copy in \(folder) came out damaged though the original is whole (\(problem)); "
            + "have the disk and the memory of this host checked")
      }
      try writer.commit()
      return .copied(path: path, seconds: stopwatch.seconds)
    } catch let error as PackedCorpusError {
      return .failed(text: error.description)
    } catch let error as WaveFileError {
      return .failed(text: error.description)
    } catch let error as AtomicFileError {
      return .unavailable(reason: error.description)
    } catch {
      return .unavailable(
        reason: "\(folder) cannot be made: \(ErrorText.reason(error))")
    }
  }

  /// Reason to refuse the corpus at `path`; nil if it is the expected one and every block is whole.
  private func problem(at path: String) -> String? {
    let corpus: PackedCorpus
    do {
      corpus = try PackedCorpus(path: path)
    } catch {
      return error.description
    }
    guard Identity(corpus) == identity else {
      return "\(path) is another corpus"
    }
    return PackVerification(corpus).damages.first.map {
      PackedCorpusError.badRecording(path: path, name: $0.name, reason: $0.reason).description
    }
  }

  /// Copies the bytes. Throws `WaveFileError` about the source, `AtomicFileError` about the copy.
  private func copy(to writer: AtomicFileWriter, progress: (Int) -> Void) throws {
    let file = open(source, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else {
      throw WaveFileError.unreadable(path: source, reason: String(cString: strerror(errno)))
    }
    defer { close(file) }
    let piece = UnsafeMutableRawBufferPointer.allocate(
      byteCount: Self.pieceByteCount, alignment: 4096)
    defer { piece.deallocate() }
    var done = 0
    while done < identity.byteCount {
      let count = read(file, piece.baseAddress, min(piece.count, identity.byteCount - done))
      if count < 0 && errno == EINTR { continue }
      if count < 0 {
        throw WaveFileError.unreadable(path: source, reason: String(cString: strerror(errno)))
      }
      if count == 0 {
        throw WaveFileError.unreadable(
          path: source,
          reason: "it ended after \(done) of "
            + NumberText.count(identity.byteCount, "byte") + "; copy it again")
      }
      try writer.append(UnsafeRawBufferPointer(rebasing: piece.prefix(count)))
      done += count
      progress(done)
    }
  }

  private func megabytes(_ bytes: Int) -> String {
    bytes < 10_000_000_000 ? "\(bytes / 1_000_000) MB" : "\(bytes / 1_000_000_000) GB"
  }

  /// Bytes that this user may still write to the file system of a folder.
  package static func freeBytes(_ folder: String) -> Int? {
    var status = statvfs()
    guard statvfs(folder, &status) == 0 else { return nil }
    return Int(clamping: status.f_bavail).multipliedReportingOverflow(
      by: Int(clamping: status.f_frsize)
    ).partialValue
  }
}
