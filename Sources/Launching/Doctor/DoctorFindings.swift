import Platform

/// Something about a job that costs speed or will end it, and what to change.
package struct DoctorFinding: Equatable, Sendable {
  /// How bad it is.
  package enum Weight: String, Sendable {
    /// It costs much, or the job cannot run so.
    case problem
    /// Worth knowing.
    case note
  }

  package let weight: Weight
  package let text: String
}

/// The traps that are known, each a line that says what to change.
package enum DoctorFindings {
  /// Findings about the ranks of `surveys`, problems and notes in the order of the hosts.
  package static func of(_ surveys: [RankSurvey], launchedBySLURM: Bool = false) -> [DoctorFinding]
  {
    var found: [DoctorFinding] = []
    func problem(_ text: String) { found.append(.init(weight: .problem, text: text)) }
    func note(_ text: String) { found.append(.init(weight: .note, text: text)) }
    let hosts = Dictionary(grouping: surveys, by: \.host).sorted { $0.key < $1.key }

    for (host, ranks) in hosts {
      let wanted = ranks.reduce(0) { $0 + $1.threads }
      let allowed = Set(ranks.flatMap(\.processors))
      let first = ranks[0]
      let bind =
        launchedBySLURM
        ? "srun --cpu-bind=cores --cpus-per-task=\(first.threads)"
        : "mpirun --bind-to core --map-by slot:PE=\(first.threads)"
      if let rank = ranks.first(where: {
        $0.threads > $0.processors.count && !$0.processors.isEmpty
      }) {
        problem(
          "\(host): rank \(rank.rank) computes with \(count(rank.threads, "thread")) and may use "
            + "\(count(rank.processors.count, "processor")): they wait for each other; use "
            + "\(bind), or lower --threads")
      }
      if wanted > allowed.count, !allowed.isEmpty {
        problem(
          "\(host): \(count(ranks.count, "rank")) with \(count(wanted, "thread")) in all share "
            + "\(count(allowed.count, "processor")) (oversubscription): every step waits for the "
            + "rank that runs last; start fewer ranks there")
      }
      if ranks.count > 1, allowed.count == 1, first.hostProcessors > 1 {
        problem(
          "\(host): all \(ranks.count) ranks may use processor \(first.processorList) only, of "
            + "\(first.hostProcessors): each start bound its first rank to the same core; use "
            + "--bind-to none for several jobs on one host, or give one job all ranks")
      } else if ranks.count > 1, let pair = sharedCores(ranks), allowed.count < first.hostProcessors
      {
        problem(
          "\(host): ranks \(pair.0) and \(pair.1) may use the same processors and no others; use "
            + bind)
      }
      if ranks.count > 1, ranks.allSatisfy({ $0.processors.count == first.hostProcessors }),
        first.hostProcessors > 1
      {
        note(
          "\(host): no rank is bound to cores, so the system may move ranks about: \(bind) holds "
            + "them in place")
      }
      if ranks.contains(where: { $0.cores < $0.threads && $0.processors.count >= $0.threads }) {
        problem(
          "\(host): threads share cores (two processors are one core here); use one thread a core: "
            + (launchedBySLURM ? "--hint=nomultithread" : "--use-hwthread-cpus must not be set"))
      }
      if let quota = first.coreQuota, quota < Double(wanted) - 0.01 {
        problem(
          "\(host): a control group allows \(quota) cores, for \(count(wanted, "thread")); raise "
            + "the container's cores or start fewer ranks")
      }
      if let memory = ranks.compactMap(\.availableMemory).min(), memory < ranks.count << 30 {
        problem(
          "\(host): \(megabytes(memory)) of memory is left for \(count(ranks.count, "rank")), less "
            + "than 1 GB each; start fewer ranks or use --recompute")
      }
      if let shared = first.sharedMemory, ranks.count > 1, shared < ranks.count << 25 {
        problem(
          "\(host): /dev/shm has \(megabytes(shared)) left, and ranks of one host exchange through "
            + "it; give the container more (docker run --shm-size=1g)")
      }
      if let locked = first.lockableMemory, first.hasInfiniBand, locked < 1 << 30 {
        problem(
          "\(host): only \(megabytes(locked)) may be locked, so MPI cannot use the fast network; "
            + "raise the limit (ulimit -l unlimited)")
      }
      if let type = first.dataFileSystem, MachineFacts.isShared(type) {
        note(
          "\(host): the data lie on a shared file system (\(type)); pack them (prepare pack) and "
            + "read them from the node's own disk (--stage)")
      }
      for warning in Set(ranks.flatMap(\.warnings)).sorted() { problem("\(host): \(warning)") }
      for text in Set(ranks.flatMap(\.notes)).sorted() { note("\(host): \(text)") }
    }
    let programs = Set(surveys.map(\.program))
    if programs.count > 1 {
      problem(
        "the ranks run different versions (\(programs.sorted().joined(separator: ", "))); build "
          + "one and put it where all hosts see it")
    }
    let sets = Set(surveys.map(\.instructionSet))
    if sets.count > 1 {
      note(
        "the ranks' processors differ (\(sets.sorted().joined(separator: ", ")) kernels): all wait "
          + "for the slowest; ask for nodes of one kind (--constraint)")
    }
    return found
  }

  /// Two ranks with the same few processors.
  private static func sharedCores(_ ranks: [RankSurvey]) -> (Int, Int)? {
    for (index, one) in ranks.enumerated() {
      for other in ranks[(index + 1)...]
      where one.processors == other.processors && one.processors.count < one.threads + other.threads
      {
        return (one.rank, other.rank)
      }
    }
    return nil
  }

  private static func count(_ number: Int, _ thing: String) -> String {
    NumberText.count(number, thing)
  }

  private static func megabytes(_ bytes: Int) -> String { NumberText.megabytes(bytes) }
}
