import Files
import Synchronization

/// Orders of the utterances in the passes over all of them, of which those used last are kept:
/// a pass has as many items as the corpus has utterances.
final class PassOrders: Sendable {
  /// An epoch can lie in two passes, and threads can be in two epochs.
  private static let kept = 4
  private let recent = Mutex<[(pass: Int, order: [Int])]>([])

  /// The utterances 0 ..< `count` in the order of `pass`.
  func order(pass: Int, count: Int, seed: UInt64) -> [Int] {
    recent.withLock { recent in
      if let found = recent.first(where: { $0.pass == pass }) { return found.order }
      var generator = SplitMix64(seed: seed, label: "mix/order/\(pass)")
      let order = generator.shuffled(Array(0..<count))
      if recent.count == Self.kept { recent.removeFirst() }
      recent.append((pass, order))
      return order
    }
  }
}
