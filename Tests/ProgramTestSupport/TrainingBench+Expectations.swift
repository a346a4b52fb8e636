import Testing
import TestSupport

extension TrainingBench {
  /// Expects that two runs have come to the same, bit for bit.
  package func expectEqual(
    _ one: String, _ other: String, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    #expect(try differences(one, other) == [], sourceLocation: sourceLocation)
  }
}
