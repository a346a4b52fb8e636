import ArgumentParser
import Communication
import Foundation
import Platform

/// Ends the command on all ranks with a status of its own, once they have said what there is to
/// say.
struct OrderlyExit: Error {
  let status: ExitStatus

  init(_ status: ExitStatus) { self.status = status }
}

/// Runs the body of a command that may be one of many ranks, and turns errors into one line and a
/// non-zero exit status of the whole job.
public enum ParallelCommand {
  /// Runs `body` with the communicator that the launcher asks for.
  ///
  /// An error that rank 0 has told all ranks of is printed once, and all leave in order, as they do
  /// with `OrderlyExit`. Any other error is this rank's alone: it ends the job, since the others
  /// wait in some collective. So does a rank that keeps others waiting beyond `deadlines`.
  public static func run(
    _ deadlines: Deadlines = Deadlines(), _ body: (any Communicator) throws -> Void
  ) throws {
    try run(deadlines, files: CommandFiles(), body)
  }

  /// Runs `body` as the other does, after rank 0 has looked at the command's `files`.
  static func run(
    _ deadlines: Deadlines = Deadlines(), files: @autoclosure () -> CommandFiles,
    _ body: (any Communicator) throws -> Void
  ) throws {
    let communicator = try makeCommunicator(deadlines: deadlines)
    EnvironmentCheck.warn(rank: communicator.rank)
    do {
      try RootDecision(communicator).run { try files().validate() }
      try body(communicator)
    } catch let failure as RootFailure {
      if failure.isOwn { Program.report(failure) }
      try leave(communicator, .failure)
    } catch let end as OrderlyExit {
      try leave(communicator, end.status)
    } catch {
      if communicator.worldSize > 1 {
        communicator.abort(
          code: status(of: error).rawValue, message: "error: \(ErrorText.sentence(error))")
      }
      throw error
    }
    try communicator.finalize()
  }

  /// With what status an error of one rank ends the job.
  package static func status(of error: any Error) -> ExitStatus {
    if error is CommunicationError { return .rankLost }
    if case ReplicaError.communication? = error as? ReplicaError { return .rankLost }
    return .failure
  }

  private static func leave(_ communicator: any Communicator, _ status: ExitStatus) throws {
    // The launcher kills everybody when the first one leaves: not before it is told.
    communicator.enter(.leaving)
    try communicator.barrier()
    try communicator.finalize()
    throw ExitCode(status.rawValue)
  }
}
