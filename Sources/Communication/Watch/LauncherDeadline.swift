import CPlatform
import Foundation

/// Makes sure that the launcher's process on this host comes to an end.
///
/// When a rank ends the job, mpirun and its daemons tell each other and wait for the answer: for a
/// quarter of an hour where the network between them is cut. They kill this process first, so
/// another one has to watch them. Schedulers such as SLURM look after their own.
enum LauncherDeadline {
  private static let names: Set<String> = ["mpirun", "mpiexec", "orterun", "orted"]

  /// From a process of its own, kills the launcher of this one if it is still there after
  /// `seconds`.
  static func start(seconds: Int) {
    guard let launcher else { return }
    let script = """
      while [ "$2" -gt 0 ]; do
        sleep 1
        read -r name </proc/"$1"/comm && [ "$name" = "$3" ] || exit
        set -- "$1" $(($2 - 1)) "$3"
      done
      kill -9 "$1"
      """
    let words = ["/bin/sh", "-c", script, "sh", "\(launcher.process)", "\(seconds)", launcher.name]
    var arguments = words.map { strdup($0) } + [nil]
    defer { arguments.forEach { free($0) } }
    _ = platform_start_detached(&arguments)
  }

  /// The nearest launcher among this process's ancestors.
  private static var launcher: (process: pid_t, name: String)? {
    var process = getppid()
    while process > 1 {
      // "pid (name) state parent …", where the name may hold anything.
      guard let text = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8),
        let start = text.firstIndex(of: "("), let end = text.lastIndex(of: ")")
      else { return nil }
      let name = String(text[text.index(after: start)..<end])
      if names.contains(name) { return (process, name) }
      let rest = text[text.index(after: end)...].split(separator: " ")
      guard rest.count > 1, let parent = pid_t(rest[1]) else { return nil }
      process = parent
    }
    return nil
  }
}
