import CPlatform

/// An owned, 64-byte aligned buffer of floats.
///
/// Not `Sendable`: a buffer belongs to the thread that runs the step.
public final class Storage {
  /// First element.
  public let base: UnsafeMutablePointer<Float>
  /// Number of elements.
  public let count: Int
  private let allocation: UnsafeMutableRawPointer

  /// Allocates `count` zeros.
  public convenience init(count: Int) {
    self.init(uninitialized: count)
    buffer.update(repeating: 0)
  }

  /// Allocates `count` floats that a kernel will overwrite before anything reads them.
  public init(uninitialized count: Int) {
    precondition(count >= 0, "Storage: negative count \(count)")
    // A spare cache line keeps full-vector loads at the end of the last row inside the buffer.
    // Another is for the alignment, which is made here: glibc's aligned allocation asks for more
    // than it keeps, so that it cannot reuse a freed block of the same size.
    allocation = UnsafeMutableRawPointer.allocate(
      byteCount: count * MemoryLayout<Float>.stride + 128, alignment: 16)
    base = allocation.alignedUp(toMultipleOf: 64)
      .bindMemory(to: Float.self, capacity: count + 16)
    self.count = count
    platform_prefer_large_pages(base, UInt(count * MemoryLayout<Float>.stride))
  }

  deinit { allocation.deallocate() }

  /// The elements.
  public var buffer: UnsafeMutableBufferPointer<Float> { .init(start: base, count: count) }
}
