import ArgumentParser
import Foundation
import Launching
import Models
import Platform

/// `disttrain launch`: starts `train` under mpirun, and again after a crash.
struct LaunchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "launch",
    abstract: "Start train on many ranks with mpirun, and restart it after a crash.",
    usage: "disttrain launch --ranks <ranks> [<options>] -- train <options of train>",
    discussion: """
      Starts mpirun with this program and the train command that follows --. When a rank, a host \
      or mpirun is lost, the job is started again with --resume, from the beginning if nothing was \
      saved. After an error that train reports, or a requested stop, there is no restart.

        disttrain launch --ranks 2 -- train --preset abl3 --data mini --batch 3

      A restart is the same run: the result has the bits of one that never crashed. After three \
      crashes in a row that saved nothing new, or --max-restarts, launch gives up and lists the \
      attempts. The exit status is that of the last one.
      """)

  @Option(help: "Ranks on all hosts together.")
  var ranks: Int

  @Option(
    help: ArgumentHelp("Hosts and their ranks, in the format of Open MPI.", valueName: "file"))
  var hostfile: String?

  @Option(help: "Largest number of restarts.")
  var maxRestarts = 3

  @Option(
    help: ArgumentHelp(
      "Pause before a restart; twice as long after each crash that saved nothing new.",
      valueName: "time"), transform: Flags.seconds)
  var restartDelay = 5.0

  @Option(
    parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      "A further argument of mpirun, one word; may be given several times.", valueName: "word"))
  var mpirunArg: [String] = []

  @Flag(help: "Let mpirun run as root.")
  var allowRunAsRoot = false

  @Flag(help: "Print the command line and start nothing.")
  var dryRun = false

  @Argument(
    parsing: .postTerminator, help: ArgumentHelp("train and its arguments.", valueName: "train"))
  var command: [String]

  func validate() throws {
    try Flags.require("--ranks", ranks, atLeast: 1)
    try Flags.require("--max-restarts", maxRestarts, atLeast: 0)
    try Flags.require("--restart-delay", restartDelay, within: 0...86_400, unit: "seconds")
    try Flags.require(
      command.first == "train",
      "launch starts train and nothing else: put train after --, not \(command.first ?? "")")
  }

  /// Runs the job.
  ///
  /// - Throws: `ExitCode` with the status of the last attempt; `LaunchError` if nothing can be
  ///   started.
  func run() throws {
    // Options that train would refuse are refused before anything is started.
    guard
      let train = try DistTrainCommand.parseAsRoot(CommandWords.joined(command)) as? TrainCommand
    else {
      throw ValidationError("launch starts train and nothing else")
    }
    let model = try Preset.load(train.input.preset)
    let line = try commandLine(train, ProcessInfo.processInfo.environment)
    if let note = line.note { Console.error("disttrain: launch: \(note)") }
    if dryRun { return Console.line(LaunchCommandLine.quoted(line.words(resuming: false))) }
    var launcher = Launcher(
      line, folder: train.runFolder(of: model),
      policy: RestartPolicy(limit: maxRestarts, delay: restartDelay),
      stopSignals: train.saving.request(startedAt: 0).stopSignals
    ) { Console.error("disttrain: launch: \($0)") }
    let status = try launcher.run()
    if status != 0 { throw ExitCode(status) }
  }

  private func commandLine(
    _ train: TrainCommand, _ environment: [String: String]
  ) throws(LaunchError) -> LaunchCommandLine {
    try LaunchHost.requireNoLauncher(environment)
    let mpirun = try LaunchHost.mpirun(searchPath: environment["PATH"])
    if let hostfile { _ = try Hostfile(path: hostfile) }
    if !allowRunAsRoot,
      LaunchHost.refusesRoot(environment, isRoot: geteuid() == 0, mpirunArguments: mpirunArg)
    {
      throw .root
    }
    let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    var line = LaunchCommandLine(
      mpirun: mpirun, program: program.path(percentEncoded: false), ranks: ranks, command: command)
    line.launcher = LaunchHost.launcher(mpirun)
    line.threads = train.cores.threads
    line.hostfile = hostfile
    let isElsewhere = hostfile != nil || LaunchHost.hasAllocation(environment)
    line.cores = isElsewhere ? nil : MachineFacts.coreCount()
    line.allowsRoot = allowRunAsRoot
    line.mpirunArguments = mpirunArg
    return line
  }
}
