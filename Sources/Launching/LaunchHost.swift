import Foundation

/// Facts about the machine and the environment in which `launch` is started.
package enum LaunchHost {
  /// The full path of mpirun.
  package static func mpirun(searchPath: String?) throws(LaunchError) -> String {
    for folder in (searchPath ?? "").split(separator: ":") {
      let path = "\(folder)/mpirun"
      if FileManager.default.isExecutableFile(atPath: path) { return path }
    }
    throw .mpirunMissing
  }

  /// Throws if this process is a rank of mpirun or a task of srun. A batch script and the shell of
  /// an interactive job are none.
  package static func requireNoLauncher(_ environment: [String: String]) throws(LaunchError) {
    let ranks = [
      ("OMPI_COMM_WORLD_RANK", "mpirun"), ("PMIX_RANK", "mpirun or srun"),
      ("PMI_RANK", "mpiexec or srun"),
    ]
    for (key, name) in ranks where environment[key] != nil { throw .insideLauncher(name: name) }
    // SLURM numbers the steps of srun from 0; the shell of a job has none, or one near 2^32.
    if let step = environment["SLURM_STEP_ID"].flatMap({ Int($0) }), step < 0xffff_0000 {
      throw .insideLauncher(name: "srun")
    }
  }

  /// Whether a batch system says where mpirun starts ranks.
  package static func hasAllocation(_ environment: [String: String]) -> Bool {
    ["SLURM_JOB_ID", "PBS_NODEFILE", "LSB_HOSTS", "PE_HOSTFILE"].contains {
      environment[$0] != nil
    }
  }

  /// Whether Open MPI would refuse this user.
  package static func refusesRoot(
    _ environment: [String: String], isRoot: Bool, mpirunArguments: [String]
  ) -> Bool {
    let isTold = ["OMPI_ALLOW_RUN_AS_ROOT", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"].allSatisfy {
      environment[$0] == "1"
    }
    return isRoot && !isTold && !mpirunArguments.contains("--allow-run-as-root")
  }
}
