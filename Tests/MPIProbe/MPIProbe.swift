import Communication
import Foundation
import RunFiles

/// A rank of the MPI tests: `MPIProbe <mode> [arguments]`.
///
/// Each mode checks one thing and prints one line per rank when it holds; a check that fails aborts
/// the job with status 9.
@main
struct MPIProbe {
  static func main() {
    let arguments = Array(CommandLine.arguments.dropFirst())
    do {
      let communicator = try start(arguments)
      try Probe(communicator, arguments).run()
    } catch {
      say("error: \(error)")
      exit(8)
    }
  }

  private static func start(_ arguments: [String]) throws -> any Communicator {
    if arguments.first == "late" {
      return try makeCommunicator(deadlines: Deadlines(timeout: 2, longTimeout: 6))
    }
    guard arguments.first == "pieces",
      let launch = try LaunchEnvironment(ProcessInfo.processInfo.environment)
    else { return try makeCommunicator() }
    return try MPICommunicator(launch: launch, maximumCount: 1_000)
  }
}

/// One line on stdout, at once.
func say(_ text: String) {
  let bytes = Array("\(text)\n".utf8)
  _ = write(STDOUT_FILENO, bytes, bytes.count)
}

struct Probe {
  let communicator: any Communicator
  let mode: String
  let arguments: [String]

  var rank: Int { communicator.rank }
  var size: Int { communicator.worldSize }

  init(_ communicator: any Communicator, _ arguments: [String]) {
    self.communicator = communicator
    mode = arguments.first ?? ""
    self.arguments = Array(arguments.dropFirst())
  }

  func run() throws {
    switch mode {
    case "collectives", "pieces": try collectives()
    case "buckets": try buckets()
    case "fractions": try fractions()
    case "replica": try replica()
    case "log": try log()
    case "trap": try trap()
    case "abort":
      try communicator.barrier()
      if rank == number(0) { communicator.abort(code: Int32(number(1)), message: "PESQ is gone") }
      try waitForever()
    case "exit":
      try communicator.barrier()
      if rank == number(0) { exit(Int32(number(1))) }
      try waitForever()
    case "late": try late()
    case "disagree": try disagree()
    case "hang":
      say("rank \(rank) hangs in process \(getpid())")
      while true { sleep(1) }
    case "who":
      say("\(type(of: communicator)) rank \(rank) of \(size)")
      try communicator.finalize()
    default: communicator.abort(code: 9, message: "unknown mode \(mode)")
    }
  }

  func number(_ index: Int) -> Int { Int(arguments[index]) ?? -1 }

  func check(_ condition: Bool, _ what: String) {
    if !condition { communicator.abort(code: 9, message: "check failed: \(what)") }
  }

  /// Finishes a mode whose checks hold.
  func succeed(_ detail: String = "") throws {
    try communicator.barrier()
    say("rank \(rank) of \(size) ok\(detail)")
    try communicator.finalize()
    try communicator.finalize()
  }

  /// Waits for the rank that fails in a reduction, on all other ranks.
  func waitForever() throws {
    _ = try communicator.allReduceSum([1])
    say("rank \(rank) NOT REACHED")
    try communicator.finalize()
  }

  private func trap() throws {
    let victim = number(0)
    try communicator.barrier()
    if rank == victim { crash(arguments[1]) }
    try waitForever()
  }

  private func crash(_ kind: String) {
    switch kind {
    case "fatal": fatalError("rank \(rank) gives up")
    case "index": say("\(arguments[communicator.worldSize + 100])")
    case "memory": UnsafeMutablePointer<Int>(bitPattern: 8)?.pointee = 1
    case "stack": say("\(recurse(0))")
    case "kill": raise(SIGKILL)
    default: communicator.abort(code: 9, message: "unknown crash \(kind)")
    }
  }

  @inline(never) private func recurse(_ depth: Int) -> Int {
    withUnsafeTemporaryAllocation(of: Int.self, capacity: 100) { scratch in
      scratch.initialize(repeating: depth)
      return recurse(depth + scratch[depth % 100] - depth + 1) + scratch[0]
    }
  }

  /// One rank comes so many seconds later than the others, in a phase: with deadlines of 2 and 6 s.
  private func late() throws {
    try communicator.barrier()
    communicator.completed(step: 41)
    for phase in RankPhase.allCases where "\(phase)" == arguments[2] { communicator.enter(phase) }
    if rank == number(0) { usleep(UInt32(number(1)) * 1_000) }
    try waitFor("barrier") { try communicator.barrier() }
    try waitFor("reduction") { _ = try communicator.allReduceSum([1]) }
    try succeed()
  }

  private func waitFor(_ what: String, _ body: () throws -> Void) throws {
    do {
      try body()
    } catch {
      communicator.abort(code: 9, message: "\(what): \(error)")
    }
  }

  private func disagree() throws {
    // Undefined in MPI; Open MPI reports it as truncation on the ranks that expect less.
    var values = [Float](repeating: 1, count: rank == 0 ? 100_000 : 10)
    do {
      try values.withUnsafeMutableBufferPointer { try communicator.broadcast($0, root: 0) }
    } catch let error as CommunicationError {
      communicator.abort(code: 7, message: "\(error)")
    }
    try waitForever()
  }

  private func log() throws {
    let log = try RunLog(
      rank: rank, runFolder: URL(fileURLWithPath: arguments[0]), progressInterval: 0)
    log.line("Epoch means PESQ here")
    log.beginProgress("epoch 1/2", total: 10)
    for step in 1...10 { log.progress(completed: step, loss: 0.5, audioSeconds: Double(step)) }
    log.endProgress()
    let report = EpochReport(
      epoch: 1, pesq: 2.5, learningRate: 1e-3, scored: 3, total: 4, seconds: 1.5,
      audioSecondsPerSecond: 8)
    log.append(.epoch(.init(report, step: 10, dataSeconds: 0)))
    try communicator.barrier()
    try communicator.finalize()
  }
}
