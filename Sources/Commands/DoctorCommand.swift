import ArgumentParser
import Communication
import Foundation
import Launching

/// `disttrain doctor`: what a job sees, and what keeps it from its best.
struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Show what this job sees (ranks, cores, memory, MPI), and what to change.",
    discussion: """
      Start it as you would start training, under mpirun or srun: all ranks report in one table, \
      add up some numbers and take a few training steps. Every known trap is a line that says what \
      to change. The exit status is 1 if one of them is a problem.
      """)

  @Option(help: .preset) var preset = "abl3"
  @Option(
    help: ArgumentHelp("The corpus, to look at its file system.", valueName: "folder or file"))
  var data: String?
  @Option(help: "Threads of each rank, as for train.") var threads = 1

  func validate() throws {
    try BenchOutput.require(
      threads > 0 && threads <= 1024, "--threads must be between 1 and 1024, not \(threads)")
  }

  func run() throws {
    try ParallelCommand.run { communicator in
      let root = RootDecision(communicator)
      let model = try root.value { try BenchOutput.model(preset) }
      let survey = RankSurvey.take(rank: communicator.rank, threads: threads, data: data)
      let trial = try DoctorTrial.run(model, threads: threads, over: communicator)
      let surveys = try gathered(survey, over: communicator)
      let trials = try gathered(trial, over: communicator)
      var isHealthy = true
      if let surveys, let trials {
        let launch = try? LaunchEnvironment(ProcessInfo.processInfo.environment)
        let findings =
          DoctorFindings.of(surveys, launchedBySLURM: launch?.launcher == "srun")
          + DoctorReport.slowRanks(surveys, trials)
        let report = DoctorReport(
          launcher: launch?.launcher ?? "none",
          mpi: launch == nil ? nil : MPICommunicator.libraryVersion,
          preset: model.name, surveys: surveys, trials: trials, findings: findings)
        Console.line(report.text)
        isHealthy = !findings.contains { $0.weight == .problem }
      }
      if try communicator.allReduceMin(isHealthy ? 1 : 0) == 0 { throw OrderlyExit(.failure) }
    }
  }

  /// Every rank's value, on rank 0.
  private func gathered<Value: Codable>(
    _ value: Value, over communicator: any Communicator
  ) throws -> [Value]? {
    let bytes = Array(try JSONEncoder().encode(value))
    return try communicator.gather(bytes, root: 0)?.map {
      try JSONDecoder().decode(Value.self, from: Data($0))
    }
  }
}
