import Foundation
import RunFiles
import TestSupport
import Testing

/// `predictions.csv`.
@Suite struct PredictionsTests {
  private let rows: [Predictions.Row] = [
    .init(utterance: "b", step: 3, pesq: 2.5, predicted: 2.25, noisyPESQ: 1.5, noisyPredicted: 1),
    .init(utterance: "c, \"d\"", step: 2, pesq: 1.0625, predicted: 4),
    .init(utterance: "a", step: 3, pesq: nil, predicted: 0.5),
  ]

  @Test func rowsAreSortedAndReadBack() throws {
    try withTemporaryFolder { folder in
      let table = Predictions(rows)
      #expect(table.rows.map(\.utterance) == ["c, \"d\"", "a", "b"])
      #expect(Predictions(rows.reversed()).csv == table.csv)
      let url = folder.appending(path: "predictions.csv")
      try table.csv.write(to: url, atomically: false, encoding: .utf8)
      #expect(try Predictions(contentsOf: url) == table)
      #expect(try Predictions(contentsOf: folder.appending(path: "none.csv")) == nil)
    }
  }

  @Test(arguments: ["", "file,step\n", "utterance,step,pesq,predicted_pesq,noisy_pesq\n"])
  func otherTablesAreRefused(text: String) throws {
    try withTemporaryFolder { folder in
      let url = folder.appending(path: "predictions.csv")
      try text.write(to: url, atomically: false, encoding: .utf8)
      #expect(throws: ComparisonError.self) { try Predictions(contentsOf: url) }
    }
  }

  @Test func damagedRowsAreNamed() throws {
    try withTemporaryFolder { folder in
      let url = folder.appending(path: "predictions.csv")
      try (Predictions(rows).csv + "x,nothing,1,2,3,4\n")
        .write(to: url, atomically: false, encoding: .utf8)
      #expect(
        throws: ComparisonError.unreadable(
          path: url.path(percentEncoded: false), reason: "line 5 is no row of predictions")
      ) { try Predictions(contentsOf: url) }
    }
  }

  @Test func thePageHasEveryColumn() throws {
    let text = try FilesPage().text(under: "predictions.csv")
    for name in Predictions.columnNames { #expect(text.contains("`\(name)`")) }
  }
}
