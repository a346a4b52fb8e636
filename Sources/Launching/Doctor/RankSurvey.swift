import CPlatform
import Forecast
import Foundation
import Platform
import Tensor

/// The facts about one rank and its machine.
package struct RankSurvey: Codable, Equatable, Sendable {
  package var rank: Int
  package var host: String
  package var process: Int32
  /// Name and version of the program.
  package var program: String
  /// Instruction set of the kernels, and the kernels of OpenBLAS.
  package var instructionSet: String
  package var openBLASCore: String
  /// Warnings about settings that make the program slower, as in benchmarks.
  package var warnings: [String] = []
  /// Notes that are worth knowing and cost no speed.
  package var notes: [String] = []
  /// Number of processors of the machine, and the processors that this process may use.
  package var hostProcessors: Int
  package var processors: [Int]
  /// Number of cores of the usable processors, of which two may share a core.
  package var cores: Int
  /// Number of cores that a control group allows all of its processes, if it limits them.
  package var coreQuota: Double?
  /// Number of threads that this rank computes with.
  package var threads: Int
  /// Available memory and free shared memory, in bytes; nil where the system does not report them.
  package var availableMemory: Int?
  package var sharedMemory: Int?
  package var lockableMemory: Int?
  package var hasInfiniBand = false
  /// Transport of MPI messages; nil where it is unknown.
  package var transport: String?
  /// Type of the file system of the data.
  package var dataFileSystem: String?

  /// A survey of the facts that every rank has; the caller sets the others.
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

  /// Collects the facts about this process.
  package static func take(rank: Int, threads: Int, data: String?) -> RankSurvey {
    let machine = BenchmarkMachine.current()
    let processors = MachineFacts.allowedProcessors()
    var survey = RankSurvey(
      rank: rank, host: HostName.own, process: getpid(), program: Program.nameAndVersion,
      instructionSet: machine.instructionSet, openBLASCore: machine.openBLASCore,
      hostProcessors: ProcessInfo.processInfo.processorCount, processors: processors,
      cores: MachineFacts.coreCount(of: processors), threads: threads)
    // A limit of OpenBLAS costs nothing unless OpenBLAS is used.
    let library = usesOpenBLAS ? nil : OpenBLASInfo().warning
    survey.warnings = machine.warnings.filter { $0 != library }
    survey.notes = [library].compactMap { $0 }
    survey.coreQuota = ControlGroups().coreQuota()
    survey.availableMemory = MachineFacts.availableMemory()
    survey.sharedMemory = MachineFacts.freeBytes("/dev/shm")
    survey.lockableMemory = MachineFacts.lockableBytes()
    survey.hasInfiniBand = MachineFacts.hasInfiniBand
    survey.transport = MachineFacts.transport()
    survey.dataFileSystem = data.flatMap { MachineFacts.fileSystem(of: $0) }
    return survey
  }

  /// The usable processors as a list such as `0-3,8`.
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
