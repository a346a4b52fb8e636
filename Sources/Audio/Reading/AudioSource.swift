import CSndfile
import Foundation

/// The bytes of an audio file, on disk or in memory, which libsndfile reads through callbacks.
///
/// Bytes of a header can be replaced by others, so that libsndfile sees the length that a writer
/// into a pipe did not know. Serves one thread.
final class AudioSource {
  /// Bytes that are read in place of the file's own.
  struct Patch: Equatable {
    var offset: Int
    var bytes: [UInt8]
  }

  private enum Storage {
    case memory([UInt8])
    case file(descriptor: Int32)
  }

  /// Number of bytes.
  let byteCount: Int
  /// Replacements for bytes of the header.
  var patches: [Patch] = []
  /// The system's reason for the first failed read; nil if all succeeded.
  private(set) var failure: String?
  private let storage: Storage
  private var position = 0

  /// A source of bytes in memory.
  init(_ bytes: [UInt8]) {
    storage = .memory(bytes)
    byteCount = bytes.count
  }

  /// A source of the file at `path`.
  ///
  /// - Throws: `WaveFileError.missing`, `.pipe` for anything that can be read only once, and
  ///   `.unreadable`.
  init(path: String) throws(WaveFileError) {
    // A FIFO without a writer would block the opening for ever.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      if errno == ENOENT || errno == ENOTDIR { throw .missing(path: path) }
      throw .unreadable(path: path, reason: String(cString: strerror(errno)))
    }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      let reason = String(cString: strerror(errno))
      close(descriptor)
      throw .unreadable(path: path, reason: reason)
    }
    let kind = status.st_mode & S_IFMT
    guard kind == S_IFREG else {
      close(descriptor)
      if kind == S_IFDIR { throw .unreadable(path: path, reason: "it is a folder") }
      throw .pipe(path: path)
    }
    storage = .file(descriptor: descriptor)
    byteCount = Int(status.st_size)
  }

  deinit {
    if case .file(let descriptor) = storage { close(descriptor) }
  }

  /// The `count` bytes at `offset`; nil if they are not all inside the file.
  func bytes(at offset: Int, count: Int) -> [UInt8]? {
    guard offset >= 0, count >= 0, count <= byteCount, offset <= byteCount - count else {
      return nil
    }
    var result = [UInt8](repeating: 0, count: count)
    let delivered = result.withUnsafeMutableBytes { self.read(into: $0, at: offset) }
    return delivered == count ? result : nil
  }

  /// Goes back to the first byte.
  func rewind() { position = 0 }

  /// Reads up to the size of `target` at `offset`. Returns the number of bytes.
  private func read(into target: UnsafeMutableRawBufferPointer, at offset: Int) -> Int {
    let count = max(0, min(target.count, byteCount - offset))
    guard count > 0, let base = target.baseAddress else { return 0 }
    var done = 0
    switch storage {
    case .memory(let bytes):
      bytes.withUnsafeBytes {
        target.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[offset..<offset + count]))
      }
      done = count
    case .file(let descriptor):
      while done < count {
        let read = pread(descriptor, base + done, count - done, off_t(offset + done))
        if read < 0 && errno == EINTR { continue }
        if read < 0, failure == nil { failure = String(cString: strerror(errno)) }
        if read <= 0 { break }
        done += read
      }
    }
    for patch in patches {
      let range =
        max(
          offset, patch.offset)..<max(
          max(offset, patch.offset), min(offset + done, patch.offset + patch.bytes.count))
      for index in range { target[index - offset] = patch.bytes[index - patch.offset] }
    }
    return done
  }

  /// The callbacks for libsndfile, whose user data is a pointer to the source.
  static var callbacks: SF_VIRTUAL_IO {
    SF_VIRTUAL_IO(
      get_filelen: { user in sf_count_t(AudioSource.source(user).byteCount) },
      seek: { offset, whence, user in
        let source = AudioSource.source(user)
        let start =
          switch whence {
          case SEEK_CUR: source.position
          case SEEK_END: source.byteCount
          default: 0
          }
        // A damaged header may request any position.
        let (target, overflows) = start.addingReportingOverflow(Int(offset))
        source.position = overflows ? source.byteCount : max(0, min(target, source.byteCount))
        return sf_count_t(source.position)
      },
      read: { target, count, user in
        let source = AudioSource.source(user)
        let read = source.read(
          into: UnsafeMutableRawBufferPointer(start: target, count: max(0, Int(count))),
          at: source.position)
        source.position += read
        return sf_count_t(read)
      },
      write: { _, _, _ in 0 },
      tell: { user in sf_count_t(AudioSource.source(user).position) })
  }

  private static func source(_ user: UnsafeMutableRawPointer?) -> AudioSource {
    guard let user else { preconditionFailure("AudioSource: no user data") }
    return Unmanaged<AudioSource>.fromOpaque(user).takeUnretainedValue()
  }
}
