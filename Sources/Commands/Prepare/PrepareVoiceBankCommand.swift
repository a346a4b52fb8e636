import ArgumentParser
import Corpora
import Foundation
import Preparation

/// `disttrain prepare voicebank`: VoiceBank-DEMAND at 16 kHz.
struct PrepareVoiceBankCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "voicebank",
    abstract: "Make a 16 kHz corpus from a download of VoiceBank-DEMAND.",
    discussion: """
      The input holds the four unpacked folders at 48 kHz: clean_trainset_28spk_wav (or 56spk), \
      noisy_trainset_28spk_wav, clean_testset_wav and noisy_testset_wav. The output has the same \
      with _16k behind their names, which train takes as it is, 16-bit, and manifest.csv with the \
      checksums of every file and its source. Needs libsoxr0 (its filter: docs/data.md).

      An interrupted preparation continues when the command is started again. Files that cannot \
      be used (truncated, stereo, another rate, no partner, another length than it) are listed in \
      rejected.csv and their pairs left out; the status is then 1, and training refuses the \
      folder, unless --on-bad-file is skip.
      """)

  @Option(help: ArgumentHelp("Folder of the download.", valueName: "folder"))
  var input: String
  @Option(help: ArgumentHelp("Folder to make the corpus in.", valueName: "folder"))
  var output: String
  @Option(help: "Format of the files: wav or flac.")
  var format = VoiceBank.Format.wav
  @Option(help: "Threads. Default: one a core.")
  var threads = ProcessInfo.processInfo.activeProcessorCount
  @Option(help: "Unusable files: stop (an error, at the end), or skip (left out and listed).")
  var onBadFile = OnBadFile.stop

  func validate() throws {
    try Flags.require("--threads", threads, within: Flags.threads)
  }

  func run() throws {
    let log = try Console.progressLog()
    var isShown = false
    var rejectedCount = 0
    let report: VoiceBankReport
    do {
      defer { log.endProgress() }
      report = try VoiceBank.prepare(
        input: input, output: output, format: format, onBadFile: onBadFile, threads: threads
      ) { pairs, total, audioSeconds in
        if !isShown { log.beginProgress("resampling", total: total, unit: "pairs") }
        isShown = true
        log.progress(completed: pairs, audioSeconds: audioSeconds)
      } rejection: { file in
        // All are in the table; a corpus of another kind would fill the screen.
        rejectedCount += 1
        if rejectedCount <= 20 { log.line("rejected: \(file)") }
        if rejectedCount == 21 { log.line("rejected: more files; rejected.csv will list all") }
      }
    }
    Console.line(report.description)
    for warning in report.warnings { Console.line("warning: \(warning)") }
    Console.line(
      """
      train takes the folder as --data; for a cluster make one file of it:
        disttrain prepare pack --input \(output) --output \(packName)
      """)
  }

  private var packName: String {
    let name = URL(fileURLWithPath: output).lastPathComponent
    return "\(name).safetensors"
  }
}

extension VoiceBank.Format: ExpressibleByArgument {}
