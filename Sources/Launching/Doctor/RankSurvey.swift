import CPlatform
import Forecast
import Foundation
import Platform
import Tensor

/// What one rank sees of itself and its machine.
package struct RankSurvey: Codable, Equatable, Sendable {
  package var rank: Int
  package var host: String
  package var process: Int32
  /// The program and its version.
  package var program: String
  /// What computes: instruction set of the kernels, and OpenBLAS's kernels.
  package var instructionSet: String
  package var openBLASCore: String
  /// What keeps the program from its best, as the benchmarks warn.
  package var warnings: [String] = []
  /// What is worth knowing and costs nothing.
  package var notes: [String] = []
  /// Processors of the machine, and those that this process may use.
  package var hostProcessors: Int
  package var processors: [Int]
  /// Cores behind them: two processors may share one.
  package var cores: Int
  /// Cores that a control group allows to all of its processes, if it limits them.
  package var coreQuota: Double?
  /// Threads that this rank computes with.
  package var threads: Int
  /// Bytes, nil where the system does not tell.
  package var availableMemory: Int?
  package var sharedMemory: Int?
  package var lockableMemory: Int?
  package var hasInfiniBand = false
  /// How MPI sends messages, nil where it does not show.
  package var transport: String?
  /// Type of the file system of the data.
  package var dataFileSystem: String?

  /// Puts together what every rank has; the rest is given afterwards.
  package init(
    rank: Int, host: String, process: Int32, program: String, instructionSet: String,
    openBLASCore: String, hostProcessors: Int, processors: [Int], cores: Int, threads: Int
  ) {
    self.rank = rank
    self.host = host
    self.process = process
    self.program = program
    self.instructionSet = instructionSet
    self.openBLASCore = openBLASCore
    self.hostProcessors = hostProcessors
    self.processors = processors
    self.cores = cores
    self.threads = threads
  }

  /// Looks.
  package static func take(rank: Int, threads: Int, data: String?) -> RankSurvey {
    let machine = BenchmarkMachine.current()
    let processors = MachineFacts.allowedProcessors()
    var survey = RankSurvey(
      rank: rank, host: HostName.own, process: getpid(), program: Program.nameAndVersion,
      instructionSet: machine.instructionSet, openBLASCore: machine.openBLASCore,
      hostProcessors: ProcessInfo.processInfo.processorCount, processors: processors,
      cores: MachineFacts.coreCount(of: processors), threads: threads)
    // What holds OpenBLAS back costs nothing unless it is asked for.
    let library = usesOpenBLAS ? nil : OpenBLASInfo().warning
    survey.warnings = machine.warnings.filter { $0 != library }
    survey.notes = [library].compactMap { $0 }
    survey.coreQuota = MachineFacts.coreQuota()
    survey.availableMemory = MachineFacts.availableMemory()
    survey.sharedMemory = MachineFacts.freeBytes("/dev/shm")
    survey.lockableMemory = MachineFacts.lockableBytes()
    survey.hasInfiniBand = MachineFacts.hasInfiniBand
    survey.transport = MachineFacts.transport()
    survey.dataFileSystem = data.flatMap { MachineFacts.fileSystem(of: $0) }
    return survey
  }

  /// The mask as a list such as `0-3,8`.
  package var processorList: String {
    var parts: [String] = []
    var run: (first: Int, last: Int)?
    func close() {
      if let run {
        parts.append(run.first == run.last ? "\(run.first)" : "\(run.first)-\(run.last)")
      }
    }
    for processor in processors.sorted() {
      if let current = run, processor == current.last + 1 {
        run = (current.first, processor)
      } else {
        close()
        run = (processor, processor)
      }
    }
    close()
    return parts.isEmpty ? "?" : parts.joined(separator: ",")
  }
}
