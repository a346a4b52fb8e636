import CPlatform
import Foundation

/// Read-only bytes outside the heap: pages of this process alone, or of a file in memory that the
/// processes of a host share.
package final class MappedBytes: @unchecked Sendable {
  // Sendable because nobody writes the bytes once there is an instance.
  private let base: UnsafeMutableRawPointer?
  /// Number of bytes.
  package let count: Int

  /// A copy of `bytes` that belongs to this process.
  package convenience init(_ bytes: [UInt8]) {
    self.init(bytes.count) { target in bytes.withUnsafeBytes { target.copyMemory(from: $0) } }
  }

  /// Bytes that `fill` writes, zeros where it does not.
  package init(_ count: Int, fill: (UnsafeMutableRawBufferPointer) throws -> Void) rethrows {
    self.count = count
    base = Self.map(count, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1)
    precondition(base != nil || count == 0, "MappedBytes: no memory for \(count) bytes")
    try fill(UnsafeMutableRawBufferPointer(start: base, count: count))
    if let base { mprotect(base, count, PROT_READ) }
  }

  /// The `count` bytes of an open file, which has to keep them; nil if they cannot be mapped.
  init?(descriptor: Int32, count: Int) {
    self.count = count
    base = Self.map(count, PROT_READ, MAP_SHARED, descriptor)
    if base == nil && count > 0 { return nil }
  }

  deinit { if let base { munmap(base, count) } }

  private static func map(
    _ count: Int, _ protection: Int32, _ flags: Int32, _ descriptor: Int32
  ) -> UnsafeMutableRawPointer? {
    if count == 0 { return nil }
    let found = mmap(nil, count, protection, flags, descriptor, 0)
    return found == MAP_FAILED ? nil : found
  }

  /// Calls `body` with the bytes.
  package func withBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(UnsafeRawBufferPointer(start: base, count: count))
  }

  /// The value at `offset`, of any alignment.
  func load<Value: BitwiseCopyable>(_ offset: Int, as type: Value.Type) -> Value {
    withBytes { $0.loadUnaligned(fromByteOffset: offset, as: type) }
  }

  /// The UTF-8 text in `range`.
  func text(_ range: Range<Int>) -> String {
    withBytes { String(decoding: UnsafeRawBufferPointer(rebasing: $0[range]), as: UTF8.self) }
  }
}
