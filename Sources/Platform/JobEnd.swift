import Foundation

/// When the batch system or the user ends the job.
package struct JobEnd: Equatable, Sendable {
  /// Seconds of the system's uptime.
  package var uptime: Double
  /// Origin of the time, for the log.
  package var origin: String

  /// End of the job at `uptime`, in seconds since the system started, which `origin` names.
  package init(uptime: Double, origin: String) {
    self.uptime = uptime
    self.origin = origin
  }

  /// The earlier of the end that the user gave, `wallTime` seconds after the uptime `start`, and
  /// that of SLURM; nil if there is neither.
  ///
  /// SLURM's is `SLURM_JOB_END_TIME` (seconds since 1970), which its newer versions set, or what
  /// `squeue` says about the job. If that is not to be had in `patience` seconds, there is none.
  package static func find(
    wallTime: Double?, startedAt start: Double, environment: [String: String],
    patience: Double = 5
  ) -> JobEnd? {
    var ends: [JobEnd] = []
    if let wallTime {
      ends.append(
        .init(uptime: start + wallTime, origin: "--wall-time \(TimeSpan.text(wallTime))"))
    }
    if let date = slurmEnd(environment, patience: patience) {
      let uptime = ProcessInfo.processInfo.systemUptime + date.timeIntervalSinceNow
      ends.append(.init(uptime: uptime, origin: "SLURM's end of the job"))
    }
    return ends.min { $0.uptime < $1.uptime }
  }

  private static func slurmEnd(_ environment: [String: String], patience: Double) -> Date? {
    if let seconds = environment["SLURM_JOB_END_TIME"].flatMap({ Double($0) }), seconds > 0 {
      return Date(timeIntervalSince1970: seconds)
    }
    guard let job = environment["SLURM_JOB_ID"] else { return nil }
    let answer = CommandOutput.of(
      ["squeue", "-h", "-j", job, "-o", "%e"], patience: patience)
    return answer.flatMap { date(squeue: $0) }
  }

  /// The local time that `squeue` prints, such as `2026-11-25T05:00:00`; nil for `N/A` and others.
  package static func date(squeue text: String) -> Date? {
    let formatter = DateFormatter()
    formatter.locale = Locale(identifier: "en_US_POSIX")
    formatter.timeZone = .current
    formatter.dateFormat = "yyyy-MM-dd'T'HH:mm:ss"
    return formatter.date(from: text.trimmingCharacters(in: .whitespacesAndNewlines))
  }
}

/// Output of a small program.
enum CommandOutput {
  /// The stdout of the command `words`, which is looked for on the PATH; nil if it cannot be
  /// started, fails, or takes longer than `patience` seconds.
  static func of(_ words: [String], patience: Double) -> String? {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { return nil }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
    let argv = words.map { strdup($0) } + [nil]
    defer { argv.forEach { free($0) } }
    var child: pid_t = 0
    let started = posix_spawnp(&child, words[0], &actions, nil, argv, environ)
    close(ends[1])
    defer { close(ends[0]) }
    guard started == 0 else { return nil }

    let limit = ProcessInfo.processInfo.systemUptime + patience
    var bytes: [UInt8] = []
    var isComplete = false
    while !isComplete {
      let left = limit - ProcessInfo.processInfo.systemUptime
      var entry = pollfd(fd: ends[0], events: Int16(POLLIN), revents: 0)
      if left <= 0 || poll(&entry, 1, Int32(left * 1000) + 1) <= 0 { break }
      var block = [UInt8](repeating: 0, count: 4096)
      let count = read(ends[0], &block, block.count)
      if count > 0 { bytes += block.prefix(count) } else { isComplete = true }
    }
    if !isComplete { kill(child, SIGKILL) }
    var status: Int32 = 0
    while waitpid(child, &status, 0) < 0 && errno == EINTR {}
    return isComplete && status == 0 ? String(decoding: bytes, as: UTF8.self) : nil
  }
}
