import Foundation
import Platform

/// The checked header of a safetensors file.
package struct SafetensorsHeader: Sendable {
  /// Type, shape and byte range of one tensor.
  package struct Field: Sendable {
    package let name: String
    package let dtype: String
    package let shape: [Int]
    /// Index of the first byte, counted from `dataStart`.
    package let begin: Int
    /// Index one past the last byte.
    package let end: Int

    /// Field of a tensor whose bytes begin..<end count from the end of the header.
    package init(name: String, dtype: String, shape: [Int], begin: Int, end: Int) {
      self.name = name
      self.dtype = dtype
      self.shape = shape
      self.begin = begin
      self.end = end
    }
  }

  package let metadata: [String: String]
  /// The tensors' fields in the order of their data.
  package let fields: [Field]
  /// Offset of the data, in bytes from the start of the file.
  package let dataStart: Int

  /// Parses the header from the bytes of a whole file.
  init(data: Data, path: String) throws(SafetensorsError) {
    let length = try Self.length(data.prefix(64), fileBytes: data.count, path: path)
    let start = data.startIndex + 8
    try self.init(
      text: data[start..<start + length], dataBytes: data.count - 8 - length, path: path)
  }

  /// Reads only the header of a file, however large the file is.
  ///
  /// - Throws: `SafetensorsError` if the file cannot be read or its header breaks the format.
  package init(contentsOf url: URL) throws(SafetensorsError) {
    let path = url.path(percentEncoded: false)
    let text: Data
    let dataBytes: Int
    if PathKind(path) == .other {
      throw .unreadable(path: path, reason: FileContents.notRegular)
    }
    do {
      let file = try FileHandle(forReadingFrom: url)
      defer { try? file.close() }
      let fileBytes = Int(try file.seekToEnd())
      try file.seek(toOffset: 0)
      // More than the length, by which files of other kinds are known.
      let start = try file.read(upToCount: 64) ?? Data()
      let length = try Self.length(start, fileBytes: fileBytes, path: path)
      try file.seek(toOffset: 8)
      text = try file.read(upToCount: length) ?? Data()
      dataBytes = fileBytes - 8 - length
    } catch let error as SafetensorsError {
      throw error
    } catch {
      throw .unreadable(path: path, reason: ErrorText.reason(error))
    }
    try self.init(text: text, dataBytes: dataBytes, path: path)
  }

  /// Number of bytes of the header's text, which must lie in the file.
  private static func length(
    _ start: Data, fileBytes: Int, path: String
  ) throws(SafetensorsError) -> Int {
    guard start.count >= 8 else {
      if let kind = FileKind.name(firstBytes: start) { throw .anotherKind(path: path, kind: kind) }
      throw .truncated(path: path, bytes: start.count)
    }
    let length = start.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    // The comparison comes before any allocation, because a damaged length may be any number.
    guard length <= UInt64(fileBytes - 8) else {
      if let kind = FileKind.name(firstBytes: start) { throw .anotherKind(path: path, kind: kind) }
      throw .headerBeyondFile(path: path, headerBytes: length, fileBytes: fileBytes)
    }
    return Int(length)
  }

  private init(text: Data, dataBytes: Int, path: String) throws(SafetensorsError) {
    dataStart = 8 + text.count
    let members = try SafetensorsHeader.members(text, path: path)

    var metadata: [String: String] = [:]
    var fields: [Field] = []
    fields.reserveCapacity(members.count)
    // Sorted by name, so that every read reports one and the same of several faults.
    for (name, value) in members.sorted(by: { $0.key < $1.key }) {
      if name == "__metadata__" {
        metadata = try SafetensorsHeader.metadata(value, path: path)
      } else {
        fields.append(try Field(name, value, dataBytes: dataBytes, path: path))
      }
    }
    self.metadata = metadata
    // Zero-sized tensors share a byte range: their names decide, so that the order is stable.
    self.fields = fields.sorted { ($0.begin, $0.end, $0.name) < ($1.begin, $1.end, $1.name) }
    // The decoder keeps one entry of a name that occurs twice; the data of the other are a gap.
    var expected = 0
    for field in self.fields {
      guard field.begin == expected else {
        throw .offsetsNotContiguous(
          path: path, tensor: field.name, begin: field.begin, expected: expected)
      }
      expected = field.end
    }
    guard expected == dataBytes else {
      throw .trailingBytes(path: path, bytes: dataBytes - expected)
    }
  }

  /// The bytes before the data, which do not depend on the order of `fields`; at least
  /// `byteCount`, a multiple of eight, with spaces at the end.
  package static func serialized(
    fields: [Field], metadata: [String: String], byteCount: Int = 0
  ) -> Data {
    var members: [String: JSONValue] = [:]
    if !metadata.isEmpty {
      members["__metadata__"] = .object(metadata.mapValues { .string($0) })
    }
    for field in fields {
      members[field.name] = .object([
        "dtype": .string(field.dtype), "shape": .integers(field.shape),
        "data_offsets": .integers([field.begin, field.end]),
      ])
    }
    var text = Array(JSONValue.object(members).description.utf8)
    // Spaces up to a multiple of eight align the data for readers that map the file.
    text += Array(repeating: UInt8(ascii: " "), count: (8 - text.count % 8) % 8)
    text += Array(repeating: UInt8(ascii: " "), count: max(0, byteCount - 8 - text.count))
    return withUnsafeBytes(of: UInt64(text.count).littleEndian) { Data($0) } + text
  }

  private static func members(
    _ header: Data, path: String
  ) throws(SafetensorsError) -> [String: JSONValue] {
    // The format wants the brace first; only the end may be padded.
    guard header.first == UInt8(ascii: "{") else {
      throw .headerNotJSON(path: path, reason: "it does not begin with \"{\"")
    }
    let json: JSONValue
    do {
      json = try JSONValue(parsing: header)
    } catch {
      throw .headerNotJSON(path: path, reason: error.description)
    }
    guard case .object(let members) = json else {
      throw .headerNotJSON(path: path, reason: "it is no object")
    }
    return members
  }

  private static func metadata(
    _ value: JSONValue, path: String
  ) throws(SafetensorsError) -> [String: String] {
    guard case .object(let members) = value else {
      throw .malformedEntry(path: path, tensor: "__metadata__", reason: "it is no object")
    }
    var result: [String: String] = [:]
    for (key, value) in members.sorted(by: { $0.key < $1.key }) {
      guard let text = value.string else {
        throw .malformedEntry(
          path: path, tensor: "__metadata__", reason: "\"\(key)\" is no string")
      }
      result[key] = text
    }
    return result
  }
}

extension SafetensorsHeader.Field {
  /// Number of bits of one element by type. Only `F32` can be read, but a file may hold others.
  private static let bits: [String: Int] = [
    "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "BOOL": 8, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8,
    "F8_E8M0": 8, "I16": 16, "U16": 16, "F16": 16, "BF16": 16, "I32": 32, "U32": 32, "F32": 32,
    "I64": 64, "U64": 64, "F64": 64, "C64": 64,
  ]

  /// Reads the entry of the tensor `name` in the JSON header of the file at `path`, which has
  /// `dataBytes` bytes behind the header.
  ///
  /// - Throws: `SafetensorsError` if a part is missing, unknown, malformed or beyond the data.
  package init(
    _ name: String, _ value: JSONValue, dataBytes: Int, path: String
  ) throws(SafetensorsError) {
    func malformed(_ reason: String) -> SafetensorsError {
      .malformedEntry(path: path, tensor: name, reason: reason)
    }
    guard case .object(let parts) = value else { throw malformed("it is no object") }
    if let unknown = Set(parts.keys).subtracting(["dtype", "shape", "data_offsets"]).min() {
      throw malformed("it has an unknown field \"\(unknown)\"")
    }
    guard let dtype = parts["dtype"]?.string else {
      throw malformed("it has no \"dtype\" string")
    }
    guard let bits = Self.bits[dtype] else {
      throw .unsupportedType(path: path, tensor: name, dtype: dtype)
    }
    guard let written = parts["shape"], case .array = written else {
      throw malformed("it has no \"shape\" list")
    }
    guard let shape = written.integers, let size = Self.product(of: shape, times: bits) else {
      throw .impossibleShape(path: path, tensor: name, shape: "\(written)")
    }
    guard let offsets = parts["data_offsets"]?.integers, offsets.count == 2 else {
      throw malformed("it has no \"data_offsets\" of two integers")
    }
    guard offsets[0] >= 0, offsets[0] <= offsets[1], offsets[1] <= dataBytes else {
      throw .offsetsOutOfRange(
        path: path, tensor: name, begin: offsets[0], end: offsets[1], dataBytes: dataBytes)
    }
    guard size % 8 == 0, offsets[1] - offsets[0] == size / 8 else {
      throw .sizeMismatch(
        path: path, tensor: name, shape: shape, dtype: dtype, bytes: offsets[1] - offsets[0])
    }
    self.name = name
    self.dtype = dtype
    self.shape = shape
    begin = offsets[0]
    end = offsets[1]
  }

  /// Product of the extents and `bits`; nil if an extent is negative or the product overflows.
  private static func product(of shape: [Int], times bits: Int) -> Int? {
    var product = bits
    for extent in shape {
      let (next, overflow) = product.multipliedReportingOverflow(by: extent)
      if extent < 0 || overflow { return nil }
      product = next
    }
    return product
  }
}
