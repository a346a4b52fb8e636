import ArgumentParser
import Communication
import Foundation
import Launching

/// `disttrain doctor`: what a job sees, and what keeps it from its best.
struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Show the ranks, cores, memory and MPI of this job, and remedies for problems.",
    discussion: """
      Start this command as you would start training, under mpirun or srun: all ranks report in \
      one table, exchange some numbers and take a few training steps. Every known trap that is \
      found is printed with its remedy. The exit status is 1 if one of them is a problem.
      """)

  @Option(help: .preset) var preset = "abl3"
  @Option(
    help: ArgumentHelp("The corpus, to examine its file system.", valueName: "folder or file"))
  var data: String?
  @Option(help: "Threads of each rank, as for train.") var threads = 1

  func validate() throws {
    try Flags.require("--threads", threads, within: Flags.threads)
  }

  func run() throws {
    try ParallelCommand.run { communicator in
      let root = RootDecision(communicator)
      let model = try root.value { try BenchOutput.model(preset) }
      let survey = RankSurvey.take(rank: communicator.rank, threads: threads, data: data)
      let trial = try DoctorTrial.run(model, threads: threads, over: communicator)
      let surveys = try root.gather(survey)
      let trials = try root.gather(trial)
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
}
