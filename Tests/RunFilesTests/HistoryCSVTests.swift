import Foundation
import Metrics
import RunFiles
import Testing
import TestSupport

@Suite final class HistoryCSVTests {
  private let folder: URL
  private var url: URL { folder.appending(path: "history.csv") }

  init() throws { folder = try temporaryFolder() }
  deinit { try? FileManager.default.removeItem(at: folder) }

  private func report(_ epoch: Int, pesq: Double? = 2.5) -> EpochReport {
    EpochReport(
      epoch: epoch, pesq: pesq, noisyPESQ: 1.97, siSDR: 18.25, noisySISDR: 8.5,
      validationLoss: 0.03125, trainingLoss: 0.034, learningRate: 0.001, scored: 3, total: 4,
      seconds: 10.5, audioSecondsPerSecond: 12, validationSeconds: 1.25,
      selection: pesq)
  }

  private func lines() throws -> [String] {
    try String(contentsOf: url, encoding: .utf8).split(separator: "\n").map(String.init)
  }

  @Test func oneRowPerEpochUnderAHeader() throws {
    var history = try HistoryCSV(url: url)
    try history.append(report(1))
    try history.append(report(2, pesq: nil))
    #expect(
      try lines() == [
        "epoch,pesq,noisy_pesq,si_sdr,noisy_si_sdr,loss,train_loss,scored,total,"
          + "seconds,audio_seconds_per_second,learning_rate,validation_seconds,selection_score",
        "1,2.5,1.97,18.25,8.5,0.03125,0.034,3,4,10.5,12.0,0.001,1.25,2.5",
        "2,nan,1.97,18.25,8.5,0.03125,0.034,3,4,10.5,12.0,0.001,1.25,nan",
      ])
    #expect(history.count == 2)
  }

  @Test func resumingDropsLaterEpochs() throws {
    var history = try HistoryCSV(url: url)
    for epoch in 1...5 { try history.append(report(epoch)) }
    let before = try lines()
    var resumed = try HistoryCSV(url: url, resumingAfter: 3)
    #expect(resumed.count == 3)
    #expect(try lines() == before)
    try resumed.append(report(4, pesq: 3))
    let after = try lines()
    #expect(Array(after.prefix(4)) == Array(before.prefix(4)))
    #expect(after.count == 5 && after[4].hasPrefix("4,3.0,"))
  }

  /// Whoever reads the file before the next epoch is done must not find those that are undone.
  @Test func goingBackTakesLaterEpochsOutOfTheFile() throws {
    var history = try HistoryCSV(url: url)
    for epoch in 1...5 { try history.append(report(epoch)) }
    let before = try lines()
    try history.goBack(to: 5)
    #expect(try lines() == before)
    try history.goBack(to: 3)
    #expect(try lines() == Array(before.prefix(4)) && history.count == 3)
    var resumed = try HistoryCSV(url: url, resumingAfter: 2)
    try resumed.goBack(to: 2)
    #expect(try lines() == Array(before.prefix(3)))
    // Before the first epoch was done; and a new run where a history lies.
    var started = try HistoryCSV(url: url)
    try started.goBack(to: 0)
    #expect(try lines() == [HistoryCSV.header])
    let other = folder.appending(path: "none.csv")
    var new = try HistoryCSV(url: other)
    try new.goBack(to: 0)
    #expect(!FileManager.default.fileExists(atPath: other.path(percentEncoded: false)))
  }

  @Test func epochAppendedTwiceIsThereOnce() throws {
    var history = try HistoryCSV(url: url)
    for epoch in [1, 2, 3, 2] { try history.append(report(epoch)) }
    #expect(try lines().map { $0.prefix(2) } == ["ep", "1,", "2,"])
  }

  @Test func historyOfVersion010GoesOn() throws {
    let header =
      "epoch,pesq,noisy_pesq,si_sdr,noisy_si_sdr,loss,train_loss,scored,total,seconds,"
      + "audio_seconds_per_second,learning_rate"
    let rows = ["1,2.5,1.97,18.25,8.5,0.03,0.034,3,4,10.5,12.0,0.001", "2,2.6,1,1,1,1,1,1,1,1,1,1"]
    try ([header] + rows + [""]).joined(separator: "\n")
      .write(to: url, atomically: true, encoding: .utf8)
    var history = try HistoryCSV(url: url, resumingAfter: 1)
    try history.append(report(2, pesq: 2.75))
    let now = try lines()
    #expect(now.count == 3 && now[0] == header + ",validation_seconds,selection_score")
    // That version chose the best epoch by PESQ.
    #expect(now[1] == rows[0] + ",nan,2.5")
    #expect(now[2].hasPrefix("2,2.75,") && now[2].hasSuffix(",0.001,1.25,2.75"))
    // And once more, in today's form.
    #expect(try HistoryCSV(url: url, resumingAfter: 2).count == 2)
  }

  @Test func historyOfVersion020GoesOn() throws {
    let header = HistoryCSV.header.replacing(",selection_score", with: "")
    let rows = ["1,nan,nan,18.25,8.5,0.03,0.034,3,4,10.5,12.0,0.001,1.5"]
    try ([header] + rows + [""]).joined(separator: "\n")
      .write(to: url, atomically: true, encoding: .utf8)
    var history = try HistoryCSV(url: url, resumingAfter: 1)
    try history.append(report(2))
    // At other rates it was SI-SDR.
    #expect(try lines()[1] == rows[0] + ",18.25")
  }

  @Test func scoresOfAnotherRuleAreForgotten() throws {
    var history = try HistoryCSV(url: url)
    for epoch in 1...3 { try history.append(report(epoch)) }
    try history.forgetSelection()
    var resumed = try HistoryCSV(url: url, resumingAfter: 3)
    var next = report(4, pesq: 1)
    next.selection = -0.5
    try resumed.append(next)
    #expect(
      try lines().dropFirst().map { $0.split(separator: ",").last } == [
        "nan", "nan", "nan", "-0.5",
      ])
    let text = try String(contentsOf: url, encoding: .utf8)
    #expect(try RunHistory(text, path: "").best?.epoch == 4)
  }

  @Test func newRunStartsAnewAndAMissingFileIsEmpty() throws {
    try Data("something else".utf8).write(to: url)
    var history = try HistoryCSV(url: url)
    try history.append(report(1))
    #expect(try lines().count == 2)
    let other = try HistoryCSV(url: folder.appending(path: "none.csv"), resumingAfter: 7)
    #expect(other.count == 0)
  }

  @Test(arguments: [
    ("", 1), ("other,header\n", 1), ("\(HistoryCSV.header)\n1,2\n", 2), ("epoch\n1\n", 1),
    ("\(HistoryCSV.header)\nx,1,1,1,1,1,1,1,1,1,1,1,1,1\n", 2),
  ])
  func foreignFilesAreNotContinued(text: String, line: Int) throws {
    try Data(text.utf8).write(to: url)
    let error = #expect(throws: HistoryError.self) {
      try HistoryCSV(url: url, resumingAfter: 2)
    }
    let path = url.path(percentEncoded: false)
    #expect(error?.description.hasPrefix("\(path), line \(line): ") == true)
    #expect(error?.description.hasSuffix("move the file away to start a new history") == true)
    #expect(try String(contentsOf: url, encoding: .utf8) == text)
  }

  @Test func unwritableFileIsAnError() throws {
    let missing = folder.appending(path: "none/history.csv")
    var history = try HistoryCSV(url: missing)
    #expect(
      throws: HistoryError.file(.folderMissing(path: missing.path(percentEncoded: false)))
    ) { try history.append(report(1)) }
  }

  // MARK: Reading

  private func read(_ text: String) throws -> [EpochReport] {
    try RunHistory(text, path: "run/history.csv").rows
  }

  @Test func rowsAreReadAsTheyWereWritten() throws {
    var history = try HistoryCSV(url: url)
    let reports = [report(1), report(2, pesq: nil), report(3, pesq: 2.75), report(4, pesq: 2.75)]
    for report in reports { try history.append(report) }
    let text = try String(contentsOf: url, encoding: .utf8)
    #expect(try read(text) == reports)
    // The first of equal scores counts, as training keeps its weights.
    #expect(try RunHistory(text, path: "").best == reports[2])
    // Where no epoch has PESQ, as at other sample rates, SI-SDR decides.
    func best(_ rows: [String]) throws -> Int? {
      try RunHistory(([HistoryCSV.header] + rows).joined(separator: "\n"), path: "").best?.epoch
    }
    func row(_ epoch: Int, siSDR: String, selection: String = "nan") -> String {
      "\(epoch),nan,nan,\(siSDR)\(String(repeating: ",1", count: 9)),\(selection)"
    }
    #expect(HistoryCSV.header.hasPrefix("epoch,pesq,noisy_pesq,si_sdr,"))
    #expect(try best([row(1, siSDR: "-2.5"), row(2, siSDR: "-1"), row(3, siSDR: "-1")]) == 2)
    #expect(try best([row(1, siSDR: "nan")]) == nil)
    // Where an epoch has a selection score, it decides.
    let own = [row(1, siSDR: "3", selection: "-2"), row(2, siSDR: "1", selection: "-1")]
    #expect(try best(own + [row(3, siSDR: "9")]) == 2)
  }

  @Test func otherVersionsAreReadAsFarAsTheyAreKnown() throws {
    // Fewer columns, as in version 0.1.0, and one of a later version, in another order.
    let rows = try read("epoch,pesq,moons,loss,scored\n1,2.5,7,0.25,3\n2,nan,x,inf,many\n")
    #expect(rows.count == 2)
    #expect(rows[0].pesq == 2.5 && rows[0].validationLoss == 0.25 && rows[0].scored == 3)
    #expect(rows[0].noisyPESQ == nil && rows[0].validationSeconds == nil && rows[0].seconds == 0)
    #expect(
      rows[1]
        == EpochReport(
          epoch: 2, learningRate: 0, scored: 0, total: 0, seconds: 0, audioSecondsPerSecond: 0))
  }

  @Test(arguments: ["", "a,b\n", "epoch\n1\n", "epoch,pesq\n1\n", "epoch,pesq\nx,1\n"])
  func otherFilesAreNoHistories(text: String) {
    #expect(throws: ComparisonError.self) { try read(text) }
  }
}
