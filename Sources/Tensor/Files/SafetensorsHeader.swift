import Foundation

/// The checked header of a safetensors file.
struct SafetensorsHeader {
  /// Type, shape and place of one tensor.
  struct Field {
    let name: String
    let dtype: String
    let shape: [Int]
    /// First byte, counted from `dataStart`.
    let begin: Int
    /// The byte after the last.
    let end: Int
  }

  let metadata: [String: String]
  /// In the order of their data.
  let fields: [Field]
  /// Index into the file's `Data` of the first byte of the data.
  let dataStart: Int

  init(data: Data, path: String) throws(SafetensorsError) {
    guard data.count >= 8 else { throw .truncated(path: path, bytes: data.count) }
    let length = data.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    // Compared before anything is allocated: a damaged length may be any number.
    guard length <= UInt64(data.count - 8) else {
      throw .headerBeyondFile(path: path, headerBytes: length, fileBytes: data.count)
    }
    dataStart = data.startIndex + 8 + Int(length)
    let members = try SafetensorsHeader.members(
      Array(data[data.startIndex + 8..<dataStart]), path: path)
    let dataBytes = data.endIndex - dataStart

    var metadata: [String: String] = [:]
    var fields: [Field] = []
    fields.reserveCapacity(members.count)
    for member in members {
      if member.key == "__metadata__" {
        metadata = try SafetensorsHeader.metadata(member.value, path: path)
      } else {
        fields.append(try Field(member, dataBytes: dataBytes, path: path))
      }
    }
    // Zero-sized tensors share a place: the header's order decides, so that reading is stable.
    let order = fields.indices.sorted {
      (fields[$0].begin, fields[$0].end, $0) < (fields[$1].begin, fields[$1].end, $1)
    }
    self.metadata = metadata
    self.fields = order.map { fields[$0] }
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

  private static func members(
    _ header: [UInt8], path: String
  ) throws(SafetensorsError) -> [JSONValue.Member] {
    // The format wants the brace first; only the end may be padded.
    guard header.first == UInt8(ascii: "{") else {
      throw .headerNotJSON(path: path, reason: "it does not begin with \"{\"")
    }
    do {
      guard case .object(let members) = try JSONValue(parsing: header) else {
        throw SafetensorsError.headerNotJSON(path: path, reason: "it is no object")
      }
      return members
    } catch let error as SafetensorsError {
      throw error
    } catch let error as JSONError {
      if case .duplicateKey(let key) = error.problem {
        throw .duplicateName(path: path, tensor: key)
      }
      throw .headerNotJSON(path: path, reason: error.description)
    } catch {
      throw .headerNotJSON(path: path, reason: "\(error)")
    }
  }

  private static func metadata(
    _ value: JSONValue, path: String
  ) throws(SafetensorsError) -> [String: String] {
    guard case .object(let members) = value else {
      throw .malformedEntry(path: path, tensor: "__metadata__", reason: "it is no object")
    }
    var result: [String: String] = [:]
    for member in members {
      guard let text = member.value.string else {
        throw .malformedEntry(
          path: path, tensor: "__metadata__", reason: "\"\(member.key)\" is no string")
      }
      result[member.key] = text
    }
    return result
  }
}

extension SafetensorsHeader.Field {
  /// Bits of one element by type. Only `F32` can be read, but a file may hold others.
  private static let bits: [String: Int] = [
    "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "BOOL": 8, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8,
    "F8_E8M0": 8, "I16": 16, "U16": 16, "F16": 16, "BF16": 16, "I32": 32, "U32": 32, "F32": 32,
    "I64": 64, "U64": 64, "F64": 64, "C64": 64,
  ]

  init(_ member: JSONValue.Member, dataBytes: Int, path: String) throws(SafetensorsError) {
    name = member.key
    func malformed(_ reason: String) -> SafetensorsError {
      .malformedEntry(path: path, tensor: member.key, reason: reason)
    }
    guard case .object(let parts) = member.value else { throw malformed("it is no object") }
    let allowed = ["dtype", "shape", "data_offsets"]
    for part in parts where !allowed.contains(part.key) {
      throw malformed("it has an unknown field \"\(part.key)\"")
    }
    guard let dtype = member.value["dtype"]?.string else {
      throw malformed("it has no \"dtype\" string")
    }
    guard let bits = Self.bits[dtype] else {
      throw .unsupportedType(path: path, tensor: name, dtype: dtype)
    }
    guard let written = member.value["shape"], case .array = written else {
      throw malformed("it has no \"shape\" list")
    }
    guard let shape = written.integers, let size = Self.product(of: shape, times: bits) else {
      throw .impossibleShape(path: path, tensor: name, shape: "\(written)")
    }
    guard let offsets = member.value["data_offsets"]?.integers, offsets.count == 2 else {
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
    self.dtype = dtype
    self.shape = shape
    begin = offsets[0]
    end = offsets[1]
  }

  /// Nil if an extent is negative or the product overflows.
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
