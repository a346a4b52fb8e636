import Files
import Foundation

/// Reads the header of a pack of the format before in the form that the program wrote it: millions
/// of tensors in the time of a look at their bytes, and without an object for each.
///
/// Any other JSON, and any fault, is left to the general reader, which says what is wrong.
struct PackHeaderScan {
  private(set) var metadata: [String: String] = [:]
  private(set) var names = NameTable()
  private(set) var fields: [PackFields.Field] = []

  private let text: UnsafeRawBufferPointer
  private var at = 0

  /// Scans the header in `text`; nil if it has another form.
  init?(_ text: UnsafeRawBufferPointer) {
    self.text = text
    guard take("{") else { return nil }
    while true {
      guard let name = string(), take(":") else { return nil }
      if name.elementsEqual("__metadata__".utf8) {
        guard takeMetadata() else { return nil }
      } else {
        guard let field = field() else { return nil }
        names.append(name)
        fields.append(field)
      }
      if take(",") { continue }
      guard take("}") else { return nil }
      break
    }
    // Only spaces may follow.
    while at < text.count, text[at] == UInt8(ascii: " ") { at += 1 }
    guard at == text.count else { return nil }
  }

  private mutating func take(_ word: StaticString) -> Bool {
    let count = word.utf8CodeUnitCount
    guard at + count <= text.count, let base = text.baseAddress,
      memcmp(base + at, word.utf8Start, count) == 0
    else { return false }
    at += count
    return true
  }

  /// The bytes of a string without escapes.
  private mutating func string() -> UnsafeRawBufferPointer? {
    guard take("\"") else { return nil }
    let start = at
    var isASCII = true
    while at < text.count, text[at] != UInt8(ascii: "\"") {
      // Escapes and control characters.
      if text[at] == UInt8(ascii: "\\") || text[at] < 0x20 { return nil }
      isASCII = isASCII && text[at] < 0x80
      at += 1
    }
    guard at < text.count else { return nil }
    let found = UnsafeRawBufferPointer(rebasing: text[start..<at])
    at += 1
    return isASCII || String(validating: found, as: UTF8.self) != nil ? found : nil
  }

  private mutating func number() -> Int? {
    let start = at
    var value = 0
    while at < text.count, (0x30...0x39).contains(text[at]), at - start < 18 {
      value = value * 10 + Int(text[at] - 0x30)
      at += 1
    }
    // Nothing, or a zero before other digits, is no number of JSON.
    guard at > start, text[start] != 0x30 || at == start + 1 else { return nil }
    return value
  }

  private mutating func takeMetadata() -> Bool {
    guard metadata.isEmpty, take("{") else { return false }
    while true {
      guard let key = string(), take(":"), let value = string() else { return false }
      let name = String(decoding: key, as: UTF8.self)
      if metadata.updateValue(String(decoding: value, as: UTF8.self), forKey: name) != nil {
        return false
      }
      if take(",") { continue }
      return take("}")
    }
  }

  private mutating func field() -> PackFields.Field? {
    guard take("{\"data_offsets\":["), let begin = number(), take(","), let end = number(),
      take("],\"dtype\":\""), let dtype = type(), take("\",\"shape\":["), let count = number(),
      take("]}")
    else { return nil }
    let width = dtype == "I16" ? 2 : 4
    guard end >= begin, count.multipliedReportingOverflow(by: width).overflow == false,
      end - begin == count * width
    else { return nil }
    return PackFields.Field(dtype: dtype, shape: [count], begin: begin, end: end)
  }

  private mutating func type() -> String? {
    for (word, name) in [("I16", "I16"), ("F32", "F32"), ("I32", "I32")] as [(StaticString, String)]
    where take(word) {
      return name
    }
    return nil
  }
}

extension PackFields {
  /// The tensors in the header of the file at `path`, if it has the form that the program wrote,
  /// and its tensors take all of the file.
  init?(scanning path: String) {
    guard PathKind(path) == .file else { return nil }
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var status = stat()
    var length: UInt64 = 0
    guard fstat(file, &status) == 0, pread(file, &length, 8, 0) == 8 else { return nil }
    let fileByteCount = Int(status.st_size)
    length = UInt64(littleEndian: length)
    guard length <= UInt64(max(0, fileByteCount - 8)) else { return nil }
    var isWhole = true
    let text = MappedBytes(Int(length)) { target in
      var done = 0
      while isWhole, done < target.count {
        let count = pread(
          file, target.baseAddress.map { $0 + done }, min(target.count - done, 1 << 26),
          off_t(8 + done))
        if count < 0 && errno == EINTR { continue }
        isWhole = count > 0
        done += count
      }
    }
    guard isWhole, let scan = text.withBytes({ PackHeaderScan($0) }) else { return nil }
    let order = scan.fields.indices.sorted { one, other in
      let (first, second) = (scan.fields[one], scan.fields[other])
      return (first.begin, first.end) < (second.begin, second.end)
    }
    var names = NameTable()
    var fields: [Field] = []
    fields.reserveCapacity(order.count)
    var expected = 0
    for item in order {
      // A gap, and a name that occurs twice.
      guard scan.fields[item].begin == expected, scan.fields[item].end > expected else {
        return nil
      }
      expected = scan.fields[item].end
      names.append(scan.names[item])
      fields.append(scan.fields[item])
    }
    guard expected == fileByteCount - 8 - Int(length) else { return nil }
    self.init(
      path: path, metadata: scan.metadata, dataStart: 8 + Int(length), dataByteCount: expected,
      names: names, fields: fields)
  }
}
