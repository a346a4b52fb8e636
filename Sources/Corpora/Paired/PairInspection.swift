import Audio
import Communication
import Foundation
import Platform

/// Looks at the files of a listing: alone with some threads, or all ranks together, each at a share
/// of them.
package struct PairInspection: Sendable {
  /// How a file is looked at; tests count the calls.
  package typealias Inspect = @Sendable (String) throws(WaveFileError) -> WaveInfo

  /// Facts and faults of the files, for rank 0.
  struct Found {
    /// The facts of each pair of the listing.
    var facts: [FileFacts.Pair] = []
    /// Reasons against files, by the number of the pair.
    var reasons: [Int: [CorpusSide: String]] = [:]
    /// Files whose headers were read.
    var readCount = 0
  }

  let listing: PairListing
  let inspect: Inspect
  /// Pairs that a rank looks at before all report to rank 0, which shows the progress.
  private static let pairsPerRound = 512

  init(
    _ listing: PairListing,
    inspect: @escaping Inspect = { path throws(WaveFileError) in try WaveFile.inspect(path: path) }
  ) {
    self.listing = listing
    self.inspect = inspect
  }

  /// The facts, found by this process. `progress` is called with the number of pairs done.
  func alone(threads: Int, progress: (Int) -> Void = { _ in }) -> Found {
    let starts = Array(stride(from: 0, to: listing.count, by: Self.pairsPerRound))
    var parts: [Int: Part] = [:]
    var found = Found()
    var done = 0
    parallelForEach(starts, threads: threads) { start in
      (start, part(start..<min(start + Self.pairsPerRound, listing.count)))
    } completed: { start, part in
      parts[start] = part
      while let next = parts.removeValue(forKey: found.facts.count) { found.add(next) }
      done += part.facts.count
      progress(done)
    }
    return found
  }

  /// The facts, found by all ranks, which call it together; only rank 0 has them afterwards.
  func together(
    over communicator: any Communicator, progress: (Int) -> Void = { _ in }
  ) throws -> Found {
    var found = Found()
    let roundCount = Self.pairsPerRound * communicator.worldSize
    for start in stride(from: 0, to: listing.count, by: roundCount) {
      let first = min(start + communicator.rank * Self.pairsPerRound, listing.count)
      let own = part(first..<min(first + Self.pairsPerRound, listing.count))
      let all = try communicator.gather(own.serialized(), root: 0)
      for bytes in all ?? [] { found.add(try Part(serialized: bytes)) }
      progress(min(start + roundCount, listing.count))
    }
    return found
  }

  /// Looks at the pairs `items`.
  private func part(_ items: Range<Int>) -> Part {
    var part = Part()
    part.facts.reserveCapacity(items.count)
    for item in items {
      let names = listing.names(item)
      var pair = listing.facts(item)
      for side in CorpusSide.allCases where pair[side].state != .absent {
        let path = listing.path(names, side)
        do throws(WaveFileError) {
          pair[side] = try FileFacts(path: path, known: pair[side]) {
            path throws(WaveFileError) in
            part.readCount += 1
            return try inspect(path)
          }
        } catch {
          pair[side] = FileFacts(.bad)
          part.reasons.append(
            .init(pair: item - items.lowerBound, isClean: side == .clean, text: error.reason))
        }
      }
      part.facts.append(pair)
    }
    return part
  }

  /// Facts and faults that a rank found in some pairs, in the form that travels.
  fileprivate struct Part {
    struct Reason: Codable {
      var pair: Int
      var isClean: Bool
      var text: String
    }

    var facts: [FileFacts.Pair] = []
    var reasons: [Reason] = []
    var readCount = 0

    init() {}

    func serialized() throws -> [UInt8] {
      var bytes: [UInt8] = []
      withUnsafeBytes(of: (facts.count, readCount)) { bytes += $0 }
      facts.withUnsafeBytes { bytes += $0 }
      return bytes + (reasons.isEmpty ? [] : Array(try JSONEncoder().encode(reasons)))
    }

    init(serialized bytes: [UInt8]) throws {
      try bytes.withUnsafeBytes { bytes in
        let count = bytes.loadUnaligned(fromByteOffset: 0, as: Int.self)
        readCount = bytes.loadUnaligned(fromByteOffset: 8, as: Int.self)
        facts = (0..<count).map {
          bytes.loadUnaligned(
            fromByteOffset: 16 + $0 * FileFacts.Pair.byteCount, as: FileFacts.Pair.self)
        }
        let rest = bytes.dropFirst(16 + count * FileFacts.Pair.byteCount)
        if !rest.isEmpty { reasons = try JSONDecoder().decode([Reason].self, from: Data(rest)) }
      }
    }
  }
}

extension PairInspection.Found {
  /// Adds the next pairs.
  fileprivate mutating func add(_ part: PairInspection.Part) {
    for reason in part.reasons {
      reasons[facts.count + reason.pair, default: [:]][reason.isClean ? .clean : .noisy] =
        reason.text
    }
    facts += part.facts
    readCount += part.readCount
  }
}
