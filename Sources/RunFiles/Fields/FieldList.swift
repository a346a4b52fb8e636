import Files

/// A value whose fields have names in the files of a run.
///
/// One list of the fields, `visit`, serves for writing, for reading and for the names themselves,
/// so that they cannot differ.
package protocol FieldList {
  /// The value before its fields are read: what a file that lacks a field gets.
  init()

  /// Passes each field with its name to `fields`, in the order of the columns of a table.
  mutating func visit<Visitor: FieldVisitor>(_ fields: inout Visitor) throws(Visitor.Failure)
}

/// Visits the fields of a value, to write, read or name them.
package protocol FieldVisitor {
  /// Error of reading a field; `Never` for a visitor that writes.
  associatedtype Failure: Error

  /// Visits one field. A required one has to be in a file that is read; another keeps its value
  /// where the file lacks it, or has null.
  mutating func visit(
    _ name: String, _ value: inout some FieldValue, isRequired: Bool
  ) throws(Failure)
}

extension FieldVisitor {
  /// Visits a field that may be missing.
  package mutating func callAsFunction(
    _ name: String, _ value: inout some FieldValue
  ) throws(Failure) { try visit(name, &value, isRequired: false) }

  /// Visits a field that no version leaves out.
  package mutating func required(
    _ name: String, _ value: inout some FieldValue
  ) throws(Failure) { try visit(name, &value, isRequired: true) }
}

extension FieldList {
  /// Names and values of the fields, in order.
  package var fields: [(name: String, value: JSONValue)] {
    var copy = self
    var writer = FieldWriter()
    copy.visit(&writer)
    return writer.fields
  }

  /// Names of the fields, in order.
  package static var fieldNames: [String] { Self().fields.map(\.name) }
}

private struct FieldWriter: FieldVisitor {
  var fields: [(name: String, value: JSONValue)] = []

  mutating func visit(_ name: String, _ value: inout some FieldValue, isRequired: Bool) {
    fields.append((name, value.json))
  }
}

/// Reads fields from a JSON object. One of another type is a `DecodingError`, and so is an integer
/// that is no count: below 0, or so large that JSON does not keep it.
struct JSONFieldReader: FieldVisitor {
  let object: KeyedDecodingContainer<FieldName>
  private static let counts = 0...(1 << 53)

  func visit<Value: FieldValue>(
    _ name: String, _ value: inout Value, isRequired: Bool
  ) throws(any Error) {
    let name = FieldName(stringValue: name)
    if isRequired {
      value = try object.decode(Value.self, forKey: name)
    } else if let found = try object.decodeIfPresent(Value.self, forKey: name) {
      value = found
    }
    if let count = value as? Int, !Self.counts.contains(count) {
      throw DecodingError.dataCorruptedError(
        forKey: name, in: object, debugDescription: "\(count) is no count")
    }
  }
}

/// Reads fields from a row of a table. A cell that does not have the form of its column counts as
/// missing.
struct CellReader: FieldVisitor {
  /// By column.
  let cells: [String: String]

  func visit<Value: FieldValue>(_ name: String, _ value: inout Value, isRequired: Bool) {
    if let found = cells[name].flatMap(Value.init(cell:)) { value = found }
  }
}

/// The name of a field in a JSON object.
struct FieldName: CodingKey {
  let stringValue: String
  var intValue: Int? { nil }

  init(stringValue: String) { self.stringValue = stringValue }
  init?(intValue: Int) { nil }
}
