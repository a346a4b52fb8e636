import Files
import Foundation
import Testing
import TestSupport

/// Lines of files that are read in pieces.
@Suite struct WholeLinesTests {
  /// Reads the file at `path` from `start` on.
  private func read(
    _ path: String, into lines: inout WholeLines, from start: Int = 0, mark: String? = nil
  ) throws -> (lines: [String], byteCount: Int) {
    let file = open(path, O_RDONLY)
    try #require(file >= 0)
    defer { close(file) }
    lseek(file, off_t(start), SEEK_SET)
    var found: [String] = []
    func take(_ bytes: UnsafeRawBufferPointer) {
      found.append(String(decoding: bytes, as: UTF8.self))
    }
    let result =
      mark.map { lines.read(file, with: Array($0.utf8), take) } ?? lines.read(file, take)
    #expect(result.isComplete)
    return (found, result.byteCount)
  }

  /// Lines across the borders of pieces, and longer than a piece.
  @Test func areThoseOfTheWholeText() throws {
    try withTemporaryFolder { folder in
      var random = SplitMix64(seed: 1)
      var expected: [String] = []
      for index in 0..<4000 {
        let length = index % 1500 == 7 ? 3_000_000 : random.below(900)
        expected.append(String(repeating: ["a", "b", "é"][index % 3], count: length))
        if index % 100 == 0 { expected[index] += "MARK" }
      }
      let path = folder.file("text")
      let text = expected.joined(separator: "\n") + "\nthe rest"
      try text.write(toFile: path, atomically: false, encoding: .utf8)
      var lines = WholeLines()
      let all = try read(path, into: &lines)
      #expect(all.lines == expected.filter { !$0.isEmpty })
      #expect(all.byteCount == text.utf8.count)
      var others = WholeLines()
      let marked = try read(path, into: &others, mark: "MARK")
      #expect(marked.lines == expected.filter { $0.hasSuffix("MARK") })
      // The fragment is completed by what is added.
      try (text + " of it\nMARK\nx").write(toFile: path, atomically: false, encoding: .utf8)
      #expect(
        try read(path, into: &lines, from: all.byteCount).lines == ["the rest of it", "MARK"])
      #expect(
        try read(path, into: &others, from: all.byteCount, mark: "MARK").lines == ["MARK"])
    }
  }
}
