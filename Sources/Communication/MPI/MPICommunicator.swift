import CMPI
import CPlatform
import Foundation
import Platform

/// The ranks of an MPI job. Besides `MPIStatusTransport.swift` the only file that knows MPI.
///
/// MPI runs with `MPI_THREAD_MULTIPLE`: the main thread makes every call but those of reductions
/// and of the monitor, which threads of their own make, on communicators of their own. Open MPI
/// moves messages only while somebody calls it, and the thread of the reductions does while the
/// main thread computes. Errors are returned and become `CommunicationError.callFailed`; what MPI
/// can still do after one is undefined, so the sensible answer is `abort`.
///
/// No wait is for ever: `RankMonitor` watches those for other ranks, `ProcessDeadline` the start
/// and the end of MPI and `abort`.
public final class MPICommunicator: Communicator {
  /// This process's number in MPI_COMM_WORLD.
  public let rank: Int
  /// Number of processes in MPI_COMM_WORLD.
  public let worldSize: Int
  /// This process's number among those that can share memory with it.
  public let hostRank: Int
  /// Number of processes that can share memory.
  public let hostSize: Int
  private let maximumCount: Int
  private let reductions: ReductionThread<MPIReductionTransport>
  private let progress = RankProgress()
  private let deadlines: Deadlines
  /// None where there is nobody to wait for.
  private let monitor: RankMonitor<MPIStatusTransport>?
  private var isFinalized = false

  /// Starts MPI in this process.
  ///
  /// `maximumCount` is the largest element count of one MPI call, whose count is an Int32; longer
  /// buffers go in pieces. From here on a trap of this process ends the whole job, and so does a
  /// rank that keeps others waiting beyond `deadlines`.
  package init(
    launch: LaunchEnvironment, deadlines: Deadlines = Deadlines(), maximumCount: Int = 1 << 30
  ) throws(CommunicationError) {
    precondition(Thread.isMainThread, "MPICommunicator: not made on the main thread")
    precondition(
      (1...Int(Int32.max)).contains(maximumCount), "MPICommunicator: count \(maximumCount)")
    self.maximumCount = maximumCount
    self.deadlines = deadlines
    let start = ProcessDeadline(
      seconds: deadlines.timeout,
      message: "MPI has not started after \(Int(deadlines.timeout)) s (--timeout): a process of "
        + "the job is stopped, was never started, or cannot be reached from host "
        + RankIdentity.own.host)
    defer { start.callOff() }
    var started: Int32 = 0
    MPI_Initialized(&started)
    if started != 0 { throw .startFailed(reason: "it is already running in this process") }
    platform_on_fatal_signal { code in endWorld(code) }
    // The thread of the reductions may share its core with one that waits inside MPI, which must
    // not spin then.
    setenv("OMPI_MCA_mpi_yield_when_idle", "1", 0)
    var provided: Int32 = 0
    let code = MPI_Init_thread(nil, nil, cmpi_thread_multiple(), &provided)
    guard code == cmpi_success() else {
      throw .startFailed(reason: errorText(code))
    }
    guard provided >= cmpi_thread_multiple() else {
      throw .startFailed(
        reason: "this MPI was built without MPI_THREAD_MULTIPLE, which sending gradients during "
          + "backward needs; use another build of it")
    }
    MPI_Comm_set_errhandler(cmpi_comm_world(), cmpi_errors_return())
    // Again: a transport such as UCX may have put handlers of its own in place.
    platform_on_fatal_signal { code in endWorld(code) }

    var number: Int32 = 0
    var size: Int32 = 0
    MPI_Comm_rank(cmpi_comm_world(), &number)
    MPI_Comm_size(cmpi_comm_world(), &size)
    rank = Int(number)
    worldSize = Int(size)
    if let launched = launch.size, launched != worldSize {
      throw .launcherMismatch(launcher: launch.launcher, launched: launched, seen: worldSize)
    }
    var host = cmpi_comm_null()
    let split = MPI_Comm_split_type(
      cmpi_comm_world(), cmpi_comm_type_shared(), number, cmpi_info_null(), &host)
    guard split == cmpi_success() else {
      throw .startFailed(reason: "MPI_Comm_split_type: \(errorText(split))")
    }
    MPI_Comm_rank(host, &number)
    MPI_Comm_size(host, &size)
    MPI_Comm_free(&host)
    hostRank = Int(number)
    hostSize = Int(size)
    reductions = ReductionThread(
      try MPIReductionTransport(rank: rank, worldSize: worldSize))
    guard worldSize > 1 else {
      monitor = nil
      return
    }
    monitor = RankMonitor(
      MPIStatusTransport(world: try duplicateWorld(), worldSize: worldSize), rank: rank,
      identities: try MPIStatusTransport.identities(worldSize: worldSize), deadlines: deadlines,
      progress: progress
    ) {
      endJob(ExitStatus.rankLost.rawValue)
    }
  }

  /// Name and version of the MPI library, one line.
  public static var libraryVersion: String {
    var text = [CChar](repeating: 0, count: Int(cmpi_max_library_version_string()))
    var length: Int32 = 0
    MPI_Get_library_version(&text, &length)
    let bytes = text.prefix(Int(length)).map(UInt8.init(bitPattern:))
    return String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
  }

  /// Notes what this rank is at, for the monitors.
  public func enter(_ phase: RankPhase) { progress.enter(phase) }

  /// Notes how far this rank is, for the monitors.
  public func completed(step: Int) { progress.completed(step: step) }

  /// Returns when every rank has called it.
  public func barrier() throws(CommunicationError) {
    try collective { () throws(CommunicationError) in
      try check("barrier") { MPI_Barrier(cmpi_comm_world()) }
    }
  }

  /// Overwrites `values` on all ranks with those of `root`.
  public func broadcast(
    _ values: UnsafeMutableBufferPointer<Float>, root: Int
  ) throws(CommunicationError) {
    checkRoot(root)
    try collective { () throws(CommunicationError) in
      try inPieces(values.baseAddress, values.count) { base, count throws(CommunicationError) in
        try check("broadcast") {
          MPI_Bcast(base, count, cmpi_float(), Int32(root), cmpi_comm_world())
        }
      }
    }
  }

  /// The bytes of `root`, on all ranks.
  public func broadcast(_ bytes: [UInt8], root: Int) throws(CommunicationError) -> [UInt8] {
    checkRoot(root)
    return try collective { () throws(CommunicationError) in
      var length = UInt64(bytes.count)
      try check("broadcast of a length") {
        MPI_Bcast(&length, 1, cmpi_uint64(), Int32(root), cmpi_comm_world())
      }
      var result = rank == root ? bytes : [UInt8](repeating: 0, count: Int(length))
      try withBuffer(&result) { base, count throws(CommunicationError) in
        try check("broadcast of bytes") {
          MPI_Bcast(base, count, cmpi_byte(), Int32(root), cmpi_comm_world())
        }
      }
      return result
    }
  }

  /// Replaces each element by its sum over all ranks, in an order that MPI chooses.
  public func allReduceSum(
    _ values: UnsafeMutableBufferPointer<Double>
  ) throws(CommunicationError) {
    try collective { () throws(CommunicationError) in
      try inPieces(values.baseAddress, values.count) { base, count throws(CommunicationError) in
        try check("allReduceSum") {
          MPI_Allreduce(
            cmpi_in_place(), base, count, cmpi_double(), cmpi_sum(), cmpi_comm_world())
        }
      }
    }
  }

  /// Starts adding up all ranks' numbers on the thread of the reductions.
  public func startReduction(_ reduction: Reduction, times: ReductionTimes?) {
    reductions.start(reduction, times)
  }

  /// Waits for all reductions; the seconds that they took.
  public func finishReductions() throws(CommunicationError) -> Double {
    try collective { () throws(CommunicationError) in try reductions.wait() }
  }

  /// The largest of the ranks' values.
  public func allReduceMax(_ value: Int64) throws(CommunicationError) -> Int64 {
    try reduce("allReduceMax", value, cmpi_max())
  }

  /// The smallest of the ranks' values.
  public func allReduceMin(_ value: Int64) throws(CommunicationError) -> Int64 {
    try reduce("allReduceMin", value, cmpi_min())
  }

  /// Every rank's bytes, by rank, on `root`; nil elsewhere.
  ///
  /// Messages instead of MPI_Gatherv, whose Int32 displacements end at 2 GB for all ranks together.
  public func gather(_ bytes: [UInt8], root: Int) throws(CommunicationError) -> [[UInt8]]? {
    checkRoot(root)
    let lengths = try allGather(UInt64(bytes.count))
    return try collective { () throws(CommunicationError) in
      if rank == root { return try receive(lengths, own: bytes) }
      var copy = bytes
      try withBuffer(&copy) { base, count throws(CommunicationError) in
        try check("gather") {
          MPI_Send(base, count, cmpi_byte(), Int32(root), gatherTag, cmpi_comm_world())
        }
      }
      return nil
    }
  }

  private func receive(
    _ lengths: [UInt64], own: [UInt8]
  ) throws(CommunicationError) -> [[UInt8]] {
    var result: [[UInt8]] = []
    for source in 0..<worldSize {
      if source == rank {
        result.append(own)
        continue
      }
      var received = [UInt8](repeating: 0, count: Int(lengths[source]))
      try withBuffer(&received) { base, count throws(CommunicationError) in
        try check("gather from rank \(source)") {
          MPI_Recv(
            base, count, cmpi_byte(), Int32(source), gatherTag, cmpi_comm_world(),
            cmpi_status_ignore())
        }
      }
      result.append(received)
    }
    return result
  }

  /// Every rank's value, by rank, on all ranks.
  public func allGather(_ value: UInt64) throws(CommunicationError) -> [UInt64] {
    var mine = value
    var all = [UInt64](repeating: 0, count: worldSize)
    try collective { () throws(CommunicationError) in
      try check("allGather") {
        MPI_Allgather(&mine, 1, cmpi_uint64(), &all, 1, cmpi_uint64(), cmpi_comm_world())
      }
    }
    return all
  }

  /// Writes `message` to stderr and ends all processes of the job.
  public func abort(code: Int32, message: String) -> Never {
    FileDescriptorOutput(STDERR_FILENO).write(abortLine(message))
    endJob(exitStatus(code))
  }

  /// Leaves the job. Without it mpirun reports the process as failed, even if it exits with 0.
  public func finalize() throws(CommunicationError) {
    if isFinalized { return }
    enter(.leaving)
    _ = try finishReductions()
    // From here on nobody watches, so nobody may have to wait.
    try barrier()
    let end = ProcessDeadline(
      seconds: deadlines.timeout,
      message: "rank \(rank) (host \(RankIdentity.own.host)) could not leave the job after "
        + "\(Int(deadlines.timeout)) s (--timeout); its work is done")
    defer { end.callOff() }
    monitor?.stop()
    reductions.stop()
    try check("finalize") { MPI_Finalize() }
    isFinalized = true
  }

  private func reduce(
    _ operation: String, _ value: Int64, _ reduction: MPI_Op
  ) throws(CommunicationError) -> Int64 {
    var result = value
    try collective { () throws(CommunicationError) in
      try check(operation) {
        MPI_Allreduce(
          cmpi_in_place(), &result, 1, cmpi_int64(), reduction, cmpi_comm_world())
      }
    }
    return result
  }

  /// Runs an operation that all ranks take part in, and in which this one may have to wait for
  /// them.
  private func collective<Result>(
    _ body: () throws(CommunicationError) -> Result
  ) throws(CommunicationError) -> Result {
    progress.tick()
    defer { progress.tick() }
    return try body()
  }

  private func check(
    _ operation: String, _ call: () -> Int32
  ) throws(CommunicationError) {
    precondition(Thread.isMainThread, "\(operation): MPI is called off the main thread")
    precondition(!isFinalized, "\(operation) after finalize")
    try checked(operation, rank: rank, call)
  }

  private func inPieces<Element>(
    _ base: UnsafeMutablePointer<Element>?, _ count: Int,
    _ body: (UnsafeMutablePointer<Element>, Int32) throws(CommunicationError) -> Void
  ) throws(CommunicationError) {
    guard let base else { return }
    try forEachPiece(of: count, atMost: maximumCount) { start, length throws(CommunicationError) in
      try body(base + start, length)
    }
  }

  private func withBuffer<Element>(
    _ values: inout [Element],
    _ body: (UnsafeMutablePointer<Element>, Int32) throws(CommunicationError) -> Void
  ) throws(CommunicationError) {
    try values.withUnsafeMutableBufferPointer { buffer throws(CommunicationError) in
      try inPieces(buffer.baseAddress, buffer.count, body)
    }
  }

  private func checkRoot(_ root: Int) {
    precondition((0..<worldSize).contains(root), "root \(root) of \(worldSize) ranks")
  }
}

/// MPI calls of one reduction: nonblocking calls on a communicator of their own.
struct MPIReductionTransport: ReductionTransport, @unchecked Sendable {
  // Sendable because only the thread that moves reductions calls it.
  let rank: Int
  let worldSize: Int
  /// One for each way: collectives of a communicator have to start in one order on all ranks, and
  /// when a rank has all terms of a bucket is its own matter.
  private let scatterWorld: cmpi_comm
  private let gatherWorld: cmpi_comm

  fileprivate init(rank: Int, worldSize: Int) throws(CommunicationError) {
    self.rank = rank
    self.worldSize = worldSize
    scatterWorld = try duplicateWorld()
    gatherWorld = try duplicateWorld()
  }

  func startScatter(
    _ send: UnsafeRawPointer, into receive: UnsafeMutableRawPointer, _ shares: ReductionShares
  ) throws(CommunicationError) -> MPIRequest {
    var request = MPIRequest()
    try checked("exchange of gradients", rank: rank) {
      MPI_Ialltoallv(
        send, shares.lengths, shares.starts, type(shares.elementBytes), receive,
        shares.ownLengths, shares.ownStarts, type(shares.elementBytes),
        scatterWorld.handle, &request.handle.request)
    }
    return request
  }

  func startGather(
    _ send: UnsafeRawPointer, into receive: UnsafeMutableRawPointer, _ shares: ReductionShares
  ) throws(CommunicationError) -> MPIRequest {
    var request = MPIRequest()
    try checked("exchange of gradient sums", rank: rank) {
      MPI_Iallgatherv(
        send, shares.lengths[rank], type(shares.elementBytes), receive, shares.lengths,
        shares.starts, type(shares.elementBytes), gatherWorld.handle, &request.handle.request)
    }
    return request
  }

  func isDone(_ request: inout MPIRequest) throws(CommunicationError) -> Bool {
    var flag: Int32 = 0
    try checked("exchange of gradients", rank: rank) {
      MPI_Test(&request.handle.request, &flag, cmpi_status_ignore())
    }
    return flag != 0
  }

  private func type(_ elementBytes: Int) -> MPI_Datatype {
    switch elementBytes {
    case 8: cmpi_double()
    case 4: cmpi_float()
    default: cmpi_uint16()
    }
  }
}

/// A nonblocking MPI call under way.
struct MPIRequest {
  var handle = cmpi_request()
}

private let gatherTag: Int32 = 1

func duplicateWorld() throws(CommunicationError) -> cmpi_comm {
  var world = cmpi_comm()
  let code = MPI_Comm_dup(cmpi_comm_world(), &world.handle)
  guard code == cmpi_success() else {
    throw .startFailed(reason: "MPI_Comm_dup: \(errorText(code))")
  }
  return world
}

private func checked(
  _ operation: String, rank: Int, _ call: () -> Int32
) throws(CommunicationError) {
  let code = call()
  if code != cmpi_success() {
    throw .callFailed(operation: operation, rank: rank, reason: errorText(code))
  }
}

/// Calls `body` with start and length of consecutive pieces of at most `limit` elements; never for
/// none.
private func forEachPiece(
  of count: Int, atMost limit: Int,
  _ body: (_ start: Int, _ length: Int32) throws(CommunicationError) -> Void
) throws(CommunicationError) {
  for start in stride(from: 0, to: count, by: limit) {
    try body(start, Int32(min(limit, count - start)))
  }
}

func errorText(_ code: Int32) -> String {
  var text = [CChar](repeating: 0, count: Int(cmpi_max_error_string()) + 1)
  var length: Int32 = 0
  guard MPI_Error_string(code, &text, &length) == cmpi_success() else { return "error \(code)" }
  let bytes = text.prefix(Int(length)).map(UInt8.init(bitPattern:))
  // MPICH's text has several lines; a log line has one.
  let lines = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline)
  return lines.joined(separator: " ")
}

/// Ends all processes of the job; this one in any case, since MPI may wait for what is out of
/// reach.
private func endJob(_ code: Int32) -> Never {
  // A rank that is lost may be one that the launcher cannot reach either.
  if code == ExitStatus.rankLost.rawValue { LauncherDeadline.start(seconds: 8) }
  _ = ProcessDeadline(seconds: 5, status: code)
  endWorld(code)
  exit(code)
}

/// Also called from a signal handler, so it only calls MPI.
private func endWorld(_ code: Int32) {
  var hasStarted: Int32 = 0
  var isOver: Int32 = 0
  MPI_Initialized(&hasStarted)
  MPI_Finalized(&isOver)
  if hasStarted != 0 && isOver == 0 { MPI_Abort(cmpi_comm_world(), code) }
}
