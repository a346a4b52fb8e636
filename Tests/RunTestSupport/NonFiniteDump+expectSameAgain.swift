import Checkpoints
import DistTrain
import Report
import Testing

extension NonFiniteDump {
  /// Expects that a replay finds what was recorded, down to the counts.
  package func expectSameAgain(sourceLocation: SourceLocation = #_sourceLocation) throws {
    let replay = try DumpReplay(self)
    #expect(replay.verdict == .same, "\(replay.text)", sourceLocation: sourceLocation)
    #expect(
      replay.inspections.compactMap(\.finding) == header.report.findings,
      sourceLocation: sourceLocation)
    #expect(!replay.inspections.isEmpty, sourceLocation: sourceLocation)
  }
}
