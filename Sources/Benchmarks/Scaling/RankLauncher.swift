import CPlatform
import Forecast
import Foundation

/// Starts this program under mpirun and waits for its end.
package struct RankLauncher {
  package let hostfile: String?
  /// Further arguments of mpirun.
  package let arguments: [String]
  /// Number of threads of a rank.
  package let threads: Int
  package let cores: Int

  /// Launcher with the path of a hostfile, if any, and further `arguments` of mpirun, one word
  /// each; `cores` are those of this machine.
  package init(hostfile: String?, arguments: [String], threads: Int, cores: Int) {
    self.hostfile = hostfile
    self.arguments = arguments
    self.threads = threads
    self.cores = cores
  }

  /// Words of the command line that runs `program` with `command` on `ranks` ranks.
  ///
  /// Options allow more ranks than cores, which mpirun would refuse or bind to the first cores,
  /// unless a hostfile determines the number of ranks.
  package func words(ranks: Int, program: String, _ command: [String]) -> [String] {
    var words = ["mpirun", "-np", "\(ranks)"]
    if let hostfile { words += ["--hostfile", hostfile] }
    if hostfile == nil && ranks * threads > cores {
      words += ["--oversubscribe", "--bind-to", "none"]
    } else if threads > 1 {
      words += ["--map-by", "slot:PE=\(threads)"]
    }
    return words + arguments + [program] + command
  }

  /// Runs the command on `ranks` ranks, whose output goes to stderr.
  ///
  /// - Throws: `ScalingError` if mpirun is missing or the ranks fail.
  package func run(ranks: Int, _ command: [String]) throws(ScalingError) {
    let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
      .path(percentEncoded: false)
    let words = words(ranks: ranks, program: program, command)
    let status = try Self.wait(for: words)
    if status != 0 { throw .failed(ranks: ranks, status: status) }
  }

  /// Starts `words` in this process group, so that Ctrl-C reaches the command too, with stdout
  /// redirected to stderr, and returns its exit status.
  private static func wait(for words: [String]) throws(ScalingError) -> Int32 {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO)
    var argv: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
    defer { argv.forEach { free($0) } }
    var child: pid_t = 0
    let started = posix_spawnp(&child, words[0], &actions, nil, &argv, environ)
    if started != 0 { throw .launcherMissing(reason: String(cString: strerror(started))) }
    // A signal that ends this program must end its ranks too.
    signal(SIGTERM, SIG_IGN)
    let relay = DispatchSource.makeSignalSource(signal: SIGTERM, queue: .global())
    let process = child
    relay.setEventHandler { @Sendable in kill(process, SIGTERM) }
    relay.resume()
    defer {
      relay.cancel()
      signal(SIGTERM, SIG_DFL)
    }
    var status: Int32 = 0
    while waitpid(child, &status, 0) == -1 && errno == EINTR {}
    let signal = status & 0x7f
    return signal == 0 ? (status >> 8) & 0xff : 128 + signal
  }
}
