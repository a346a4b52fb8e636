import ArgumentParser

/// `disttrain bench`: measures parts of the program on this machine.
struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench", abstract: "Measure how fast parts of the program are on this machine.",
    subcommands: [
      BenchStepCommand.self, BenchKernelsCommand.self, BenchEnhanceCommand.self,
      BenchPESQCommand.self, BenchScoreCommand.self, BenchLoadingCommand.self,
      BenchAllReduceCommand.self, BenchScalingCommand.self, BenchSimulateCommand.self,
      BenchCompareCommand.self,
    ])
}
