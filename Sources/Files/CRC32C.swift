import CPlatform

/// CRC-32C (Castagnoli), the checksum of iSCSI, ext4 and many file formats: polynomial 0x1EDC6F41,
/// reflected, start and end inverted. The processor has an instruction for it, so the checksum
/// costs about as much as reading the memory.
///
/// Every error burst of up to 32 bits is detected; any other error is missed with probability
/// 2^-32.
public struct CRC32C: Equatable, Sendable {
  /// The checksum of all bytes added so far; 0 without any.
  public private(set) var value: UInt32 = 0

  /// The checksum of no bytes.
  public init() {}

  /// The checksum of `bytes`.
  public init(_ bytes: UnsafeRawBufferPointer) { add(bytes) }

  /// The checksum of `bytes`.
  public init(_ bytes: [UInt8]) {
    self.init()
    bytes.withUnsafeBytes { add($0) }
  }

  /// Adds `bytes`: the parts of a file, added in order, give the checksum of the whole.
  public mutating func add(_ bytes: UnsafeRawBufferPointer) {
    guard let base = bytes.baseAddress else { return }
    value = platform_crc32c(value, base, UInt(bytes.count))
  }

  /// The checksum as eight hexadecimal digits, lower case.
  public var text: String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 8 - digits.count) + digits
  }
}
