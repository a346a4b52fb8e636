import ArgumentParser
import Audio
import Corpora
import Files
import Foundation

/// `disttrain prepare pack`: one file out of a corpus folder.
struct PreparePackCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pack",
    abstract: "Write a corpus into one file, which --data takes in place of the folder.",
    discussion: """
      For the file systems of clusters, which open one large file faster than thousands of small \
      ones. All splits are packed, and training and scores are the same, bit for bit. FLAC is \
      decoded here, once. The file is a safetensors file with all samples (16-bit integers of \
      16-bit sources, 32-bit floats of others), a table of names and places, and a checksum for \
      every 16384 samples, against which every crop is verified when it is read. prepare verify \
      looks at a whole file.
      """)

  @Option(
    name: [.customLong("input"), .customLong("data")],
    help: ArgumentHelp(
      "Corpus: {train,valid,test}/{clean,noisy}, or VoiceBank-DEMAND's folders. --data is the "
        + "older name.", valueName: "folder"))
  var input: String
  @Option(
    help: ArgumentHelp("File to write, customarily *.safetensors; replaced.", valueName: "file"))
  var output: String
  @Option(help: "Unusable files: stop, or skip (left out and listed).")
  var onBadFile = OnBadFile.stop

  func run() throws {
    let url = URL(fileURLWithPath: output)
    try checkOutput(url)
    let packer = try CorpusPacker(folder: input, onBadFile: onBadFile)
    let log = try Console.progressLog()
    log.beginProgress("packing", total: packer.fileCount)
    let report: CorpusPacker.Report
    do {
      defer { log.endProgress() }
      report = try packer.write(to: url) { files, audioSeconds in
        log.progress(completed: files, audioSeconds: audioSeconds)
      }
    }
    for level in OddLevel.warnings(report.oddLevels) { log.warning(level) }
    Console.line("\(report.description)\n\(output): give it to train and evaluate as --data")
  }

  /// Finds what would only come out after an hour of packing, and makes room.
  private func checkOutput(_ url: URL) throws {
    if PathKind(url.path(percentEncoded: false)) == .folder { throw OutputIsFolder(path: output) }
    do {
      try AtomicFile.removeStaleTemporaries(
        in: url.deletingLastPathComponent(), of: url.lastPathComponent)
    } catch AtomicFileError.folderMissing {
      throw AtomicFileError.folderMissing(path: output)
    }
  }
}

private struct OutputIsFolder: Error, CustomStringConvertible {
  let path: String
  var description: String { "\(path) is a folder; --output names the file to write" }
}
