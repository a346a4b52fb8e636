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

  /// The kind of the mpirun at `path`, by what it says of its version; Open MPI if it says nothing.
  package static func launcher(_ path: String) -> JobStatus.Launcher {
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = ["--version"]
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return .openMPI }
    let text = (try? output.fileHandleForReading.readToEnd()).flatMap { $0 } ?? Data()
    process.waitUntilExit()
    return String(decoding: text, as: UTF8.self).uppercased().contains("HYDRA") ? .hydra : .openMPI
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
