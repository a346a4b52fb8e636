extension SafetensorsFile.Entry {
  /// Types of floating-point numbers that `convertedFloats` reads.
  package static let floatTypes = ["F32", "F16", "BF16", "F64"]

  /// The elements as float32, row-major; nil if the type is none of `floatTypes`.
  ///
  /// Float16 and bfloat16 numbers are float32 numbers, too. Float64 ones are rounded to the
  /// nearest, and beyond the range of float32 they are infinite.
  package func convertedFloats() -> [Float]? {
    switch dtype {
    case "F32": numbers(UInt32.self) { Float(bitPattern: $0) }
    case "F16": numbers(UInt16.self) { Float(Float16(bitPattern: $0)) }
    case "BF16": numbers(UInt16.self) { Float(bitPattern: UInt32($0) << 16) }
    case "F64": numbers(UInt64.self) { Float(Double(bitPattern: $0)) }
    default: nil
    }
  }

  /// The elements of which each has the little-endian bits of a `Bits`.
  private func numbers<Bits: FixedWidthInteger>(
    _ type: Bits.Type, _ number: (Bits) -> Float
  ) -> [Float] {
    withBytes { bytes in
      let size = MemoryLayout<Bits>.size
      // Data in the file may be unaligned.
      return (0..<bytes.count / size).map { index in
        number(
          Bits(littleEndian: bytes.loadUnaligned(fromByteOffset: index * size, as: Bits.self)))
      }
    }
  }
}
