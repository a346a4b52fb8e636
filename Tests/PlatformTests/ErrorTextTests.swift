import Foundation
import Platform
import Testing

/// Errors of libraries in words for people.
@Suite struct ErrorTextTests {
  private struct Settings: Codable {
    var clip: Double
    var model = ["name": 1]
  }
  private struct Own: Error, CustomStringConvertible { let description = "x.wav: it is silent" }
  private enum Unworded: Error { case broken }

  private func error(_ body: () throws -> Void) throws -> any Error {
    do { try body() } catch { return error }
    throw Own()
  }

  private func expect(
    _ error: any Error, _ text: String, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(ErrorText.sentence(error) == text, sourceLocation: sourceLocation)
  }

  @Test func errorsOfJSONNameTheKey() throws {
    expect(
      try error { _ = try JSONEncoder().encode(Settings(clip: .infinity)) },
      "\"clip\" cannot be written as JSON: it is inf")
    func decoding(_ text: String) throws -> any Error {
      try error { _ = try JSONDecoder().decode(Settings.self, from: Data(text.utf8)) }
    }
    expect(try decoding("{}"), "JSON cannot be understood: the key \"clip\" is missing")
    expect(
      try decoding(#"{"clip":1,"model":{"name":"x"}}"#),
      "JSON cannot be understood: the value of \"model.name\" is of another type")
    expect(try decoding("{"), "it is no valid JSON")
  }

  @Test func errorsOfFilesAreTheSystems() throws {
    let missing = try error { _ = try Data(contentsOf: URL(fileURLWithPath: "/nowhere/x")) }
    #expect(ErrorText.sentence(missing) == "/nowhere/x: No such file or directory")
    #expect(ErrorText.reason(missing) == "No such file or directory")
    let folder = try error {
      try FileManager.default.createDirectory(
        atPath: "/proc/none/x", withIntermediateDirectories: true)
    }
    #expect(!ErrorText.reason(folder).contains("operation"), "\(ErrorText.reason(folder))")
    expect(POSIXError(.ENOSPC), "No space left on device")
    expect(
      NSError(domain: NSPOSIXErrorDomain, code: Int(EACCES)), "Permission denied")
    #expect(ErrorText.sentence(NSError(domain: "odd", code: 7)).contains("odd 7"))
  }

  @Test func ownErrorsAreAsTheyAre() {
    expect(Own(), "x.wav: it is silent")
    #expect(ErrorText.reason(Own()) == "x.wav: it is silent")
    // Without words it is a fault of the program, and says so.
    #expect(ErrorText.sentence(Unworded.broken).contains("please report"))
  }
}
