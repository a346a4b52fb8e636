import Files
import Foundation

/// The tensors of a pack as its header names them, in arrays instead of objects: the format before
/// the present one has two million tensors for a million pairs.
struct PackFields {
  /// A tensor.
  struct Field {
    var dtype: String
    var shape: [Int]
    var begin: Int
    var end: Int
  }

  let path: String
  let metadata: [String: String]
  /// Offset of the data, in bytes from the start of the file.
  let dataStart: Int
  /// Bytes of the data.
  let dataByteCount: Int
  /// Names of the tensors in the order of the data.
  let names: NameTable
  /// The tensors in the order of the data.
  let fields: [Field]

  init(
    path: String, metadata: [String: String], dataStart: Int, dataByteCount: Int,
    names: NameTable, fields: [Field]
  ) {
    self.path = path
    self.metadata = metadata
    self.dataStart = dataStart
    self.dataByteCount = dataByteCount
    self.names = names
    self.fields = fields
  }

  /// Reads the header of the file at `path`.
  init(path: String) throws(PackedCorpusError) {
    if let scanned = Self(scanning: path) {
      self = scanned
      return
    }
    let header: SafetensorsHeader
    do {
      header = try SafetensorsHeader(contentsOf: URL(fileURLWithPath: path))
    } catch {
      throw .notWhole(reason: error.description)
    }
    var names = NameTable()
    for field in header.fields { names.append(field.name.utf8) }
    self.init(
      path: path, metadata: header.metadata, dataStart: header.dataStart,
      dataByteCount: header.fields.last?.end ?? 0, names: names,
      fields: header.fields.map {
        Field(dtype: $0.dtype, shape: $0.shape, begin: $0.begin, end: $0.end)
      })
  }

  /// Number of the tensor `name`.
  func item(_ name: String) -> Int? {
    fields.indices.first { names[$0].elementsEqual(name.utf8) }
  }
}
