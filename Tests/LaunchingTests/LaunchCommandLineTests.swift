import Foundation
import Launching
import Platform
import Testing
import TestSupport

/// The command line that a launch starts, and when it starts none.
@Suite struct LaunchCommandLineTests {
  private let keepalive = [
    "--mca", "oob_tcp_keepalive_time", "5", "--mca", "oob_tcp_keepalive_intvl", "2",
    "--mca", "oob_tcp_keepalive_probes", "3",
  ]
  private let command = ["train", "--preset", "abl3", "--data", "a corpus"]

  private func line(ranks: Int) -> LaunchCommandLine {
    LaunchCommandLine(
      mpirun: "/bin/mpirun", program: "/opt/disttrain", ranks: ranks, command: command)
  }

  @Test func aRankACoreNeedsNoOptions() {
    var line = line(ranks: 2)
    line.cores = 2
    let start = ["/bin/mpirun", "-np", "2"] + keepalive + ["/opt/disttrain"]
    #expect(line.words(resuming: false) == start + command)
    #expect(line.words(resuming: true) == start + command + ["--resume"])
    #expect(line.note == nil)
    line.command += ["--resume", "--threads", "1"]
    #expect(line.words(resuming: true) == line.words(resuming: false))
  }

  @Test func hydraGetsItsOwnOptions() {
    var line = line(ranks: 3)
    line.launcher = .hydra
    line.cores = 2
    line.hostfile = "hosts"
    line.mpirunArguments = ["-l"]
    #expect(
      line.words(resuming: false)
        == ["/bin/mpirun", "-np", "3", "-f", "hosts", "-l", "/opt/disttrain"] + command)
    #expect(line.note == nil)
  }

  @Test func moreRanksThanCoresTakeTurnsAndSaySo() {
    var line = line(ranks: 3)
    line.cores = 2
    #expect(
      line.words(resuming: false).prefix(6).suffix(3) == ["--oversubscribe", "--bind-to", "none"])
    #expect(line.note?.hasPrefix("3 ranks on 2 cores: they take turns") == true)
    // Threads count as well.
    line.ranks = 2
    line.threads = 2
    #expect(line.words(resuming: false).contains("--oversubscribe"))
    #expect(line.note?.hasPrefix("2 ranks of 2 threads on 2 cores") == true)
    // A hostfile or a batch system knows better.
    line.cores = nil
    line.hostfile = "hosts"
    #expect(
      line.words(resuming: false)
        == ["/bin/mpirun", "-np", "2", "--hostfile", "hosts", "--map-by", "slot:PE=2"] + keepalive
        + ["/opt/disttrain"] + command)
    #expect(line.note == nil)
  }

  @Test(arguments: [["--bind-to", "none"], ["-map-by", "node"], ["--oversubscribe"]])
  func usersPlaceRanksThemselves(arguments: [String]) {
    var line = line(ranks: 9)
    line.cores = 2
    line.threads = 3
    line.allowsRoot = true
    line.mpirunArguments = arguments
    #expect(
      line.words(resuming: false)
        == ["/bin/mpirun", "-np", "9", "--allow-run-as-root"] + keepalive + arguments
        + ["/opt/disttrain"] + command)
    #expect(line.note == nil)
    line.mpirunArguments = ["--mca", "btl", "tcp,self"]
    #expect(line.words(resuming: false).contains("--oversubscribe"))
  }

  @Test func wordsAreQuotedForAShell() throws {
    let words = ["/bin/mpirun", "a corpus", "", "it's", "$HOME", "x=1", "*"]
    let text = LaunchCommandLine.quoted(words)
    #expect(text.hasPrefix("/bin/mpirun 'a corpus' '' "))
    let echoed = try Subprocess.shell("printf '%s\\n' \(text)")
    #expect(echoed.output == words.joined(separator: "\n") + "\n", "\(echoed)")
  }

  @Test func ranksAndTasksLaunchNothing() {
    func name(_ environment: [String: String]) -> LaunchError? {
      do throws(LaunchError) {
        try LaunchHost.requireNoLauncher(environment)
        return nil
      } catch {
        return error
      }
    }
    #expect(name(["OMPI_COMM_WORLD_RANK": "0"]) == .insideLauncher(name: "mpirun"))
    #expect(name(["PMIX_RANK": "0"]) == .insideLauncher(name: "mpirun or srun"))
    #expect(name(["SLURM_STEP_ID": "0", "SLURM_JOB_ID": "7"]) == .insideLauncher(name: "srun"))
    // A batch script, and the shell of an interactive job.
    #expect(name(["SLURM_JOB_ID": "7", "SLURM_PROCID": "0"]) == nil)
    #expect(name(["SLURM_STEP_ID": "4294967290", "SLURM_JOB_ID": "7"]) == nil)
    #expect(LaunchHost.hasAllocation(["SLURM_JOB_ID": "7"]) && !LaunchHost.hasAllocation([:]))
  }

  @Test func rootHasToSaySo() {
    func refuses(_ environment: [String: String], _ arguments: [String] = []) -> Bool {
      LaunchHost.refusesRoot(environment, isRoot: true, mpirunArguments: arguments)
    }
    let both = ["OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"]
    #expect(refuses([:]) && refuses(["OMPI_ALLOW_RUN_AS_ROOT": "1"]))
    #expect(!refuses(both) && !refuses([:], ["--allow-run-as-root"]))
    #expect(!LaunchHost.refusesRoot([:], isRoot: false, mpirunArguments: []))
  }

  @Test func coresAreCounted() {
    #expect(MachineFacts.numbers("0-3,8\n") == [0, 1, 2, 3, 8])
    #expect(MachineFacts.numbers(" 5") == [5] && MachineFacts.numbers("3-1") == [])
    #expect((1...ProcessInfo.processInfo.activeProcessorCount).contains(MachineFacts.coreCount()))
  }
}
