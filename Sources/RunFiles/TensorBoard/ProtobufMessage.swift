/// A message in the wire format of Protocol Buffers, as far as event files need it: each field is
/// its number and a wire type in one varint, then the value.
struct ProtobufMessage {
  private(set) var bytes: [UInt8] = []

  /// An `int32`, `int64` or `enum`; negative numbers take ten bytes.
  mutating func add(_ field: Int, integer value: Int) {
    key(field, wireType: 0)
    varint(UInt64(bitPattern: Int64(value)))
  }

  mutating func add(_ field: Int, double value: Double) {
    key(field, wireType: 1)
    append(value.bitPattern)
  }

  mutating func add(_ field: Int, float value: Float) {
    key(field, wireType: 5)
    append(value.bitPattern)
  }

  mutating func add(_ field: Int, text value: String) { add(field, Array(value.utf8)) }

  mutating func add(_ field: Int, message value: ProtobufMessage) { add(field, value.bytes) }

  private mutating func add(_ field: Int, _ value: [UInt8]) {
    key(field, wireType: 2)
    varint(UInt64(value.count))
    bytes += value
  }

  private mutating func key(_ field: Int, wireType: Int) { varint(UInt64(field << 3 | wireType)) }

  /// Seven bits a byte, the lowest first; all bytes but the last have their high bit set.
  private mutating func varint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  private mutating func append(_ value: some FixedWidthInteger) {
    withUnsafeBytes(of: value.littleEndian) { bytes += $0 }
  }
}
