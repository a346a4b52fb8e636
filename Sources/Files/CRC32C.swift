import CPlatform

/// CRC-32C (Castagnoli), the checksum of iSCSI, ext4 and many file formats: polynomial 0x1EDC6F41,
/// reflected, start and end inverted. The processor has an instruction for it, so it costs about as
/// much as reading the memory.
///
/// It finds every error of up to 32 bits in a row, and misses any other with a chance of 2^-32.
public struct CRC32C: Equatable, Sendable {
  /// The checksum of everything added so far; 0 of nothing.
  public private(set) var value: UInt32 = 0

  /// The checksum of nothing.
  public init() {}

  /// The checksum of `bytes`.
  public init(_ bytes: UnsafeRawBufferPointer) { add(bytes) }

  /// The checksum of `bytes`.
  public init(_ bytes: [UInt8]) {
    self.init()
    bytes.withUnsafeBytes { add($0) }
  }

  /// Continues with `bytes`: the parts of a file give what the whole would.
  public mutating func add(_ bytes: UnsafeRawBufferPointer) {
    guard let base = bytes.baseAddress else { return }
    value = platform_crc32c(value, base, UInt(bytes.count))
  }

  /// Eight hexadecimal digits, lower case.
  public var text: String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 8 - digits.count) + digits
  }
}
