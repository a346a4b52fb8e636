import Files

/// A value of a field: a number, a text, a truth value, an array of them, or nil where there may be
/// none.
package protocol FieldValue: Decodable {
  /// The value in a JSON object. A number that is not finite becomes null.
  var json: JSONValue { get }

  /// The value of a table's cell; nil if the cell has another form.
  init?(cell: String)
}

extension FieldValue {
  /// No value: only numbers are read from tables.
  package init?(cell: String) { nil }
}

extension Int: FieldValue {
  package var json: JSONValue { .integer(self) }
  /// Counts only: from 0 to what JSON keeps exactly.
  package init?(cell: String) {
    guard let value = Int(cell), (0...(1 << 53)).contains(value) else { return nil }
    self = value
  }
}

extension Double: FieldValue {
  package var json: JSONValue { .number(self) }
  package init?(cell: String) {
    guard let value = Double(cell), value.isFinite else { return nil }
    self = value
  }
}

extension Bool: FieldValue {
  package var json: JSONValue { .bool(self) }
}

extension String: FieldValue {
  package var json: JSONValue { .string(self) }
}

extension Array: FieldValue where Element: FieldValue {
  package var json: JSONValue { .array(map(\.json)) }
}

extension Optional: FieldValue where Wrapped: FieldValue {
  package var json: JSONValue { self?.json ?? .null }
  package init?(cell: String) {
    guard let value = Wrapped(cell: cell) else { return nil }
    self = value
  }
}
