import Foundation
import Platform

/// Services that a data-parallel trainer needs from the other processes ("ranks") of its job.
///
/// Every operation is collective unless it says otherwise: all ranks call it, in the same order,
/// with the same element count and root. It returns when this rank's part is done. One thread, the
/// one that made the communicator, makes all calls. Ranks of a job wait for each other as long as
/// its `Deadlines` say; then the job ends with the status `rankLost` and a line that names who is
/// missing.
public protocol Communicator: AnyObject {
  /// This process's number, `0 ..< worldSize`.
  var rank: Int { get }
  /// Number of processes in the job.
  var worldSize: Int { get }
  /// This process's number among those on the same machine.
  var hostRank: Int { get }
  /// Number of processes on the same machine.
  var hostSize: Int { get }

  /// Says what this rank is at: how long the others wait for it depends on that. Not collective.
  func enter(_ phase: RankPhase)

  /// Says how many steps of the run this rank has done. Not collective.
  func completed(step: Int)

  /// Returns when every rank has called it.
  func barrier() throws(CommunicationError)

  /// Overwrites `values` on all ranks with those of `root`.
  func broadcast(
    _ values: UnsafeMutableBufferPointer<Float>, root: Int) throws(CommunicationError)

  /// The bytes of `root`, on all ranks. The others' argument is ignored; the length travels along.
  func broadcast(_ bytes: [UInt8], root: Int) throws(CommunicationError) -> [UInt8]

  /// Replaces each element by its sum over all ranks.
  func allReduceSum(_ values: UnsafeMutableBufferPointer<Double>) throws(CommunicationError)

  /// Starts adding up all ranks' numbers, beside what the caller does next. Reductions run one
  /// after another in the order of these calls, the same on all ranks; their buffers belong to them
  /// until `finishReductions`. `times` learns when it begins and is complete.
  func startReduction(_ reduction: Reduction, times: ReductionTimes?)

  /// Waits until all reductions are done, and returns the seconds that they took altogether.
  func finishReductions() throws(CommunicationError) -> Double

  /// The largest of the ranks' values.
  func allReduceMax(_ value: Int64) throws(CommunicationError) -> Int64

  /// The smallest of the ranks' values.
  func allReduceMin(_ value: Int64) throws(CommunicationError) -> Int64

  /// Every rank's bytes, by rank, on `root`; nil elsewhere. Lengths may differ and may be zero.
  func gather(_ bytes: [UInt8], root: Int) throws(CommunicationError) -> [[UInt8]]?

  /// Every rank's value, by rank, on all ranks.
  func allGather(_ value: UInt64) throws(CommunicationError) -> [UInt64]

  /// Writes `message` to stderr and ends the whole job with exit status `code`, 1 to 255. Not
  /// collective.
  func abort(code: Int32, message: String) -> Never

  /// Leaves the job; no operation may follow. A second call does nothing.
  func finalize() throws(CommunicationError)
}

extension Communicator {
  /// Nothing: the ranks of one process need no watch.
  public func enter(_ phase: RankPhase) {}

  /// Nothing.
  public func completed(step: Int) {}

  /// Starts a reduction whose times nobody wants to know.
  public func startReduction(_ reduction: Reduction) { startReduction(reduction, times: nil) }

  /// Element-wise sums over all ranks.
  public func allReduceSum(_ values: [Double]) throws(CommunicationError) -> [Double] {
    let buffer = UnsafeMutableBufferPointer<Double>.allocate(capacity: values.count)
    defer { buffer.deallocate() }
    _ = buffer.initialize(from: values)
    try allReduceSum(buffer)
    return Array(buffer)
  }

  /// Whether this rank writes logs, checkpoints and reports.
  public var isRoot: Bool { rank == 0 }

  /// Message of `abort`, as one line that no grep of the log takes for a score.
  package func abortLine(_ message: String) -> String {
    let place = worldSize == 1 ? "" : "rank \(rank) of \(worldSize): "
    return LogWords.safe("disttrain: \(place)\(message)") + "\n"
  }

  /// An exit status the shell can show; 0 would read as success.
  package func exitStatus(_ code: Int32) -> Int32 { (1...255).contains(code) ? code : 1 }
}

/// The communicator that the launcher's environment asks for.
///
/// Under mpirun, or srun with PMIx, that is MPI, started here; call it from the main thread.
/// Without a launcher it is a single rank, and MPI is left alone: starting it would cost a third of
/// a second and can fail in containers. `deadlines`: how long ranks wait for each other.
public func makeCommunicator(
  environment: [String: String] = ProcessInfo.processInfo.environment,
  deadlines: Deadlines = Deadlines()
) throws(CommunicationError) -> any Communicator {
  guard let launch = try LaunchEnvironment(environment) else { return LocalCommunicator() }
  return try MPICommunicator(launch: launch, deadlines: deadlines)
}
