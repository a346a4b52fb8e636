import Foundation
import Platform
import Testing
import TestSupport

/// Limits of control groups, over trees of files as systems have them.
@Suite struct ControlGroupsTests {
  /// A root folder with the files of `files`, by their paths in it.
  private func groups<Result>(
    _ files: [String: String], _ body: (ControlGroups) throws -> Result
  ) throws -> Result {
    try withTemporaryFolder { root in
      for (path, text) in files {
        let folder = (path as NSString).deletingLastPathComponent
        try root.makeFolder(folder)
        try text.write(toFile: root.file(path), atomically: false, encoding: .utf8)
      }
      return try body(ControlGroups(root: root.path(percentEncoded: false)))
    }
  }

  private static let unified =
    "31 23 0:28 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
  private static let first =
    "31 23 0:28 / /sys/fs/cgroup ro - tmpfs tmpfs ro,mode=755\n"
    + "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct\n"
    + "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"

  @Test func theSmallestOnTheWayCountsInVersion2() throws {
    let slice = "sys/fs/cgroup/system.slice"
    let files = [
      "proc/self/cgroup": "0::/system.slice/job.scope/step\n",
      "proc/self/mountinfo": "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n" + Self.unified,
      "\(slice)/cpu.max": "250000 100000\n",
      "\(slice)/memory.max": "700000000\n", "\(slice)/memory.current": "600000000\n",
      "\(slice)/memory.stat": "anon 1\ninactive_file 250000000\nactive_file 5\n",
      "\(slice)/job.scope/cpu.max": "max 100000\n",
      "\(slice)/job.scope/memory.max": "max\n",
      "\(slice)/job.scope/step/cpu.max": "400000 100000\n",
      "\(slice)/job.scope/step/memory.max": "900000000\n",
      "\(slice)/job.scope/step/memory.current": "100000000\n",
      // A sibling's limits are its own.
      "\(slice)/other.scope/memory.max": "1000\n", "\(slice)/other.scope/cpu.max": "1000 100000\n",
    ]
    try groups(files) { groups in
      #expect(groups.coreQuota() == 2.5)
      #expect(groups.memoryLimit() == 700_000_000)
      // Memory that only caches files counts as left.
      #expect(groups.memoryLeft() == 350_000_000)
    }
  }

  /// Half a core and 700 MB, as on clusters with version 1.
  @Test func theSmallestOnTheWayCountsInVersion1() throws {
    let memory = "sys/fs/cgroup/memory/slurm/job_7"
    let files = [
      "proc/self/cgroup":
        "4:memory:/slurm/job_7/step_0\n3:cpuset:/\n2:cpu,cpuacct:/slurm/job_7\n1:name=systemd:/x\n",
      "proc/self/mountinfo": Self.first,
      "\(memory)/memory.limit_in_bytes": "700000000\n",
      "\(memory)/memory.usage_in_bytes": "200000000\n",
      "\(memory)/memory.stat": "total_inactive_file 50000000\n",
      "\(memory)/step_0/memory.limit_in_bytes": "9223372036854771712\n",
      "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
      "sys/fs/cgroup/cpu,cpuacct/slurm/job_7/cpu.cfs_quota_us": "50000\n",
      "sys/fs/cgroup/cpu,cpuacct/slurm/job_7/cpu.cfs_period_us": "100000\n",
      "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "-1\n",
      "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
    ]
    try groups(files) { groups in
      #expect(groups.coreQuota() == 0.5)
      #expect(groups.memoryLimit() == 700_000_000)
      #expect(groups.memoryLeft() == 550_000_000)
    }
  }

  /// Memory by version 1 and cores by version 2, side by side.
  @Test func hybridSystemsHaveBoth() throws {
    let files = [
      "proc/self/cgroup": "4:memory:/a\n0::/b\n",
      "proc/self/mountinfo":
        Self.first + "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
      "sys/fs/cgroup/memory/a/memory.limit_in_bytes": "5000\n",
      "sys/fs/cgroup/unified/b/cpu.max": "150000 100000\n",
    ]
    try groups(files) { groups in
      #expect(groups.coreQuota() == 1.5 && groups.memoryLimit() == 5000)
      #expect(groups.memoryLeft() == 5000)
    }
  }

  /// In a container the process's group is the root of what it sees, or a path that is not there.
  @Test(arguments: [
    // A namespace of its own; the host's path, with the mount showing the container's group only;
    // a path outside the namespace; one that exists nowhere.
    ("/", "/"), ("/docker/4711", "/docker/4711"), ("/../../docker/4711", "/.."),
    ("/kubepods/pod1/4711", "/"),
  ])
  func containersEndAtTheMountPoint(path: String, mountRoot: String) throws {
    let mounts =
      "31 23 0:28 \(mountRoot) /sys/fs/cgroup ro,nosuid - cgroup2 cgroup rw\n"
      + "35 31 0:32 \(mountRoot) /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n"
    let files = [
      "proc/self/cgroup": "4:memory:\(path)\n0::\(path)\n", "proc/self/mountinfo": mounts,
      "sys/fs/cgroup/cpu.max": "50000 100000\n", "sys/fs/cgroup/memory.max": "8000\n",
      "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
      // A limit of a group that is out of sight.
      "sys/fs/cgroup/memory/memory.stat": "cache 1\nhierarchical_memory_limit 7000\n",
    ]
    try groups(files) { groups in
      #expect(groups.coreQuota() == 0.5 && groups.memoryLimit() == 7000)
    }
  }

  @Test func withoutLimitsThereAreNone() throws {
    try groups([:]) { groups in
      #expect(groups.coreQuota() == nil && groups.memoryLimit() == nil)
      #expect(groups.memoryLeft() == nil)
    }
    let files = [
      "proc/self/cgroup": "nonsense\n0::\n::::\n", "proc/self/mountinfo": "- - -\n1 2 3\n\n",
      "sys/fs/cgroup/memory.max": "many\n",
    ]
    try groups(files) { #expect($0.memoryLimit() == nil && $0.coreQuota() == nil) }
    // A blank in a mount point is octal in the table.
    let odd = [
      "proc/self/cgroup": "0::/\n",
      "proc/self/mountinfo": "31 23 0:28 / /my\\040groups rw - cgroup2 cgroup2 rw\n",
      "my groups/memory.max": "12\n",
    ]
    try groups(odd) { #expect($0.memoryLimit() == 12) }
    // This machine's own are read without harm.
    #expect(MachineFacts.totalMemory() > 0 && MachineFacts.usableCores() >= 1)
  }
}
