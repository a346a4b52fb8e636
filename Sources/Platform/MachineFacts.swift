import Foundation

/// Facts that the system reports to a process about itself and its machine; nil or empty where it
/// reports none.
package enum MachineFacts {
  /// Numbers of the processors that this process may use: its binding mask.
  package static func allowedProcessors(_ status: String? = text("/proc/self/status")) -> [Int] {
    let line = status?.split(separator: "\n").first { $0.hasPrefix("Cpus_allowed_list:") }
    return numbers(line?.split(separator: "\t").last.map(String.init) ?? "")
  }

  /// Numbers of all processors on the core of `processor`, itself included.
  static func siblings(of processor: Int) -> [Int] {
    numbers(
      text("/sys/devices/system/cpu/cpu\(processor)/topology/thread_siblings_list") ?? "")
  }

  /// Number of cores of the given processors; processors that share a core count once.
  package static func coreCount(of processors: [Int]) -> Int {
    Set(processors.map { siblings(of: $0).first ?? $0 }).count
  }

  /// Cores that this process may use, as mpirun counts them: those with two hardware threads once.
  package static func coreCount() -> Int {
    let processors = allowedProcessors()
    return processors.isEmpty
      ? ProcessInfo.processInfo.activeProcessorCount : coreCount(of: processors)
  }

  /// Number of cores that this process can keep busy: those of its binding mask, limited by its
  /// control groups.
  package static func usableCores() -> Int {
    let cores = coreCount()
    let quota = ControlGroups().coreQuota()
    return max(1, min(cores, quota.map { Int(clamped: $0.rounded(.up)) } ?? cores))
  }

  /// Memory of the machine in bytes, limited by the control groups.
  package static func totalMemory() -> Int {
    let installed = Int(clamping: ProcessInfo.processInfo.physicalMemory)
    return min(installed, ControlGroups().memoryLimit() ?? installed)
  }

  /// Memory that is free or can be reclaimed, in bytes, limited by the control groups.
  package static func availableMemory() -> Int? {
    let info = text("/proc/meminfo") ?? ""
    let line = info.split(separator: "\n").first { $0.hasPrefix("MemAvailable:") }
    let kibibytes = line?.split(whereSeparator: \.isWhitespace).dropFirst().first
    let free = kibibytes.flatMap { Int($0) }.map { $0 << 10 }
    guard let left = ControlGroups().memoryLeft() else { return free }
    return min(free ?? left, left)
  }

  /// Free space of the file system of `path`, in bytes.
  package static func freeBytes(_ path: String) -> Int? {
    var status = statvfs()
    guard statvfs(path, &status) == 0 else { return nil }
    return Int(status.f_bavail) * Int(status.f_frsize)
  }

  /// Type of the file system of `path`, as in /proc/mounts.
  package static func fileSystem(
    of path: String, mounts: String? = text("/proc/self/mounts")
  ) -> String? {
    let full = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
    var best: (length: Int, type: String)?
    for line in (mounts ?? "").split(separator: "\n") {
      let words = line.split(separator: " ")
      guard words.count > 2 else { continue }
      let point = unescaped(words[1])
      let isAbove = point == "/" || full == point || full.hasPrefix(point + "/")
      // The last of several mounts on one point is the visible one.
      if isAbove, point.count >= best?.length ?? 0 { best = (point.count, String(words[2])) }
    }
    return best?.type
  }

  /// A path of the kernel's tables of mounts, which write blanks and backslashes as octal.
  static func unescaped(_ path: some StringProtocol) -> String {
    let octal = ["\\040": " ", "\\011": "\t", "\\012": "\n", "\\134": "\\"]
    return octal.sorted { $0.key < $1.key }.reduce(String(path)) {
      $0.replacingOccurrences(of: $1.key, with: $1.value)
    }
  }

  /// Whether a file system of this type is shared over a network.
  package static func isShared(_ fileSystem: String) -> Bool {
    let shared = [
      "nfs", "nfs4", "lustre", "gpfs", "beegfs", "ceph", "cifs", "smb3", "fuse.sshfs", "panfs",
      "orangefs", "9p", "afs", "glusterfs", "fuse.glusterfs", "wekafs",
    ]
    return shared.contains(fileSystem)
  }

  /// Limit of the memory that may be locked, as fast networks need it, in bytes; nil without a
  /// limit.
  package static func lockableBytes() -> Int? {
    var limit = rlimit()
    // RLIMIT_MEMLOCK, which Swift does not see.
    guard getrlimit(__rlimit_resource_t(8), &limit) == 0 else { return nil }
    return limit.rlim_cur == rlim_t.max ? nil : Int(clamping: limit.rlim_cur)
  }

  /// Whether this machine has a network for which MPI locks memory.
  package static var hasInfiniBand: Bool {
    let path = "/sys/class/infiniband"
    return (try? FileManager.default.contentsOfDirectory(atPath: path))?.isEmpty == false
  }

  /// The transport of MPI messages, such as `ob1 over self, tcp, vader`, from the components that
  /// Open MPI keeps loaded, since it unloads unused ones when it starts; nil with other MPIs, or
  /// where components are linked in.
  package static func transport(_ maps: String? = text("/proc/self/maps")) -> String? {
    var found: [String: Set<String>] = [:]
    for line in (maps ?? "").split(separator: "\n") {
      guard let file = line.split(separator: "/").last, file.hasPrefix("mca_"),
        let name = file.split(separator: ".").first
      else { continue }
      let parts = name.split(separator: "_", maxSplits: 2)
      if parts.count == 3 { found[String(parts[1]), default: []].insert(String(parts[2])) }
    }
    guard let layer = found["pml"]?.sorted().joined(separator: ", ") else { return nil }
    let ways = (found["mtl"] ?? []).union(found["btl"] ?? []).sorted()
    return ways.isEmpty ? layer : "\(layer) over \(ways.joined(separator: ", "))"
  }

  /// The numbers in a list such as `0-3,8`.
  package static func numbers(_ list: String) -> [Int] {
    list.split(separator: ",").flatMap { part -> [Int] in
      let ends = part.split(separator: "-").compactMap {
        Int($0.trimmingCharacters(in: .whitespacesAndNewlines))
      }
      guard let first = ends.first, let last = ends.last, first <= last else { return [] }
      return Array(first...last)
    }
  }

  /// Contents of a file. Foundation cannot read system files, because it takes their length for 0
  /// and reads no more than a page at once.
  package static func text(_ path: String) -> String? {
    guard let file = FileHandle(forReadingAtPath: path) else { return nil }
    defer { try? file.close() }
    return (try? file.readToEnd()).flatMap { $0 }.map { String(decoding: $0, as: UTF8.self) }
  }
}
