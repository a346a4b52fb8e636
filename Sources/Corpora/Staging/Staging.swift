import Communication
import Foundation
import Platform
import RunFiles

/// Why a corpus cannot be staged.
public enum StagingError: Error, Equatable, Sendable, CustomStringConvertible {
  /// Only one file can be copied.
  case folder(path: String)
  /// The shared file is damaged, or another one, on a host.
  case source(host: String, text: String)

  /// One sentence naming the host or the folder and what to do.
  public var description: String {
    switch self {
    case .folder(let path):
      "--stage copies a packed corpus, and \(path) is a folder; pack it first (disttrain prepare "
        + "pack --input \(path) --output corpus.safetensors), and give that file as --data"
    case .source(let host, let text): "host \(host): \(text)"
    }
  }
}

/// Copies a packed corpus to a disk of every host, once a host, for its ranks to read there.
///
/// Each host decides for itself: one whose disk is too small or cannot be written reads the shared
/// file, and the log says so. A damaged shared file is an error on all ranks.
public struct Staging {
  private let communicator: any Communicator
  private let root: RootDecision
  private let log: RunLog
  private let host: Host
  private let freeBytes: (_ folder: String) -> Int?

  /// A machine, as its ranks know it.
  package struct Host: Codable, Equatable, Sendable {
    /// For messages.
    package let name: String
    /// Other boots of other machines of the same name have another one.
    package let boot: String

    /// A machine's name and boot identifier; tests make up others than their own.
    package init(name: String, boot: String) {
      self.name = name
      self.boot = boot
    }

    /// The machine that this process runs on.
    package static var own: Host { Host(name: HostName.own, boot: HostName.boot) }
  }

  /// Staging on the ranks of `communicator`. `log`: where rank 0 tells how it goes.
  public init(over communicator: any Communicator, log: RunLog) {
    self.init(over: communicator, log: log, host: .own, freeBytes: HostCopy.freeBytes)
  }

  /// Staging with another `host` and free disk space, in bytes, than those of this machine, for
  /// tests; `freeBytes` returns nil if the space is unknown.
  package init(
    over communicator: any Communicator, log: RunLog, host: Host,
    freeBytes: @escaping (_ folder: String) -> Int?
  ) {
    self.communicator = communicator
    root = RootDecision(communicator)
    self.log = log
    self.host = host
    self.freeBytes = freeBytes
  }

  /// The path under which this rank reads `data`: a copy in `folder`, or `data` itself without a
  /// folder and where there can be no copy. All ranks call it together.
  ///
  /// - Throws: `RootFailure` on all ranks with the text of a `StagingError`, a `PackedCorpusError`,
  ///   or of `PairedDatasetError.missingCorpus`.
  public func path(of data: String, in folder: String?) throws -> String {
    guard let folder else { return data }
    let identity = try root.value {
      try Self.requireFile(data)
      return HostCopy.Identity(try PackedCorpus(path: data))
    }
    let hosts = try exchange(host)
    // The lowest rank of each host copies; the others wait in the exchange.
    let leader = hosts.firstIndex(of: host) ?? communicator.rank
    var own: HostCopy.Outcome?
    if leader == communicator.rank {
      own = make(HostCopy(of: data, identity, in: folder, freeBytes: freeBytes), identity.byteCount)
    }
    let outcomes = try exchange(own) { outcomes in
      for (rank, outcome) in outcomes.enumerated() {
        if case .failed(let text)? = outcome {
          throw StagingError.source(host: hosts[rank].name, text: text)
        }
      }
    }
    tell(outcomes, hosts, data: data, byteCount: identity.byteCount)
    switch outcomes[leader] {
    case .kept(let path), .copied(let path, _): return path
    default: return data
    }
  }

  /// Throws unless `data` is a file, which can be staged: `PairedDatasetError.missingCorpus` or
  /// `StagingError.folder`.
  package static func requireFile(_ data: String) throws {
    guard FileManager.default.fileExists(atPath: data) else {
      throw PairedDatasetError.missingCorpus(path: data)
    }
    guard PackedCorpus.isFile(data) else { throw StagingError.folder(path: data) }
  }

  private func make(_ copy: HostCopy, _ byteCount: Int) -> HostCopy.Outcome {
    let megabyte = 1_000_000
    var isShown = false
    defer { log.endProgress() }
    return copy.make { done in
      if !isShown { log.beginProgress("staging", total: byteCount / megabyte + 1, unit: "MB") }
      isShown = true
      log.progress(completed: done / megabyte)
    }
  }

  /// Every rank's value, by rank, on all ranks; `check` may refuse them, on rank 0 for all.
  private func exchange<Value: Codable>(
    _ value: Value, _ check: ([Value]) throws -> Void = { _ in }
  ) throws -> [Value] {
    let values = try root.gather(value) ?? []
    return try root.value {
      try check(values)
      return values
    }
  }

  private func tell(
    _ outcomes: [HostCopy.Outcome?], _ hosts: [Staging.Host], data: String, byteCount: Int
  ) {
    var copied = 0
    var kept = 0
    var seconds = 0.0
    var paths: Set<String> = []
    for (rank, outcome) in outcomes.enumerated() {
      switch outcome {
      case .copied(let path, let time):
        copied += 1
        seconds = max(seconds, time)
        paths.insert(path)
      case .kept(let path):
        kept += 1
        paths.insert(path)
      case .unavailable(let reason):
        log.warning("host \(hosts[rank].name) reads \(data) itself: \(reason)")
      case .failed, nil: break
      }
    }
    guard let path = paths.sorted().first else { return }
    let hostCount = NumberText.count(copied + kept, "host")
    log.line(
      "staged \(data) as \(path) on \(hostCount): "
        + [
          copied > 0
            ? String(
              format: "%d copied and verified in %.1f s (%d MB)", copied, seconds,
              byteCount / 1_000_000) : nil,
          kept > 0 ? "\(kept) there already, verified" : nil,
        ].compactMap { $0 }.joined(separator: ", "))
  }
}
