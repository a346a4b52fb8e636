import CPlatform
import Foundation

/// Lines of a file that is read in pieces, so that memory does not grow with the file.
///
/// Bytes behind the last line break are kept until the rest of their line is read.
package struct WholeLines {
  /// Bytes that are read at once.
  private static let pieceBytes = 1 << 20

  /// The bytes since the last line break, and room behind them while a file is read.
  private var buffer: [UInt8] = []
  private var filled = 0

  /// Nothing is read yet.
  package init() {}

  /// Reads `descriptor` from its position to its end and calls `body` with each line that is
  /// complete, without its line break; empty lines are left out. The bytes are valid during the
  /// call only. Returns the number of bytes read, and whether the end was reached without an error.
  package mutating func read(
    _ descriptor: Int32, _ body: (UnsafeRawBufferPointer) -> Void
  ) -> (byteCount: Int, isComplete: Bool) {
    readBlocks(descriptor) { block in
      var rest = block
      while !rest.isEmpty {
        let end = Self.lineBreak(in: rest) ?? rest.count
        if end > 0 { body(UnsafeRawBufferPointer(rebasing: rest[..<end])) }
        rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(end + 1))
      }
    }
  }

  /// Reads as the other does, but calls `body` only with lines in which `mark` occurs. The others
  /// cost next to nothing.
  package mutating func read(
    _ descriptor: Int32, with mark: [UInt8], _ body: (UnsafeRawBufferPointer) -> Void
  ) -> (byteCount: Int, isComplete: Bool) {
    readBlocks(descriptor) { block in
      var rest = block
      while let base = rest.baseAddress,
        let hit = platform_find(base, UInt(rest.count), mark, UInt(mark.count))
      {
        let place = UnsafeRawPointer(hit) - base
        let start = rest[..<place].lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        let tail = UnsafeRawBufferPointer(rebasing: rest[place...])
        let end = place + (Self.lineBreak(in: tail) ?? tail.count)
        body(UnsafeRawBufferPointer(rebasing: rest[start..<end]))
        rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(end + 1))
      }
    }
  }

  /// Reads as `read` does, and calls `body` with blocks of whole lines, the line breaks included.
  private mutating func readBlocks(
    _ descriptor: Int32, _ body: (UnsafeRawBufferPointer) -> Void
  ) -> (byteCount: Int, isComplete: Bool) {
    var byteCount = 0
    while true {
      let room = filled + Self.pieceBytes
      if buffer.count < room {
        // A line longer than a piece: the buffer doubles, so that bytes are moved a few times only.
        let size = max(room, filled > 0 ? 2 * buffer.count : room)
        buffer.append(contentsOf: repeatElement(0, count: size - buffer.count))
      }
      let count = buffer.withUnsafeMutableBytes {
        Foundation.read(descriptor, $0.baseAddress.map { $0 + filled }, $0.count - filled)
      }
      if count < 0 && errno == EINTR { continue }
      if count <= 0 {
        // Runs are watched for days, a hundred at a time.
        buffer = Array(buffer[..<filled])
        return (byteCount, count == 0)
      }
      byteCount += count
      let before = filled
      filled += count
      buffer.withUnsafeMutableBytes { bytes in
        let new = UnsafeRawBufferPointer(rebasing: bytes[before..<filled])
        guard let last = new.lastIndex(of: UInt8(ascii: "\n")), let base = bytes.baseAddress
        else { return }
        let end = before + last + 1
        body(UnsafeRawBufferPointer(rebasing: bytes[..<end]))
        memmove(base, base + end, filled - end)
        filled -= end
      }
    }
  }

  /// Index of the first line break of `bytes`.
  private static func lineBreak(in bytes: UnsafeRawBufferPointer) -> Int? {
    guard let base = bytes.baseAddress,
      let found = memchr(base, Int32(UInt8(ascii: "\n")), bytes.count)
    else { return nil }
    return UnsafeRawPointer(found) - base
  }
}
