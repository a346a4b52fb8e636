import Foundation
import Tensor
import Testing

struct JSONTests {
  static let valid: [(String, JSONValue)] = [
    ("null", .null),
    (" [true , false]\r\n\t", .array([.bool(true), .bool(false)])),
    ("[0, -0, -12, 9223372036854775807]", .integers([0, 0, -12, .max])),
    ("9223372036854775808", .number(9_223_372_036_854_775_808)),
    ("[1.5, -2.5e-3, 1E-2]", .array([.number(1.5), .number(-0.0025), .number(0.01)])),
    (#""a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00ü""#, .string("a\"\\/\u{8}\u{c}\n\r\té😀ü")),
    (
      #"{"b": {}, "a": [], "": 1}"#,
      .object([.init("b", .object([])), .init("a", .array([])), .init("", .integer(1))])
    ),
  ]

  @Test(arguments: valid) func parses(text: String, value: JSONValue) throws {
    #expect(try JSONValue(parsing: Array(text.utf8)) == value)
    // What is written reads back the same.
    #expect(try JSONValue(parsing: Array(value.description.utf8)) == value)
  }

  @Test(arguments: valid) func codesLikeFoundation(text: String, value: JSONValue) throws {
    let foreign = try JSONEncoder().encode(["k": value])
    let decoded = try JSONDecoder().decode([String: JSONValue].self, from: foreign)["k"]
    let again = try JSONDecoder().decode(JSONValue.self, from: Data(text.utf8))
    #expect(decoded == again)
    if case .object = value {} else { #expect(decoded == value) }
  }

  static let invalid: [(String, JSONError.Problem, Int, Int)] = [
    ("", .expected("a value"), 1, 1),
    ("{\n  \"a\": 1,\n  \"a\": 2\n}", .duplicateKey("a"), 3, 3),
    ("{\"a\": 1,}", .expected("a key in quotes"), 1, 9),
    ("[1,\n2 3]", .expected("\",\" or \"]\""), 2, 3),
    ("{\"a\" 1}", .expected("\":\""), 1, 6),
    ("[1] x", .expected("the end of the text"), 1, 5),
    ("tru", .expected("a value"), 1, 1),
    ("01", .expected("the end of the text"), 1, 2),
    ("-", .expected("a digit"), 1, 2),
    ("1.", .expected("a digit"), 1, 3),
    ("1e", .expected("a digit"), 1, 3),
    ("1e999", .numberTooLarge, 1, 1),
    ("\"abc", .expected("a closing quote"), 1, 5),
    ("\"a\nb\"", .expected("a closing quote before the control character"), 1, 3),
    (#""\x""#, .expected("a valid escape"), 1, 3),
    (#""\u12g4""#, .expected("four hexadecimal digits"), 1, 6),
    (#""\ud800""#, .expected("a complete surrogate pair"), 1, 4),
    (#""\udc00\ud800""#, .expected("a complete surrogate pair"), 1, 4),
    (#""\"#, .expected("a valid escape"), 1, 3),
    (String(repeating: "[", count: 65), .tooDeep, 1, 65),
  ]

  @Test(arguments: invalid)
  func rejects(text: String, problem: JSONError.Problem, line: Int, column: Int) throws {
    let error = #expect(throws: JSONError.self) { try JSONValue(parsing: Array(text.utf8)) }
    #expect(error?.problem == problem)
    #expect(error?.line == line)
    #expect(error?.column == column)
  }

  @Test func rejectsBrokenUTF8() {
    let error = #expect(throws: JSONError.self) {
      try JSONValue(parsing: [UInt8(ascii: "\""), 0xc3, UInt8(ascii: "\"")])
    }
    #expect(error?.problem == .notUTF8)
  }
}
