import Platform
import Testing

@Suite struct PathTextTests {
  /// Path, folder, name, extension and the path without extension.
  @Test(arguments: [
    ("a", ".", "a", "", "a"), ("é", ".", "é", "", "é"), ("a/", ".", "a", "", "a/"),
    ("a.wav", ".", "a.wav", "wav", "a"), ("/a.wav", "/", "a.wav", "wav", "/a"),
    ("x/a.b.flac", "x", "a.b.flac", "flac", "x/a.b"), ("x//a", "x", "a", "", "x//a"),
    ("x.y/a", "x.y", "a", "", "x.y/a"), ("x/.wav", "x", ".wav", "", "x/.wav"),
    ("/", "/", "", "", "/"), ("", ".", "", "", ""), (".", ".", ".", "", "."),
    ("a.", ".", "a.", "", "a."), ("//x/y/", "//x", "y", "", "//x/y/"),
  ])
  func partsAreThoseOfTheText(
    path: String, folder: String, name: String, ending: String, rest: String
  ) {
    #expect(PathText.folder(path) == folder)
    #expect(PathText.name(path) == name)
    #expect(PathText.fileExtension(path) == ending)
    #expect(PathText.withoutExtension(path) == rest)
  }

  /// Bytes, not letters: two forms of é are two names.
  @Test func formsOfALetterAreKept() {
    let name = "e\u{301}"
    #expect(Array(PathText.name("x/\(name)").utf8) == Array(name.utf8))
    #expect(Array(PathText.folder("\(name)/x").utf8) == Array(name.utf8))
  }
}
