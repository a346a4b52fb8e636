import Foundation

/// The reason for which a text is not JSON, as a clause of an error message.
public struct JSONError: Error, Equatable, CustomStringConvertible {
  /// Place and kind of the fault, such as `line 3, column 12: a comma or "}" is expected`.
  public let description: String
}

/// A JSON document as a tree, for settings whose errors quote the value they reject.
public enum JSONValue: Sendable, Equatable {
  /// `null`.
  case null
  /// `true` or `false`.
  case bool(Bool)
  /// A number without a fraction that fits an `Int`; 4.0 and 4 are equal.
  case integer(Int)
  /// Any other number; written as `null` if it is not finite.
  case number(Double)
  /// A string, with escapes resolved.
  case string(String)
  /// A list.
  case array([JSONValue])
  /// An object.
  case object([String: JSONValue])

  /// Parses a complete document.
  ///
  /// - Throws: `JSONError` for text that is no JSON document.
  public init(parsing text: some Sequence<UInt8>) throws(JSONError) {
    let data = Data(text)
    do {
      self = try JSONDecoder().decode(JSONValue.self, from: data)
    } catch {
      throw JSONError(
        description: JSONFault(Array(data))?.description ?? Self.fault(in: data) ?? "it is no JSON")
    }
  }

  /// The list of the integers `values`.
  public static func integers(_ values: [Int]) -> JSONValue { .array(values.map { .integer($0) }) }

  /// The value of `key`; nil if this is no object or has no such key.
  public subscript(key: String) -> JSONValue? {
    guard case .object(let members) = self else { return nil }
    return members[key]
  }

  /// The value as a string; nil for other values.
  public var string: String? {
    if case .string(let text) = self { return text }
    return nil
  }

  /// The value as a list of integers; nil for other values.
  public var integers: [Int]? {
    guard case .array(let items) = self else { return nil }
    var result: [Int] = []
    result.reserveCapacity(items.count)
    for item in items {
      guard case .integer(let value) = item else { return nil }
      result.append(value)
    }
    return result
  }

  /// A clause about the first number that is too small for a `Double` of full precision, which
  /// Foundation does not read; nil if there is none.
  private static func numberBelowAll(in data: Data) -> String? {
    let text = String(decoding: data, as: UTF8.self)
    return text.split { !"+-.eE".contains($0) && !$0.isNumber }
      .first { Double($0).map(\.isSubnormal) ?? false }.map { "the number \($0) is too small" }
  }

  // Faults beside those of the grammar: broken UTF-8, numbers that are too large, and nesting.
  private static func fault(in data: Data) -> String? {
    do {
      _ = try JSONSerialization.jsonObject(with: data, options: .fragmentsAllowed)
      return numberBelowAll(in: data)
    } catch {
      let reason = (error as NSError).userInfo[NSDebugDescriptionErrorKey] as? String ?? ""
      if let start = reason.range(of: "Number "), let end = reason.range(of: " is not repres") {
        return "the number \(reason[start.upperBound..<end.lowerBound]) is too large"
      }
      let faults = [
        ("UTF-8", "it is not UTF-8"), ("surrogate", "a string has half of a pair of surrogates"),
        ("nested", "arrays and objects are nested too deep"),
      ]
      return faults.first { reason.contains($0.0) }?.1
    }
  }
}

extension JSONValue: CustomStringConvertible {
  /// The value as JSON on one line with sorted keys, so that equal values have equal texts.
  public var description: String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    // Foundation reads 512 levels of nesting but does not write them; only broken files have so
    // many.
    guard let data = try? encoder.encode(self) else { return "…" }
    return String(decoding: data, as: UTF8.self)
  }
}

extension JSONValue: Codable {
  /// Decodes any value.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
    } else if let value = try? container.decode(Int.self) {
      self = .integer(value)
    } else if let value = try? container.decode(String.self) {
      self = .string(value)
    } else if let value = try? container.decode([JSONValue].self) {
      self = .array(value)
    } else if let value = try? container.decode(Bool.self) {
      self = .bool(value)
    } else if let value = try? container.decode(Double.self) {
      self = .number(value)
    } else {
      self = .object(try container.decode([String: JSONValue].self))
    }
  }

  /// Encodes the value.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .null: try container.encodeNil()
    case .bool(let value): try container.encode(value)
    case .integer(let value): try container.encode(value)
    case .number(let value) where value.isFinite: try container.encode(value)
    case .number: try container.encodeNil()
    case .string(let value): try container.encode(value)
    case .array(let items): try container.encode(items)
    case .object(let members): try container.encode(members)
    }
  }
}
