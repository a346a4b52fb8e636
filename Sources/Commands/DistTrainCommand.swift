import ArgumentParser
import Platform

/// The program `disttrain`, which is the list of its commands.
package struct DistTrainCommand: ParsableCommand {
  /// Text of the help.
  package static let configuration = CommandConfiguration(
    commandName: "disttrain",
    abstract: "Trains and uses speech-enhancement networks on clusters of CPUs.",
    discussion: """
      A first tour: check that the models work on this machine, make a small corpus, train on it, \
      and enhance a recording.

        disttrain check
        disttrain prepare minicorpus --output mini
        mpirun -np 2 disttrain train --preset abl3 --data mini
        disttrain enhance --weights checkpoints_abl3/best.safetensors in.wav out.wav
      """,
    version: Program.nameAndVersion,
    subcommands: [
      CheckCommand.self, DescribeCommand.self, PrepareCommand.self, TrainCommand.self,
      LaunchCommand.self, EvaluateCommand.self, EnhanceCommand.self, ScoreCommand.self,
      CompareCommand.self, ReportCommand.self, WatchCommand.self, ReplayCommand.self,
      DoctorCommand.self, PlanCommand.self, BenchCommand.self,
    ])

  /// Made by the parser.
  package init() {}
}
