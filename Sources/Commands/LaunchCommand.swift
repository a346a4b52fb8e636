import ArgumentParser
import Foundation
import Launching
import Models
import Platform

/// `disttrain launch`: starts `train` under mpirun, and again after a crash.
struct LaunchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "launch",
    abstract: "Start train on many ranks with mpirun, and again when it crashes.",
    usage: "disttrain launch --ranks <ranks> [<options>] -- train <options of train>",
    discussion: """
      Starts mpirun with this program and the train command that follows --. When a rank, a host or \
      mpirun is lost, the job is started again with --resume, from the beginning if nothing was \
      saved. Errors that train tells are not tried again, nor is a run that was asked to stop.

        disttrain launch --ranks 2 -- train --preset abl3 --data mini --batch 3

      A restart is the same run: the result has the bits of one that never crashed. After three \
      crashes in a row that saved nothing new, or --max-restarts, it gives up and lists the \
      attempts. The exit status is that of the last one.
      """)

  @Option(help: "Ranks, over all hosts.")
  var ranks: Int

  @Option(help: ArgumentHelp("Hosts and their ranks, as Open MPI has them.", valueName: "file"))
  var hostfile: String?

  @Option(help: "Restarts at most, in all.")
  var maxRestarts = 3

  @Option(
    help: ArgumentHelp(
      "Pause before a restart; twice as long after each crash that saved nothing new.",
      valueName: "seconds"))
  var restartDelay = 5.0

  @Option(
    parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      "A further argument of mpirun, after ours; one word, as often as needed.", valueName: "word"))
  var mpirunArg: [String] = []

  @Flag(help: "Let mpirun run as root.")
  var allowRunAsRoot = false

  @Flag(help: "Print the command line and start nothing.")
  var dryRun = false

  @Argument(
    parsing: .postTerminator, help: ArgumentHelp("train and its arguments.", valueName: "train"))
  var command: [String]

  func validate() throws {
    func require(_ condition: Bool, _ text: String) throws {
      if !condition { throw ValidationError(text) }
    }
    try require(ranks > 0, "--ranks must be at least 1, not \(ranks)")
    try require(maxRestarts >= 0, "--max-restarts must be at least 0, not \(maxRestarts)")
    try require(
      restartDelay >= 0 && restartDelay <= 86_400,
      "--restart-delay must be between 0 and 86400, not \(restartDelay)")
    try require(
      command.first == "train",
      "launch starts train and nothing else: after -- comes train, not \(command.first ?? "")")
  }

  /// Runs the job.
  ///
  /// - Throws: `ExitCode` with the status of the last attempt; `LaunchError` if nothing can be
  ///   started.
  func run() throws {
    // What train would refuse is known before anything is started.
    guard let train = try DistTrainCommand.parseAsRoot(command) as? TrainCommand else {
      throw ValidationError("launch starts train and nothing else")
    }
    let model = try Preset.load(train.preset)
    let plan = try makePlan(train, ProcessInfo.processInfo.environment)
    if let note = plan.note { Console.error("disttrain: launch: \(note)") }
    if dryRun { return Console.line(LaunchPlan.quoted(plan.words(resuming: false))) }
    var launcher = Launcher(
      plan, folder: train.runFolder(of: model),
      policy: RestartPolicy(limit: maxRestarts, delay: restartDelay),
      stopSignals: train.saving.request(startedAt: 0).stopSignals
    ) { Console.error("disttrain: launch: \($0)") }
    let status = try launcher.run()
    if status != 0 { throw ExitCode(status) }
  }

  private func makePlan(
    _ train: TrainCommand, _ environment: [String: String]
  ) throws(LaunchError) -> LaunchPlan {
    try LaunchHost.requireNoLauncher(environment)
    let mpirun = try LaunchHost.mpirun(searchPath: environment["PATH"])
    if let hostfile, access(hostfile, R_OK) != 0 { throw .hostfileMissing(path: hostfile) }
    if !allowRunAsRoot,
      LaunchHost.refusesRoot(environment, isRoot: geteuid() == 0, mpirunArguments: mpirunArg)
    {
      throw .root
    }
    let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    var plan = LaunchPlan(
      mpirun: mpirun, program: program.path(percentEncoded: false), ranks: ranks, command: command)
    plan.threads = train.threads
    plan.hostfile = hostfile
    let isElsewhere = hostfile != nil || LaunchHost.hasAllocation(environment)
    plan.cores = isElsewhere ? nil : MachineFacts.coreCount()
    plan.allowsRoot = allowRunAsRoot
    plan.mpirunArguments = mpirunArg
    return plan
  }
}
