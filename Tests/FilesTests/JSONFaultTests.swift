import Files
import Foundation
import Testing

/// The place of the first fault in a file that should be JSON.
@Suite struct JSONFaultTests {
  @Test(arguments: [
    ("{\"name\": \"x\", \"bands\": [2, 3,}", "line 1, column 30: a value is expected"),
    ("{\"name\": \"x\"\n\"bands\": 3}", "line 2, column 1: a comma or \"}\" is expected"),
    ("{\n  \"a\": 01\n}", "line 2, column 8: a number begins with 0"),
    ("{\"é\": \"ü\" \"b\"}", "line 1, column 11: a comma or \"}\" is expected"),
    // Foundation reads commas before an end, so they are not the fault.
    ("{\n  \"bands\": [1,\n  2,],\n nul}", "line 4, column 2: a key in double quotes is expected"),
    ("{\"a\": nul}", "line 1, column 7: a value is expected"),
    ("{\"a\": \"x", "line 1, column 7: a text in double quotes has no end"),
    ("{\"a\": \"x\ny\"}", "line 1, column 7: a text in double quotes has no end in its line"),
    ("{'a': 1}", "line 1, column 2: a key in double quotes is expected"),
    ("{\"a\" 1}", "line 1, column 6: a colon is expected behind the key"),
    ("{\"a\": 1", "line 1, column 8: the file ends here"),
    ("{\"a\": [1, 2}", "line 1, column 12: a comma or \"]\" is expected"),
    ("{\"a\": 1}}", "line 1, column 9: nothing may follow the last bracket"),
    ("{\"a\": 1.}", "line 1, column 9: a digit is expected behind the point"),
    ("{\"a\": 1e}", "line 1, column 9: a digit is expected in the exponent"),
    ("{\"a\": -}", "line 1, column 8: a digit is expected"),
    ("", "line 1, column 1: the file ends here"),
    ("hello", "line 1, column 1: a value is expected"),
  ])
  func isNamed(text: String, place: String) throws {
    let error = #expect(throws: JSONError.self) { try JSONValue(parsing: text.utf8) }
    #expect(try #require(error).description.hasPrefix(place), "\(String(describing: error))")
  }

  /// Whatever Foundation reads has no fault, and deep nesting ends no process.
  @Test func rightTextsHaveNone() throws {
    for text in [
      "[]", "{}", " [1, -2.5e+3, \"a\\\"b\", {\"x\": [null, true, false]}] \n", "0", "\"\"",
      "[[],{}]",
    ] {
      #expect(throws: Never.self) { try JSONValue(parsing: text.utf8) }
    }
    for open in ["[", "{\"\":"] {
      let text = String(repeating: open, count: 300_000)
      let error = #expect(throws: JSONError.self) { try JSONValue(parsing: text.utf8) }
      #expect(error?.description.contains("the file ends here") == true)
    }
  }

  @Test func filesOfAnotherKindAreNamed() {
    func name(_ text: String) -> String? { FileKind.name(firstBytes: Array(text.utf8)) }
    #expect(name(" {\"a\": 1}") == "a JSON file" && name("[1]") == "a JSON file")
    #expect(name("<!DOCTYPE html>") == "an HTML or XML page")
    #expect(name("version https://git-lfs.github.com/spec/v1")?.contains("Git LFS") == true)
    #expect(name("file,pesq\na,1\n") == "a text file" && name("abc") == "a text file")
    #expect(name("RIFF....WAVE") == "a WAV file" && name("fLaC") == "a FLAC file")
    #expect(FileKind.name(firstBytes: [0x50, 0x4b, 3, 4, 0, 0])?.contains("PyTorch") == true)
    // A header length, and bytes of no known kind.
    #expect(FileKind.name(firstBytes: [80, 13, 0, 0, 0, 0, 0, 0, 0x7b]) == nil)
    #expect(FileKind.name(firstBytes: [] as [UInt8]) == nil)
  }
}
