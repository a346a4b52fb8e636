import Platform

/// Why a check of the ranks' copies failed.
public enum ReplicaError: Error, Equatable, CustomStringConvertible {
  /// `ranks` hold other bits than the rest: than the majority if there is one, else than rank 0.
  case diverged(subject: String, ranks: [Int], worldSize: Int)
  /// The check itself could not be made.
  case communication(CommunicationError)

  /// One sentence for the log.
  public var description: String {
    switch self {
    case .diverged(let subject, let ranks, let worldSize):
      let list = ItemList.text(ranks.map(String.init))
      let who = NumberText.agree(ranks.count, "rank \(list) differs", "ranks \(list) differ")
      return "\(subject): \(who) from the other copies (of "
        + NumberText.count(worldSize, "rank") + "); the copies must be equal bit for bit, so "
        + "restart from the last checkpoint and check that machine's memory"
    case .communication(let error):
      return error.description
    }
  }
}

/// Proves that all ranks hold the same numbers.
///
/// Data-parallel training keeps a copy of the parameters on every rank and never sends it again; a
/// flipped bit or a differing reduction would go on unseen.
public enum ReplicaCheck {
  /// Throws `diverged` on all ranks unless `values` has the same bits everywhere.
  ///
  /// `subject` names the buffer in the error, such as "parameters".
  public static func verify(
    _ values: UnsafeBufferPointer<Float>, subject: String, over communicator: any Communicator
  ) throws(ReplicaError) {
    let hashes: [UInt64]
    do {
      hashes = try communicator.allGather(hash(values))
    } catch {
      throw .communication(error)
    }
    let outsiders = deviating(hashes)
    if !outsiders.isEmpty {
      throw .diverged(subject: subject, ranks: outsiders, worldSize: hashes.count)
    }
  }

  /// The ranks whose hash is not that of the majority, or of rank 0 when there is no majority.
  package static func deviating(_ hashes: [UInt64]) -> [Int] {
    guard let first = hashes.first else { return [] }
    var counts: [UInt64: Int] = [:]
    for hash in hashes { counts[hash, default: 0] += 1 }
    let reference = counts.first { $0.value * 2 > hashes.count }?.key ?? first
    return hashes.indices.filter { hashes[$0] != reference }
  }

  /// A 64-bit hash of the raw bits, their order and their count.
  ///
  /// Four independent lanes of 8-byte words keep the multiplier busy. Each step maps a lane's state
  /// one to one, so a change within one word always changes the hash; other changes are missed
  /// with a chance of 2^-64. +0 and −0 differ, and so do NaN payloads.
  public static func hash(_ values: UnsafeBufferPointer<Float>) -> UInt64 {
    let bytes = UnsafeRawBufferPointer(values)
    let blockBytes = 32
    let blocks = bytes.count / blockBytes
    // Digits of pi, so that the lanes tell the places within a block apart.
    var first: UInt64 = 0x243f_6a88_85a3_08d3
    var second: UInt64 = 0x1319_8a2e_0370_7344
    var third: UInt64 = 0xa409_3822_299f_31d0
    var fourth: UInt64 = 0x082e_fa98_ec4e_6c89
    for start in stride(from: 0, to: blocks * blockBytes, by: blockBytes) {
      first = step(first, bytes.loadUnaligned(fromByteOffset: start, as: UInt64.self))
      second = step(second, bytes.loadUnaligned(fromByteOffset: start + 8, as: UInt64.self))
      third = step(third, bytes.loadUnaligned(fromByteOffset: start + 16, as: UInt64.self))
      fourth = step(fourth, bytes.loadUnaligned(fromByteOffset: start + 24, as: UInt64.self))
    }
    var hash = UInt64(values.count)
    for lane in [first, second, third, fourth] { hash = step(hash, lane) }
    for value in values.suffix(values.count - blocks * 8) {
      hash = step(hash, UInt64(value.bitPattern))
    }
    return finish(hash)
  }

  private static func step(_ state: UInt64, _ word: UInt64) -> UInt64 {
    // Odd multipliers map one to one. The word is multiplied before it meets the state, so that few
    // flipped bits here cannot cancel few flipped bits there; the rotation brings high bits, which
    // a product moves nowhere, to the low end.
    let sum = state &+ word &* 0xd6e8_feb8_6659_fd93
    return ((sum << 31) | (sum >> 33)) &* 0x9e37_79b9_7f4a_7c15
  }

  private static func finish(_ state: UInt64) -> UInt64 {
    var hash = (state ^ (state >> 32)) &* 0xd6e8_feb8_6659_fd93
    hash = (hash ^ (hash >> 32)) &* 0xd6e8_feb8_6659_fd93
    return hash ^ (hash >> 32)
  }
}
