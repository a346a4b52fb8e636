import Files
import Foundation
import Testing
import TestSupport

@Suite struct FileContentsTests {
  @Test func pathsNameFilesFoldersOrNothing() throws {
    let folder = try TemporaryFolder()
    try folder.write([1, 2], "file")
    try FileManager.default.createSymbolicLink(
      atPath: folder.file("link"), withDestinationPath: folder.path)
    try FileManager.default.createSymbolicLink(
      atPath: folder.file("broken"), withDestinationPath: "none")
    #expect(PathKind(folder.file("file")) == .file)
    #expect(PathKind("/dev/null") == .other)
    #expect(PathKind(folder.path) == .folder)
    #expect(PathKind(folder.file("link")) == .folder)
    #expect(PathKind(folder.file("none")) == nil)
    #expect(PathKind(folder.file("broken")) == nil)
  }

  @Test func errorsSayWhatIsWrong() throws {
    struct Failure: Error, Equatable { let reason: String }
    let folder = try TemporaryFolder()
    try folder.write([1, 2], "file")
    func read(_ name: String) throws(Failure) -> [UInt8] {
      let url = URL(fileURLWithPath: folder.file(name))
      return [UInt8](try FileContents.read(url) { Failure(reason: $0.reason) })
    }
    #expect(try read("file") == [1, 2])
    #expect(throws: Failure(reason: "there is no such file")) { try read("none") }
    #expect(throws: Failure(reason: "it is a folder, not a file")) { try read(".") }
    // Nobody writes into the pipe: opening it would wait for ever.
    mkfifo(folder.file("pipe"), 0o600)
    #expect(throws: Failure(reason: FileContents.notRegular)) { try read("pipe") }
    #expect(throws: SafetensorsError.self) {
      try SafetensorsHeader(contentsOf: URL(fileURLWithPath: folder.file("pipe")))
    }
    #expect(throws: SafetensorsError.self) {
      try SafetensorsHeader(contentsOf: URL(fileURLWithPath: "/dev/zero"))
    }
    let pipe = #expect(throws: UnreadableFile.self) {
      try FileContents.text(URL(fileURLWithPath: folder.file("pipe")))
    }
    #expect(pipe?.reason == FileContents.notRegular)
    try Data([0xFF, 0x41]).write(to: URL(fileURLWithPath: folder.file("bytes")))
    let bytes = #expect(throws: UnreadableFile.self) {
      try FileContents.text(URL(fileURLWithPath: folder.file("bytes")))
    }
    #expect(bytes?.reason == "it is no UTF-8 text")
    let missing = #expect(throws: UnreadableFile.self) {
      try FileContents.read(URL(fileURLWithPath: folder.file("none")))
    }
    #expect(missing?.isMissing == true)
    let other = #expect(throws: UnreadableFile.self) {
      try FileContents.read(URL(fileURLWithPath: folder.path))
    }
    #expect(other?.isMissing == false)
  }

  @Test func jsonIsIndentedAndSorted() throws {
    struct Figures: Encodable {
      let stepSeconds: Double
      let folder: String
    }
    let figures = Figures(stepSeconds: 0.5, folder: "a/b")
    #expect(
      try indentedJSON(figures, snakeCase: true)
        == "{\n  \"folder\" : \"a/b\",\n  \"step_seconds\" : 0.5\n}")
    #expect(try indentedJSON(figures).contains("\"stepSeconds\" : 0.5"))
    #expect(throws: EncodingError.self) { try indentedJSON([Double.nan]) }
  }
}
