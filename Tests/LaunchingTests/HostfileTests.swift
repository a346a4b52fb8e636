import Foundation
import Launching
import Testing
import TestSupport

struct HostfileTests {
  private func hosts(_ text: String) throws(LaunchError) -> [String] {
    try Hostfile(Data(text.utf8), path: "hosts").hosts.map { "\($0.name) \($0.slots ?? -1)" }
  }

  /// Each accepted by Open MPI 4.1.4, with these ranks.
  @Test(arguments: [
    ("node01 slots=32\nnode02 slots=16\n", ["node01 32", "node02 16"]),
    ("# all\n\n  a slots = 2 max_slots=4 // two\n", ["a 2"]),
    ("a slots=2 max-slots=4", ["a 2"]), ("a cpu=2\r\nb count=3\r\n", ["a 2", "b 3"]),
    ("a 2", ["a 2"]), ("root@a.b-c_d slots=1", ["root@a.b-c_d 1"]),
    ("a username=root slots=2", ["a 2"]), ("a\na\nb", ["a -1", "a -1", "b -1"]),
    ("a slots=0", ["a 0"]),
  ])
  func isRead(text: String, expected: [String]) throws {
    let found = try hosts(text)
    #expect(found == expected)
  }

  /// Refused by Open MPI 4.1.4 with an internal error, or the number of a token.
  @Test(arguments: [
    ("a slots=2\nb slots 2", 2, "\"slots\" has no value; write slots=NUMBER"),
    ("a slots=", 1, "\"slots\" has no value; write slots=NUMBER"),
    ("a slots=abc", 1, "slots is \"abc\", not a number of ranks"),
    ("a slots=-1", 1, "slots is \"-1\", not a number of ranks"),
    ("a slots=2, max_slots=4", 1, "slots is \"2,\", not a number of ranks"),
    ("a foo=3", 1, "the key \"foo\" is none that Open MPI knows"),
    ("node01:32", 1, "node01:32 is MPICH's form; write node01 slots=32"),
    ("a slots=2\nb slots=1\na slots=2", 3, "a has its slots in an earlier line already"),
    ("slots=2", 1, "\"slots\" is no name of a host"),
    ("\"a\" slots=2", 1, "\"\"a\"\" is no name of a host"),
  ])
  func isRefused(text: String, line: Int, reason: String) {
    #expect(throws: LaunchError.hostfileBroken(path: "hosts", line: line, reason: reason)) {
      try hosts(text)
    }
  }

  @Test(arguments: [
    ("", "it names no host"), ("# none\n", "it names no host"), ("a\u{1}", "it is no text"),
  ])
  func aFileWithoutHostsIsRefused(text: String, reason: String) {
    let error = #expect(throws: LaunchError.self) { try hosts(text) }
    #expect(
      error?.description
        == "--hostfile hosts: \(reason); give a line HOST slots=RANKS for each machine")
  }

  @Test func folderAndMissingFileAreNamed() {
    for path in ["/", "/no/such/file"] {
      #expect(throws: LaunchError.hostfileMissing(path: path)) { try Hostfile(path: path) }
    }
  }

  @Test func everyDamageIsReadOrRefused() {
    let text = """
      # two racks
      node01 slots=32 max_slots=64
      node02.cluster slots = 32
      admin@node03 slots=16 // slow
      """
    expectSentences(seed: 15, of: Array(text.utf8)) { bytes in
      _ = try Hostfile(Data(bytes), path: "hosts")
    }
  }
}
