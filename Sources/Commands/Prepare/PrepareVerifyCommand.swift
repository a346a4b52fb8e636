import ArgumentParser
import Corpora
import Files
import Foundation
import Platform
import Preparation
import RunFiles

/// `disttrain prepare verify`: whether a corpus still is what was prepared.
struct PrepareVerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Read a whole prepared corpus and compare it with its checksums.",
    discussion: """
      Takes a file of prepare pack, or a folder of prepare voicebank or prepare minicorpus. Names \
      everything that has changed, is missing or does not belong there, and then ends with status \
      1. Training verifies what it reads of a packed file by itself; this looks at all of it, \
      after a copy for example.
      """)

  @Option(help: ArgumentHelp("The file or folder.", valueName: "folder or file"))
  var data: String

  func run() throws {
    let log = try Console.progressLog()
    if PackedCorpus.isFile(data) {
      try verifyPack(log)
    } else {
      try verifyFolder(log)
    }
  }

  private func verifyPack(_ log: RunLog) throws {
    let corpus = try PackedCorpus(path: data)
    log.beginProgress("verifying", total: max(corpus.recordings.count, 1), unit: "recordings")
    let found = PackVerification(corpus) { recordings, audioSeconds in
      log.progress(completed: recordings, audioSeconds: audioSeconds)
    }
    log.endProgress()
    for damage in found.damages { Console.line("damaged: \(damage)") }
    if !found.damages.isEmpty {
      throw PackedCorpusError.damagedRecordings(
        path: data, count: found.damages.count, of: found.recordingCount)
    }
    Console.line(
      "\(data): all " + NumberText.count(found.recordingCount, "recording")
        + " \(NumberText.agree(found.recordingCount, "is", "are")) as packed ("
        + NumberText.count(found.blockCount, "block") + ", "
        + NumberText.count(corpus.byteCount, "byte") + ")")
  }

  private func verifyFolder(_ log: RunLog) throws {
    if PathKind(data) == nil { throw PairedDatasetError.missingCorpus(path: data) }
    var isShown = false
    let found = try PreparedFolder.verify(data) { files, total in
      if !isShown { log.beginProgress("verifying", total: total, unit: "files") }
      isShown = true
      log.progress(completed: files)
    }
    log.endProgress()
    for file in found.damaged { Console.line("damaged: \(file)") }
    if !found.damaged.isEmpty {
      throw VoiceBankError.damaged(count: found.damaged.count, path: data)
    }
    let files = NumberText.count(found.fileCount, "file")
    let verb = NumberText.agree(found.fileCount, "is", "are")
    Console.line("\(data): all \(files) \(verb) as prepared")
  }
}
