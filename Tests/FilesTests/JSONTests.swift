import Files
import Foundation
import Testing

struct JSONTests {
  static let valid: [(String, JSONValue)] = [
    ("null", .null),
    (" [true , false]\r\n\t", .array([.bool(true), .bool(false)])),
    ("[0, -0, -12, 4.0, 1E2, 9223372036854775807]", .integers([0, 0, -12, 4, 100, .max])),
    ("9223372036854775808", .number(9_223_372_036_854_775_808)),
    ("[1.5, -2.5e-3, 1E-2]", .array([.number(1.5), .number(-0.0025), .number(0.01)])),
    (#""a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00ü""#, .string("a\"\\/\u{8}\u{c}\n\r\té😀ü")),
    (
      #"{"b": {}, "a": [], "": 1}"#,
      .object(["b": .object([:]), "a": .array([]), "": .integer(1)])
    ),
  ]

  @Test(arguments: valid) func parses(text: String, value: JSONValue) throws {
    #expect(try JSONValue(parsing: text.utf8) == value)
    // The text that is written reads back as the same value.
    #expect(try JSONValue(parsing: value.description.utf8) == value)
  }

  @Test func textIsCompactAndSorted() {
    let value = JSONValue.object([
      "b/1": .array([.integer(1), .number(0.5), .null]), "a": .string("é\n"), "c": .bool(true),
    ])
    #expect(value.description == #"{"a":"é\n","b/1":[1,0.5,null],"c":true}"#)
  }

  static let invalid = [
    "", "{\"a\" 1}", "[1,\n2 3]", "[1] x", "tru", "01", "-", "1.", "1e", "1e999", "[-1e400]", "NaN",
    "{\"a\": [1, {\"b\": 1e400}]}", "\"abc", "\"a\nb\"", #""\x""#, #""\u12g4""#, #""\ud800""#,
    #"["\udc00\ud800"]"#, #""\"#, "{1: 2}", String(repeating: "9", count: 1000),
    String(repeating: "[", count: 1_000_000), String(repeating: "{\"\":", count: 1_000_000),
  ]

  @Test(arguments: invalid) func rejects(text: String) throws {
    let error = #expect(throws: JSONError.self) { try JSONValue(parsing: text.utf8) }
    // Foundation's reason, not that of a value tried in vain.
    #expect(try !#require(error).description.contains("DecodingError"))
  }

  /// About as deep as Foundation goes, in reading and in writing.
  @Test(arguments: 500...520) func deepListsDoNotCrash(depth: Int) throws {
    let text = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    let value = try? JSONValue(parsing: text.utf8)
    #expect((value != nil) == (depth <= 512))
    if let value { #expect(value.description == (depth < 512 ? text : "…")) }
  }

  @Test(arguments: [Double.nan, .infinity, -.infinity]) func onlyFiniteNumbersAreWritten(
    value: Double
  ) {
    #expect(JSONValue.array([.number(value)]).description == "[null]")
  }

  @Test func rejectsBrokenUTF8() {
    for text: [UInt8] in [[0x22, 0xc3, 0x22], [0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]] {
      #expect(throws: JSONError.self) { try JSONValue(parsing: text) }
    }
  }

  @Test func errorsNameThePlace() {
    let error = #expect(throws: JSONError.self) {
      try JSONValue(parsing: "{\n  \"name\": ,\n}".utf8)
    }
    #expect(error?.description.hasPrefix("line 2, column 11: a value is expected") == true)
  }
}
