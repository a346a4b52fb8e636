/// A dense row-major float32 array with a gradient of the same shape.
///
/// A reference type, so that the operation that made it and those that read it share one gradient.
public final class Tensor {
  /// Extent of every axis, slowest first.
  public let shape: [Int]
  /// The elements.
  public let storage: Storage
  /// Whether operations on this tensor have to compute its gradient.
  public let requiresGradient: Bool
  /// d objective / d element; nil until a backward kernel has written it.
  public var gradient: Storage?

  /// A tensor of zeros.
  public init(shape: [Int], requiresGradient: Bool = false) {
    self.shape = shape
    storage = Storage(count: shape.reduce(1, *))
    self.requiresGradient = requiresGradient
  }

  /// The output of an operation, which overwrites every element.
  package init(uninitialized shape: [Int]) {
    self.shape = shape
    storage = Storage(uninitialized: shape.reduce(1, *))
    requiresGradient = true
  }

  /// A tensor holding `elements`, as many as `shape` says.
  public convenience init(shape: [Int], elements: [Float], requiresGradient: Bool = false) {
    self.init(shape: shape, requiresGradient: requiresGradient)
    precondition(
      elements.count == count, "Tensor: \(elements.count) elements for shape \(shape)")
    for (index, element) in elements.enumerated() { storage.base[index] = element }
  }

  /// Number of elements.
  public var count: Int { storage.count }
  /// First element.
  public var base: UnsafeMutablePointer<Float> { storage.base }
  /// A copy of the elements.
  public var elements: [Float] { Array(storage.buffer) }

  /// The gradient buffer, made of zeros on first use.
  public func gradientStorage() -> Storage {
    if let gradient { return gradient }
    let fresh = Storage(count: count)
    gradient = fresh
    return fresh
  }
}

extension Tensor {
  /// Hands this tensor's gradient, in whose place an operation made that of its `input`, to the
  /// input.
  package func passGradient(to input: Tensor) {
    if input.requiresGradient, let gradient { input.accumulate(gradient: gradient) }
    gradient = nil
  }

  /// Adds a gradient, taking its storage over if it is the first.
  package func accumulate(gradient other: Storage) {
    precondition(other.count == count, "gradient of \(other.count) for shape \(shape)")
    if let gradient {
      kernels.add(UnsafePointer(other.base), to: gradient.base, count: count)
    } else {
      gradient = other
    }
  }
}
