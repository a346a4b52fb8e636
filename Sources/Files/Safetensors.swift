import Foundation

/// A safetensors file in memory: named float32 arrays and a dictionary of text.
///
/// The format is eight bytes with the length of the header (little-endian), the header, which is a
/// JSON object from names to type, shape and byte range, then the data without gaps.
/// Source: https://github.com/huggingface/safetensors, section "Format".
public struct SafetensorsFile: Sendable {
  /// Free text by key, stored under `__metadata__` in the file.
  public let metadata: [String: String]
  /// The tensors in the order of their data.
  public let entries: [Entry]
  /// The tensors by name.
  public let tensors: [String: Entry]

  /// A named array.
  public struct Entry: Sendable {
    /// The array's key in the file.
    public let name: String
    /// Extent of every axis, slowest first; empty for a single number.
    public let shape: [Int]
    /// The element type as the file writes it, such as `F32` or `BF16`.
    public let dtype: String
    fileprivate let bytes: Data
    private let path: String

    fileprivate init(name: String, shape: [Int], dtype: String, bytes: Data, path: String) {
      self.name = name
      self.shape = shape
      self.dtype = dtype
      self.bytes = bytes
      self.path = path
    }

    /// A float32 tensor to be written; copies `values`, whose number must be that of `shape`.
    public init(name: String, shape: [Int], values: UnsafeBufferPointer<Float>) {
      precondition(
        values.count == shape.reduce(1, *),
        "Safetensors: \(values.count) values for \(name) of shape \(shape)")
      self.init(
        name: name, shape: shape, dtype: "F32", bytes: Data(buffer: values), path: "memory")
    }

    /// A float32 tensor to be written; the number of `values` must be that of `shape`.
    public init(name: String, shape: [Int], values: [Float]) {
      self = values.withUnsafeBufferPointer { Entry(name: name, shape: shape, values: $0) }
    }

    /// Number of elements.
    public var count: Int { shape.reduce(1, *) }

    /// Number of bytes in the file.
    package var byteCount: Int { bytes.count }

    /// Calls `body` with the bytes of the elements as in the file.
    package func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
      bytes.withUnsafeBytes(body)
    }

    /// The elements as floats, row-major.
    ///
    /// - Throws: `SafetensorsError.unsupportedType` unless the type is `F32`.
    public func floats() throws(SafetensorsError) -> [Float] {
      guard dtype == "F32" else {
        throw .unsupportedType(path: path, tensor: name, dtype: dtype)
      }
      return bytes.withUnsafeBytes { raw in
        // Data in the file may be unaligned.
        (0..<raw.count / 4).map { Float(bitPattern: raw.loadUnaligned32(at: $0 * 4)) }
      }
    }
  }

  /// A file to be written, with its tensors in the order of `entries`.
  public init(entries: [Entry], metadata: [String: String] = [:]) {
    precondition(
      !entries.contains { $0.name == "__metadata__" }, "Safetensors: __metadata__ is no tensor")
    self.metadata = metadata
    self.entries = entries
    tensors = Dictionary(entries.map { ($0.name, $0) }) { first, _ in
      preconditionFailure("Safetensors: two tensors named \(first.name)")
    }
  }

  /// Reads a file.
  ///
  /// - Throws: `SafetensorsError` if the file cannot be read or breaks the format in any way.
  public init(contentsOf url: URL) throws(SafetensorsError) {
    let data = try FileContents.read(url) {
      SafetensorsError.unreadable(path: url.path, reason: $0.reason)
    }
    try self.init(data: data, path: url.path)
  }

  /// Parses the bytes of a file that errors call `path`.
  ///
  /// - Throws: `SafetensorsError` if the bytes break the format in any way.
  public init(data: Data, path: String) throws(SafetensorsError) {
    let header = try SafetensorsHeader(data: data, path: path)
    metadata = header.metadata
    entries = header.fields.map { field in
      let start = data.startIndex + header.dataStart + field.begin
      return Entry(
        name: field.name, shape: field.shape, dtype: field.dtype,
        bytes: data[start..<start + field.end - field.begin], path: path)
    }
    tensors = Dictionary(uniqueKeysWithValues: entries.map { ($0.name, $0) })
  }

  /// The bytes of the file, which are equal for equal entries and metadata.
  public func serialized() -> Data {
    var offset = 0
    let fields = entries.map { entry in
      defer { offset += entry.bytes.count }
      return SafetensorsHeader.Field(
        name: entry.name, dtype: entry.dtype, shape: entry.shape, begin: offset,
        end: offset + entry.bytes.count)
    }
    let header = SafetensorsHeader.serialized(fields: fields, metadata: metadata)
    var data = Data(capacity: header.count + offset)
    data.append(header)
    for entry in entries { data.append(entry.bytes) }
    return data
  }
}

extension UnsafeRawBufferPointer {
  fileprivate func loadUnaligned32(at offset: Int) -> UInt32 {
    UInt32(littleEndian: loadUnaligned(fromByteOffset: offset, as: UInt32.self))
  }
}
