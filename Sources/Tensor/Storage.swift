import CPlatform

/// An owned, 64-byte aligned buffer of floats.
///
/// Not `Sendable`: a buffer belongs to the thread that runs the step.
public final class Storage {
  /// First element.
  public let base: UnsafeMutablePointer<Float>
  /// Number of elements.
  public let count: Int

  /// Allocates `count` zeros.
  public convenience init(count: Int) {
    self.init(uninitialized: count)
    buffer.update(repeating: 0)
  }

  /// Allocates `count` floats that a kernel will overwrite before anything reads them.
  public init(uninitialized count: Int) {
    precondition(count >= 0, "Storage: negative count \(count)")
    // A spare cache line keeps full-vector loads at the end of the last row inside the buffer.
    let bytes = count * MemoryLayout<Float>.stride + 64
    base = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
      .bindMemory(to: Float.self, capacity: count + 16)
    self.count = count
    platform_prefer_large_pages(base, UInt(bytes))
  }

  deinit { UnsafeMutableRawPointer(base).deallocate() }

  /// The elements.
  public var buffer: UnsafeMutableBufferPointer<Float> { .init(start: base, count: count) }
}
