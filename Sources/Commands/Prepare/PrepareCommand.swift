import ArgumentParser
import Corpora
import Preparation

/// `disttrain prepare`: makes and verifies corpora.
struct PrepareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "prepare", abstract: "Prepare a corpus for training, or verify one.",
    subcommands: [
      PrepareVoiceBankCommand.self, PreparePackCommand.self, PrepareVerifyCommand.self,
      PrepareMiniCorpusCommand.self,
    ])
}

/// `disttrain prepare minicorpus`: a small corpus of noisy speech out of Debian's packages.
struct PrepareMiniCorpusCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "minicorpus",
    abstract: "Make a small corpus of noisy speech from recordings in Debian's packages.",
    discussion: """
      Needs Debian or Ubuntu with its package archive, libspandsp2 and libsoxr0; no root. A folder \
      that already holds the same corpus is verified and kept. Its README.md lists sources and \
      licences.
      """)

  @Option(help: ArgumentHelp("Folder to make the corpus in.", valueName: "folder"))
  var output: String
  @Flag(help: "Take all voices and prompts.") var full = false
  @Option(help: "Other seeds mix other noises with the same voices.") var seed: UInt64 = 1

  func run() throws {
    let report = try MiniCorpus.prepare(output: output, full: full, seed: seed) {
      Console.line($0)
    }
    Console.line(report.description)
  }
}
