/// An owned, zero-initialised, 64-byte aligned buffer of floats.
///
/// Not `Sendable`: a buffer belongs to the thread that runs the step.
public final class Storage {
  /// First element.
  public let base: UnsafeMutablePointer<Float>
  /// Number of elements.
  public let count: Int

  /// Allocates `count` zeros.
  public init(count: Int) {
    precondition(count >= 0, "Storage: negative count \(count)")
    // A spare cache line keeps full-vector loads at the end of the last row inside the buffer.
    let bytes = count * MemoryLayout<Float>.stride + 64
    let raw = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
    raw.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
    base = raw.assumingMemoryBound(to: Float.self)
    self.count = count
  }

  deinit { UnsafeMutableRawPointer(base).deallocate() }

  /// The elements.
  public var buffer: UnsafeMutableBufferPointer<Float> { .init(start: base, count: count) }
}
