import Foundation

/// The Python of `scripts/test.sh`, with the packages that read files of the program back.
public enum TestPython {
  /// Runs a script of `Tests/Scripts`.
  ///
  /// - Throws: `SubprocessError` if there is no such Python, since its checks are never skipped.
  public static func run(
    _ script: String, _ arguments: [String], timeLimit: Double = 60
  ) throws -> SubprocessOutcome {
    let repository = fixturesFolder.deletingLastPathComponent().deletingLastPathComponent()
    let python = repository.file(".build/python/bin/python")
    guard FileManager.default.isExecutableFile(atPath: python) else {
      throw SubprocessError(
        description: "\(python) does not exist: scripts/test.sh makes it, or python3 -m venv "
          + ".build/python && .build/python/bin/pip install -r Tests/Scripts/requirements.txt")
    }
    return try Subprocess.run(
      python, [repository.file("Tests/Scripts/\(script)")] + arguments, timeLimit: timeLimit)
  }
}
