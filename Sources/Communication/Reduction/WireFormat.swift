/// How gradients travel between ranks.
public enum WireFormat: String, Sendable, CaseIterable, Codable {
  /// As they are added up: what comes out does not depend on the number of ranks.
  case float64
  /// Half the bytes. Sums that nearly cancel lose what single precision cannot hold, and Adam
  /// enlarges that: the loss stays, while some small biases take another way.
  case float32
  /// A quarter of the bytes: every rank's gradients are rounded to 8 significant bits, added up in
  /// single precision, and the sums rounded again.
  case bf16

  /// Bytes of one number.
  public var byteCount: Int {
    switch self {
    case .float64: 8
    case .float32: 4
    case .bf16: 2
    }
  }
}

/// A number of 16 bits with the exponent of a float: its upper half, rounded to nearest even.
public struct BFloat16: Equatable, Sendable {
  /// Sign, 8 bits of exponent, 7 of fraction.
  public var bits: UInt16

  /// The number of these bits.
  public init(bits: UInt16) { self.bits = bits }

  /// Rounds `value`. A NaN stays one.
  public init(_ value: Float) {
    let word = value.bitPattern
    let rounded = word &+ 0x7fff &+ ((word >> 16) & 1)
    // A NaN whose fraction lies in the lower half would become an infinity.
    let isNaN = word & 0x7fff_ffff > 0x7f80_0000
    bits = UInt16(truncatingIfNeeded: (isNaN ? word | 0x0040_0000 : rounded) >> 16)
  }

  /// The number as a float, exactly.
  public var value: Float { Float(bitPattern: UInt32(bits) << 16) }
}

/// One sum over all ranks: what this rank gives and where the sum goes, with as many elements.
///
/// Sendable since whoever starts a reduction leaves both alone until it has finished.
public enum Reduction: @unchecked Sendable {
  /// Travels and is added in double precision, in the order of the ranks.
  case float64(UnsafeBufferPointer<Double>, into: UnsafeMutableBufferPointer<Double>)
  /// Travels in single precision and is added in double, in the order of the ranks; the sum is
  /// rounded.
  case float32(UnsafeBufferPointer<Float>, into: UnsafeMutableBufferPointer<Float>)
  /// Travels in 16 bits and is added in single precision, in the order of the ranks; the sum is
  /// rounded to 16 bits as well, so that all ranks have the same.
  case bf16(UnsafeBufferPointer<BFloat16>, into: UnsafeMutableBufferPointer<Float>)

  /// Terms of this rank.
  package var sent: UnsafeRawBufferPointer {
    switch self {
    case .float64(let send, _): UnsafeRawBufferPointer(send)
    case .float32(let send, _): UnsafeRawBufferPointer(send)
    case .bf16(let send, _): UnsafeRawBufferPointer(send)
    }
  }

  /// Bytes of an element on the wire.
  package var elementBytes: Int { format.byteCount }

  /// Number of elements.
  public var count: Int {
    switch self {
    case .float64(let send, _): send.count
    case .float32(let send, _): send.count
    case .bf16(let send, _): send.count
    }
  }
}
