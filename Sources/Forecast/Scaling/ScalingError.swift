import Files
import Foundation
import Platform

/// Reasons for which there are no figures about scaling.
package enum ScalingError: Error, Equatable, CustomStringConvertible {
  /// The file cannot be read.
  case unreadable(path: String, reason: String)
  /// The file is no result of `bench step`, or of a version that did not measure its parts.
  case notAStep(path: String)
  /// The file is no result of `bench allreduce`.
  case notAnAllReduce(path: String)
  /// No network has this name.
  case unknownNetwork(String)
  /// The results belong to different experiments.
  case different(path: String, from: String, what: String)
  /// Two results have the same number of ranks.
  case twice(path: String, ranks: Int)
  /// Neither the batch of a rank nor the global batch is equal in all results.
  case neitherWeakNorStrong
  /// The global batch is no multiple of the number of ranks.
  case notDivisible(globalBatch: Int, ranks: Int)
  /// The command was started under a launcher, but starts ranks itself.
  case underLauncher
  /// The command needs more than one rank.
  case alone
  /// The program mpirun is missing.
  case launcherMissing(reason: String)
  /// The ranks ended with an error, which they have printed.
  case failed(ranks: Int, status: Int32)
  /// The sums of an all-reduce were wrong.
  case wrongSum(algorithm: String, bytes: Int, rank: Int)

  /// One sentence that says what to do.
  package var description: String {
    switch self {
    case .unreadable(let path, let reason): "\(path): \(reason)"
    case .notAStep(let path):
      "\(path) is no result of this version's disttrain bench step --json; measure it again"
    case .notAnAllReduce(let path):
      "\(path) is no result of disttrain bench allreduce --json, so it says nothing about a network"
    case .unknownNetwork(let name):
      "--network \(name) is not known: take one of "
        + NetworkModel.known.map(\.name).joined(separator: ", ")
        + ", or a file of disttrain bench allreduce --json (with a / or .json in its name)"
    case .different(let path, let other, let what):
      "\(path) differs from \(other) in \(what), so there is no scaling between them; measure both "
        + "in the same way"
    case .twice(let path, let ranks):
      "\(path) is a second result with \(NumberText.count(ranks, "rank")); give one for each "
        + "number of ranks"
    case .neitherWeakNorStrong:
      "the results have neither one batch per rank (weak scaling) nor one global batch (strong "
        + "scaling); measure all of them with the same --batch, or with ranks x --batch the same"
    case .notDivisible(let globalBatch, let ranks):
      "a global batch of \(globalBatch) cannot be dealt evenly to "
        + "\(NumberText.count(ranks, "rank")); choose --batch for --strong so that every number of "
        + "--ranks divides it"
    case .underLauncher:
      "disttrain bench scaling starts mpirun itself: run it without mpirun or srun; inside a "
        + "SLURM job measure with srun disttrain bench step --json and give the files to --from"
    case .alone: "an all-reduce needs two ranks: start it with mpirun -np 2 or more"
    case .launcherMissing(let reason):
      "mpirun could not be started: \(reason); install the Debian package openmpi-bin, or put it "
        + "on the PATH"
    case .failed(let ranks, let status):
      "the measurement on \(NumberText.count(ranks, "rank")) ended with status \(status); "
        + "its messages are above"
    case .wrongSum(let algorithm, let bytes, let rank):
      "the \(algorithm) all-reduce of \(NumberText.count(bytes, "byte")) gave a wrong sum on rank "
        + "\(rank): the MPI library or the network of this machine is at fault"
    }
  }
}

/// Access to files of measurements.
enum ScalingFile {
  /// The bytes of the file at `path`.
  ///
  /// - Throws: `ScalingError.unreadable`.
  static func read(_ path: String) throws(ScalingError) -> Data {
    try FileContents.read(URL(fileURLWithPath: path)) {
      ScalingError.unreadable(path: path, reason: $0.reason)
    }
  }
}
