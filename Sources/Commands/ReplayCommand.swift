import ArgumentParser
import DistTrain
import Foundation
import Platform
import Report
import Tensor

/// `disttrain replay`: sees a skipped training step again.
struct ReplayCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "replay",
    abstract: "Repeat a skipped training step from its dump, and show where it overflows.",
    discussion: """
      Takes a file of a run's folder nonfinite: weights and utterances of a step whose loss or \
      gradient was not finite. Computes each utterance forward and backward and prints its loss, \
      its gradient norm, the first tensor that is not finite, and for each layer the largest \
      finite magnitude of its weights, its output and their gradients.

      The exit status is 0 if the recorded overflow happens again, and 2 if it does not: all is \
      finite (as after a transient fault), or another tensor is the first.
      """)

  @Argument(help: ArgumentHelp("The dump.", valueName: "dump")) var file: String
  @Option(help: "Only this utterance of it.") var utterance: String?

  func run() throws {
    EnvironmentCheck.warn()
    let dump = try NonFiniteDump(contentsOf: URL(fileURLWithPath: file))
    let replay = try DumpReplay(dump, utterance: utterance)
    if dump.header.kernels != kernels.instructionSet {
      Console.line(
        "note: recorded with \(dump.header.kernels) kernels, replayed with "
          + kernels.instructionSet)
    }
    Console.line(replay.text)
    if replay.verdict != .same { throw ExitCode(ExitStatus.notReproduced.rawValue) }
  }
}
