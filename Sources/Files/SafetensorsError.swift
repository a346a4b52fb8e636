import Platform

/// Reasons for which a safetensors file is rejected.
public enum SafetensorsError: Error, Equatable, CustomStringConvertible {
  /// The file could not be read.
  case unreadable(path: String, reason: String)
  /// The file ends before its eight-byte header length does.
  case truncated(path: String, bytes: Int)
  /// The header length exceeds the file.
  case headerBeyondFile(path: String, headerBytes: UInt64, fileBytes: Int)
  /// The file is of another kind, such as "a JSON file".
  case anotherKind(path: String, kind: String)
  /// The header is not a JSON object.
  case headerNotJSON(path: String, reason: String)
  /// The entry of a tensor lacks a field or has one of the wrong kind.
  case malformedEntry(path: String, tensor: String, reason: String)
  /// An extent is negative or no integer, or the size overflows.
  case impossibleShape(path: String, tensor: String, shape: String)
  /// The tensor's bytes reach past the end of the file, or end before they begin.
  case offsetsOutOfRange(path: String, tensor: String, begin: Int, end: Int, dataBytes: Int)
  /// The tensor's bytes do not begin where those of the tensor before it end.
  case offsetsNotContiguous(path: String, tensor: String, begin: Int, expected: Int)
  /// The number of the tensor's bytes is not that of its shape and type.
  case sizeMismatch(path: String, tensor: String, shape: [Int], dtype: String, bytes: Int)
  /// The file ends with bytes that belong to no tensor.
  case trailingBytes(path: String, bytes: Int)
  /// The tensor's elements are not float32.
  case unsupportedType(path: String, tensor: String, dtype: String)
  /// The contents do not have the checksum that the file records.
  case checksumMismatch(path: String, group: String, stored: String, computed: String)
  /// The file has checksums, but lacks this one.
  case checksumMissing(path: String, group: String)

  /// One sentence that names the file, the tensor and the fault.
  public var description: String {
    switch self {
    case .unreadable(let path, let reason):
      return "\(path): the file cannot be read: \(reason)"
    case .truncated(let path, let bytes):
      return
        "\(path): the file is truncated: it has \(NumberText.count(bytes, "byte")), fewer than "
        + "the 8 of the header length"
    case .headerBeyondFile(let path, let headerBytes, let fileBytes):
      return "\(path): the file is truncated or no safetensors file: its header should have "
        + "\(NumberText.count(headerBytes, "byte")), but the file has only \(fileBytes)"
    case .anotherKind(let path, let kind):
      return "\(path) is \(kind), not a safetensors file"
    case .headerNotJSON(let path, let reason):
      return "\(path): the header is not a JSON object: \(reason)"
    case .malformedEntry(let path, let tensor, let reason):
      return "\(path): the entry \"\(tensor)\" is malformed: \(reason)"
    case .impossibleShape(let path, let tensor, let shape):
      return "\(path): tensor \"\(tensor)\" has the impossible shape \(shape)"
    case .offsetsOutOfRange(let path, let tensor, let begin, let end, let dataBytes):
      return "\(path): the file is truncated or damaged: tensor \"\(tensor)\" should be bytes "
        + "\(begin) to \(end) of the data, which has \(NumberText.count(dataBytes, "byte"))"
    case .offsetsNotContiguous(let path, let tensor, let begin, let expected):
      let fault = begin < expected ? "overlaps the tensor before it" : "leaves a gap before it"
      return "\(path): the file is damaged: tensor \"\(tensor)\" \(fault); it begins at byte "
        + "\(begin) of the data, not at \(expected)"
    case .sizeMismatch(let path, let tensor, let shape, let dtype, let bytes):
      return
        "\(path): the file is damaged: tensor \"\(tensor)\" of shape \(shape) and type \(dtype) "
        + "has \(NumberText.count(bytes, "byte"))"
    case .trailingBytes(let path, let bytes):
      let last = NumberText.agree(bytes, "byte belongs", "\(bytes) bytes belong")
      return "\(path): the file is damaged: its last \(last) to no tensor"
    case .unsupportedType(let path, let tensor, let dtype):
      return "\(path): tensor \"\(tensor)\" has the type \(dtype); save it as float32 (F32)"
    case .checksumMismatch(let path, let group, let stored, let computed):
      return
        "\(path): the file is damaged: the checksum of \(Self.contents(group)) is \(computed), "
        + "but the file says \(stored)"
    case .checksumMissing(let path, let group):
      return "\(path): the file is damaged: the checksum of \(Self.contents(group)) is missing"
    }
  }

  private static func contents(_ group: String) -> String {
    group == "header" ? "its header" : "its tensors of \"\(group)\""
  }
}
