import Platform

/// Facts about the start of this process, from its environment.
package struct LaunchEnvironment: Equatable, Sendable {
  /// The launcher, for messages.
  package let launcher: String
  /// Number of processes that it says it started, if it says so.
  package let size: Int?

  /// Nil if no launcher that MPI understands started this process.
  ///
  /// Throws when srun started several tasks that could not find each other: they would all train
  /// the same thing into the same folder.
  package init?(_ environment: [String: String]) throws(CommunicationError) {
    func number(_ key: String) -> Int? { environment[key].flatMap { Int($0) } }
    let slurmTasks = number("SLURM_STEP_NUM_TASKS")
    if environment["OMPI_COMM_WORLD_SIZE"] != nil {
      launcher = "mpirun (Open MPI)"
      size = number("OMPI_COMM_WORLD_SIZE")
    } else if environment["PMIX_RANK"] != nil {
      launcher = slurmTasks == nil ? "a PMIx launcher" : "srun"
      size = slurmTasks
    } else if environment["PMI_RANK"] != nil {
      launcher = slurmTasks == nil ? "mpiexec (PMI)" : "srun"
      size = number("PMI_SIZE") ?? slurmTasks
    } else if let slurmTasks, slurmTasks > 1 {
      throw .startFailed(
        reason: "srun started \(NumberText.count(slurmTasks, "task")) without PMIx, so they "
          + "cannot find each other; add --mpi=pmix to srun")
    } else {
      return nil
    }
  }
}
