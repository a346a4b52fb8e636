import Foundation
import Platform
import Synchronization

/// Which process a rank is.
package struct RankIdentity: Equatable, Sendable {
  /// Name of its machine.
  package let host: String
  /// Its number there.
  package let process: Int

  /// Identity by machine name and process number (PID).
  package init(host: String, process: Int) {
    self.host = host
    self.process = process
  }

  /// Identity of this process.
  package static var own: RankIdentity {
    RankIdentity(host: HostName.own, process: Int(getpid()))
  }

  /// Numbers that a rank tells the others: the process, and the name cut to 64 bytes.
  static let wordCount = 9

  /// As numbers of fixed count.
  package var words: [UInt64] {
    var bytes = Array(host.utf8.prefix(64))
    bytes += [UInt8](repeating: 0, count: 64 - bytes.count)
    let name = stride(from: 0, to: 64, by: 8).map { start in
      bytes[start..<start + 8].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    }
    return [UInt64(process)] + name
  }

  /// Identity in a message of `wordCount` words, as `words` makes them.
  package init(words: some Collection<UInt64>) {
    let bytes = words.dropFirst().flatMap { word in
      stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: word >> UInt64($0)) }
    }
    host = String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    process = Int(truncatingIfNeeded: words.first ?? 0)
  }
}

/// Status that a rank reports of itself.
package struct RankStatus: Equatable, Sendable {
  /// Collective operations begun, and ended: odd while it is in one.
  package var ticks: Int
  /// Work of the rank.
  package var phase: RankPhase
  /// Steps of the run that are done.
  package var step: Int
  /// Seconds that it has been in the present operation.
  package var waited = 0.0
  /// Whether this is its last message, and why.
  package var farewell = Farewell.none

  /// Why nothing more is to come.
  package enum Farewell: UInt64, Sendable {
    /// More is to come.
    case none
    /// All ranks leave in order.
    case leaving
    /// The job is being ended, and everything is said.
    case over
  }

  /// Status at one moment, at first that of a rank that has not begun any operation; `waited` is in
  /// seconds.
  package init(
    ticks: Int = 0, phase: RankPhase = .starting, step: Int = 0, waited: Double = 0,
    farewell: Farewell = .none
  ) {
    self.ticks = ticks
    self.phase = phase
    self.step = step
    self.waited = waited
    self.farewell = farewell
  }

  /// Collective operations begun. All ranks begin the same ones, in the same order.
  package var sequence: Int { (ticks + 1) / 2 }
  /// Whether it waits in the last of them.
  package var isWaiting: Bool { ticks % 2 == 1 }

  /// Numbers of a message.
  static let wordCount = 5

  /// As numbers of fixed count.
  package var words: [UInt64] {
    [
      UInt64(ticks), UInt64(phase.rawValue), UInt64(step), UInt64(waited * 1e3), farewell.rawValue,
    ]
  }

  /// Status in a message as `words` makes them; nil for words that no rank sends.
  package init?(words: [UInt64]) {
    guard words.count == Self.wordCount,
      let phase = UInt8(exactly: words[1]).flatMap(RankPhase.init(rawValue:)),
      let farewell = Farewell(rawValue: words[4])
    else { return nil }
    self.init(
      ticks: Int(truncatingIfNeeded: words[0]), phase: phase,
      step: Int(truncatingIfNeeded: words[2]), waited: Double(words[3]) / 1e3, farewell: farewell)
  }
}

/// Where a rank's work notes what it does and its monitor reads it: a few atomic additions, since
/// it happens in every operation of every step.
final class RankProgress: Sendable {
  private let ticks = Atomic<Int>(0)
  private let phase = Atomic<UInt8>(RankPhase.starting.rawValue)
  private let step = Atomic<Int>(0)

  /// A collective operation begins, or ends.
  func tick() { ticks.wrappingAdd(1, ordering: .relaxed) }
  func enter(_ phase: RankPhase) { self.phase.store(phase.rawValue, ordering: .relaxed) }
  func completed(step: Int) { self.step.store(step, ordering: .relaxed) }

  /// Returns the status of this moment.
  var status: RankStatus {
    RankStatus(
      ticks: ticks.load(ordering: .relaxed),
      phase: RankPhase(rawValue: phase.load(ordering: .relaxed)) ?? .starting,
      step: step.load(ordering: .relaxed))
  }
}
