import Communication
import CPlatform
import Files
import Foundation

/// Bytes of rank 0 on all ranks, which are in memory once a host.
///
/// They travel in pieces. On each host the lowest rank writes them to a file in memory, without a
/// place in any folder, which the others of the host open through `/proc` and map. It is sealed, so
/// a mapped page can never vanish, and the system drops it with the last process that maps it,
/// however that ends. A rank that cannot open it, such as one in a container of its own, keeps a
/// copy.
package struct HostBytes {
  private let communicator: any Communicator
  private let root: RootDecision
  private let host: Staging.Host
  private let sharesMemory: Bool
  /// Bytes that travel at once.
  private static let pieceByteCount = 4 << 20

  /// Bytes for the ranks of `communicator`; this one is on `host`. Tests have ranks that cannot
  /// share memory.
  package init(
    over communicator: any Communicator, host: Staging.Host = .own, sharesMemory: Bool = true
  ) {
    self.communicator = communicator
    root = RootDecision(communicator)
    self.host = host
    self.sharesMemory = sharesMemory
  }

  /// The bytes that rank 0 gives, on all ranks, which call it together.
  package func share(_ bytes: MappedBytes?) throws -> MappedBytes {
    if communicator.worldSize == 1, let bytes { return bytes }
    let count = Int(try communicator.allReduceMax(Int64(bytes?.count ?? 0)))
    let hosts = try communicator.allGather(hostNumber)
    let leader = hosts.firstIndex(of: hostNumber) ?? communicator.rank
    let name = "disttrain-\(UInt64.random(in: .min ... .max))"
    let file = leader == communicator.rank && sharesMemory ? MemoryFile(name, count) : nil
    try send(bytes, count) { file?.write($0, at: $1) }
    let place = try communicator.allGather(file?.seal() ?? 0)[leader]
    let names = try communicator.allGather(FNV1a.hash(name.utf8))
    let mapped =
      sharesMemory
      ? MemoryFile.map(place, name: names[leader], own: file?.descriptor, count: count) : nil
    // The file of the leader stays open until all have mapped it.
    let missing = try communicator.allReduceMax(mapped == nil ? 1 : 0)
    withExtendedLifetime(file) {}
    if missing == 0, let mapped { return mapped }
    var copy = [UInt8]()
    if mapped == nil { copy.reserveCapacity(count) }
    try send(bytes, count) { piece, _ in if mapped == nil { copy += piece } }
    return mapped ?? MappedBytes(copy)
  }

  private var hostNumber: UInt64 { FNV1a.hash("\(host.name)\0\(host.boot)".utf8) }

  private func send(
    _ bytes: MappedBytes?, _ count: Int, _ take: (_ piece: [UInt8], _ offset: Int) -> Void
  ) throws {
    for start in stride(from: 0, to: count, by: Self.pieceByteCount) {
      let range = start..<min(start + Self.pieceByteCount, count)
      let own = bytes.map { $0.withBytes { Array($0[range]) } } ?? []
      take(try communicator.broadcast(own, root: 0), start)
    }
  }
}

/// A file in memory that one process writes and others of its host open.
private final class MemoryFile {
  let descriptor: Int32
  private var isWhole = true

  /// A file of `count` bytes; nil where there can be none.
  init?(_ name: String, _ count: Int) {
    descriptor = platform_memory_file(name, UInt(count))
    if descriptor < 0 { return nil }
  }

  deinit { close(descriptor) }

  func write(_ bytes: [UInt8], at offset: Int) {
    var done = 0
    while isWhole, done < bytes.count {
      let written = bytes.withUnsafeBytes {
        pwrite(
          descriptor, $0.baseAddress.map { $0 + done }, bytes.count - done, off_t(offset + done))
      }
      if written < 0 && errno == EINTR { continue }
      isWhole = written > 0
      done += written
    }
  }

  /// Ends the writing. Returns the process and the descriptor in one number; 0 if the file is not
  /// whole.
  func seal() -> UInt64 {
    guard isWhole, platform_seal_memory_file(descriptor) == 0 else { return 0 }
    return UInt64(UInt32(bitPattern: getpid())) << 32 | UInt64(UInt32(bitPattern: descriptor))
  }

  /// Maps the file at `place`, which `seal` returned, and whose name has the hash `name`: in
  /// another container the number of the process may be that of another one. `own` is the
  /// descriptor where this process has made it.
  static func map(_ place: UInt64, name: UInt64, own: Int32?, count: Int) -> MappedBytes? {
    if place == 0 { return nil }
    if let own { return MappedBytes(descriptor: own, count: count) }
    let path = "/proc/\(place >> 32)/fd/\(UInt32(truncatingIfNeeded: place))"
    let target = (try? FileManager.default.destinationOfSymbolicLink(atPath: path)) ?? ""
    let found = target.dropFirst("/memfd:".count).prefix { $0 != " " }
    guard FNV1a.hash(found.utf8) == name else { return nil }
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    return MappedBytes(descriptor: file, count: count)
  }
}
