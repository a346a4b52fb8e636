import Foundation

/// Reasons for which a program cannot be run under mpirun.
public enum MPIRunError: Error, Equatable, CustomStringConvertible {
  /// The PATH has no mpirun.
  case mpirunMissing
  /// The program has not been built.
  case productMissing(path: String)

  /// One sentence that says what to do.
  public var description: String {
    switch self {
    case .mpirunMissing:
      "mpirun is not on the PATH, and the MPI tests are never skipped: install the Debian packages "
        + "openmpi-bin and libopenmpi-dev"
    case .productMissing(let path):
      "\(path) does not exist: build the whole package (swift build --build-tests) first"
    }
  }
}

/// Runs the package's executables under mpirun.
public enum MPIRun {
  /// Starts `ranks` processes of the executable `product` and waits for the job's end.
  ///
  /// A job that runs longer than `timeLimit` seconds is killed, and its outcome says so.
  /// `environment` is added to that of this process, `launcherArguments` are mpirun's own.
  ///
  /// - Throws: `MPIRunError` if mpirun or the product is missing.
  public static func run(
    ranks: Int, product: String, arguments: [String] = [], environment: [String: String] = [:],
    launcherArguments: [String] = [], folder: URL? = nil, timeLimit: Double = 60
  ) throws -> SubprocessOutcome {
    let program = try productPath(product)
    let launcher = try mpirunPath()
    return try Subprocess.run(
      launcher,
      ["--oversubscribe", "--bind-to", "none"] + launcherArguments
        + ["-np", "\(ranks)", program] + arguments,
      environment: launchEnvironment(adding: environment), folder: folder, timeLimit: timeLimit)
  }

  /// Runs a single process of the executable `product` without any launcher.
  public static func runAlone(
    product: String, arguments: [String] = [], environment: [String: String] = [:],
    folder: URL? = nil, timeLimit: Double = 60
  ) throws -> SubprocessOutcome {
    try Subprocess.run(
      productPath(product), arguments, environment: launchEnvironment(adding: environment),
      folder: folder, timeLimit: timeLimit)
  }

  /// The full path of a built executable of the package.
  public static func productPath(_ name: String) throws -> String {
    let path = productsFolder.appending(path: name).path(percentEncoded: false)
    guard FileManager.default.isExecutableFile(atPath: path) else {
      throw MPIRunError.productMissing(path: path)
    }
    return path
  }

  /// Folder of the test bundle and of the executables.
  public static let productsFolder: URL = URL(fileURLWithPath: "/proc/self/exe")
    .resolvingSymlinksInPath().deletingLastPathComponent()

  /// The full path of mpirun.
  public static func mpirunPath(
    searchPath: String? = ProcessInfo.processInfo.environment["PATH"]
  ) throws -> String {
    for folder in (searchPath ?? "").split(separator: ":") {
      let path = "\(folder)/mpirun"
      if FileManager.default.isExecutableFile(atPath: path) { return path }
    }
    throw MPIRunError.mpirunMissing
  }

  /// The environment of this process without the variables of a launcher around the tests, so that
  /// mpirun starts its ranks on this machine.
  public static func launchEnvironment(adding more: [String: String] = [:]) -> [String: String] {
    let foreign = ["OMPI_", "PMIX_", "PMI_", "SLURM_", "PRTE_"]
    var environment = ProcessInfo.processInfo.environment.filter { entry in
      !foreign.contains { entry.key.hasPrefix($0) }
    }
    // mpirun refuses to start as root, the usual user of containers, without both.
    environment["OMPI_ALLOW_RUN_AS_ROOT"] = "1"
    environment["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1"
    // Containers often forbid reading another process's memory; shared memory works everywhere and
    // is as fast.
    environment["OMPI_MCA_btl_vader_single_copy_mechanism"] = "none"
    return environment.merging(more) { $1 }
  }
}
