import Foundation

/// The limits that control groups set to this process together with the others of its groups.
///
/// A process belongs to one group of each hierarchy: one hierarchy for all controllers in version
/// 2, one for each or for a few in version 1, both side by side in hybrid systems. A limit of any
/// group on the way from the process's own to the root counts, so the smallest is the effective
/// one.
/// Inside a container the upper part of the way may be out of sight, and the path that
/// `/proc/self/cgroup` shows may not exist; there the way ends at the mount point.
package struct ControlGroups {
  /// Text before every path; empty for the system's own files.
  private let root: String
  /// For each hierarchy the folders from the process's group up to the mount point.
  private let ways: [Hierarchy: [String]]

  /// A hierarchy that has a controller.
  private enum Hierarchy: Hashable {
    case unified
    /// One of version 1, by the controller.
    case controller(String)
  }

  /// The groups of this process, as `/proc` and the mounted hierarchies below `root` show them.
  package init(root: String = "") {
    self.root = root
    let memberships = (MachineFacts.text(root + "/proc/self/cgroup") ?? "")
      .split(separator: "\n").compactMap(Membership.init)
    let mounts = (MachineFacts.text(root + "/proc/self/mountinfo") ?? "")
      .split(separator: "\n").compactMap(Mount.init)
    var ways: [Hierarchy: [String]] = [:]
    for hierarchy in [Hierarchy.unified, .controller("memory"), .controller("cpu")] {
      // The last of several mounts is the visible one.
      guard let mount = mounts.last(where: { $0.has(hierarchy) }) else { continue }
      let path = memberships.first { $0.has(hierarchy) }?.path ?? "/"
      ways[hierarchy] = mount.way(to: path)
    }
    self.ways = ways
  }

  /// Number of cores that the processes of the groups may use together; nil without a limit.
  package func coreQuota() -> Double? {
    let unified = levels(.unified).map { Self.coreQuota(text("cpu.max", in: $0)) }
    let first = levels(.controller("cpu")).map { folder -> Double? in
      guard let quota = number("cpu.cfs_quota_us", in: folder), quota > 0,
        let period = number("cpu.cfs_period_us", in: folder), period > 0
      else { return nil }
      return Double(quota) / Double(period)
    }
    return (unified + first).compactMap { $0 }.min()
  }

  /// Number of cores that the text of a file `cpu.max` allows; nil without a limit.
  package static func coreQuota(_ max: String?) -> Double? {
    let words = (max ?? "").split(whereSeparator: \.isWhitespace)
    guard words.count == 2, let quota = Double(words[0]), let period = Double(words[1]), period > 0
    else { return nil }
    return quota / period
  }

  /// Bytes that the processes of the groups may have together; nil without a limit.
  package func memoryLimit() -> Int? { memory.map(\.limit).min() }

  /// Bytes that are left of the limits; nil without a limit. Memory that only caches files counts
  /// as left, since the system gives it up before the limit is reached.
  package func memoryLeft() -> Int? {
    memory.map { max(0, $0.limit - max(0, $0.used - $0.cached)) }.min()
  }

  /// Limit, use and cache of each group that has a limit, in bytes.
  private var memory: [(limit: Int, used: Int, cached: Int)] {
    let unified = levels(.unified).compactMap { folder in
      number("memory.max", in: folder).map {
        ($0, number("memory.current", in: folder) ?? 0, statistic("inactive_file", in: folder))
      }
    }
    let first = levels(.controller("memory")).compactMap { folder -> (Int, Int, Int)? in
      // The statistic also knows limits of groups that are out of sight.
      let limits = [
        number("memory.limit_in_bytes", in: folder),
        statistic("hierarchical_memory_limit", in: folder),
      ].compactMap { $0 }.filter { (1..<Self.noLimit).contains($0) }
      guard let limit = limits.min() else { return nil }
      return (
        limit, number("memory.usage_in_bytes", in: folder) ?? 0,
        statistic("total_inactive_file", in: folder)
      )
    }
    return unified + first
  }

  /// Version 1 has a number of this size in place of none.
  private static let noLimit = 1 << 60

  private func levels(_ hierarchy: Hierarchy) -> [String] { ways[hierarchy] ?? [] }

  private func text(_ name: String, in folder: String) -> String? {
    MachineFacts.text("\(root)\(folder)/\(name)")
  }

  /// The number in a file; nil for a file that is missing or says "max".
  private func number(_ name: String, in folder: String) -> Int? {
    text(name, in: folder).flatMap { Int($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
  }

  /// A line of `memory.stat`; 0 if it is missing.
  private func statistic(_ name: String, in folder: String) -> Int {
    for line in (text("memory.stat", in: folder) ?? "").split(separator: "\n") {
      let words = line.split(separator: " ")
      if words.count == 2, words[0] == name { return Int(words[1]) ?? 0 }
    }
    return 0
  }

  /// A line of `/proc/self/cgroup`: `4:memory:/job/7`, and `0::/job/7` of version 2.
  private struct Membership {
    let number: Substring
    let controllers: [Substring]
    let path: String

    init?(_ line: Substring) {
      let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard fields.count == 3, fields[2].hasPrefix("/") else { return nil }
      number = fields[0]
      controllers = fields[1].split(separator: ",")
      path = String(fields[2])
    }

    func has(_ hierarchy: Hierarchy) -> Bool {
      switch hierarchy {
      case .unified: number == "0" && controllers.isEmpty
      case .controller(let name): controllers.contains { $0 == name }
      }
    }
  }

  /// A line of `/proc/self/mountinfo` about a hierarchy.
  private struct Mount {
    /// The group that is seen at the mount point.
    let group: String
    let point: String
    let type: Substring
    let options: [Substring]

    init?(_ line: Substring) {
      let words = line.split(separator: " ")
      guard let dash = words.firstIndex(of: "-"), dash >= 6, words.count > dash + 3 else {
        return nil
      }
      type = words[dash + 1]
      guard type == "cgroup" || type == "cgroup2" else { return nil }
      group = MachineFacts.unescaped(words[3])
      point = MachineFacts.unescaped(words[4])
      options = words[dash + 3].split(separator: ",")
    }

    func has(_ hierarchy: Hierarchy) -> Bool {
      switch hierarchy {
      case .unified: type == "cgroup2"
      case .controller(let name): type == "cgroup" && options.contains { $0 == name }
      }
    }

    /// The folders from the group at `path` up to the mount point.
    func way(to path: String) -> [String] {
      var folders: [String] = [point]
      let top = group == "/" ? "" : group
      // If the path is not below the group of the mount, only the mount point is in sight.
      guard path.hasPrefix(top + "/"), !path.contains("/.."), !group.contains("/..") else {
        return folders
      }
      for name in path.dropFirst(top.count).split(separator: "/") {
        folders.append("\(folders[folders.count - 1])/\(name)")
      }
      return folders.reversed()
    }
  }
}
