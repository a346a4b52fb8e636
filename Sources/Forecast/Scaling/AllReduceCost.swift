import Foundation

/// An algorithm by which n ranks add a buffer.
package enum AllReduceAlgorithm: String, CaseIterable, Codable, Sendable {
  /// The exchange of training: every rank sends each other rank its share, adds its own share, and
  /// sends the sums to all, all messages at once.
  case pairwise
  /// A ring of ranks, in which each passes shares to the next, node by node.
  case ring
  /// Reduce-scatter by recursive halving, all-gather by doubling.
  case rabenseifner
  /// Recursive doubling, which exchanges the whole buffer with a partner at distance 1, 2, 4, …,
  /// for short messages.
  case doubling
  /// A reduce-scatter inside each host, an all-reduce of the shares between hosts, an all-gather
  /// inside.
  case hierarchical
}

/// The layout of n ranks on hosts, at most r on each.
package struct RankLayout: Equatable, Sendable {
  /// Total number of ranks.
  package let ranks: Int
  /// Number of ranks of a full host.
  package let perHost: Int

  /// A layout of `ranks` ranks that fills hosts one after another with `perHost` ranks.
  package init(ranks: Int, perHost: Int) {
    precondition(ranks > 0 && perHost > 0, "RankLayout: \(ranks) ranks, \(perHost) a host")
    self.ranks = ranks
    self.perHost = min(ranks, perHost)
  }

  /// Number of hosts, of which the last may have fewer ranks.
  package var hosts: Int { (ranks + perHost - 1) / perHost }
}

/// The cost of an all-reduce in seconds, by the usual model: α for each message, 1/B for each byte
/// on a link, γ for each byte added.
///
/// Messages inside a host go through shared memory, those between hosts share the host's one link,
/// which carries both directions at once.
package struct AllReduceCost: Equatable, Sendable {
  /// Model of the links between hosts.
  package let network: NetworkModel
  /// Model of the links inside a host.
  package let shared: NetworkModel

  /// A cost model with `network` between hosts and `shared` inside hosts.
  package init(network: NetworkModel, shared: NetworkModel) {
    self.network = network
    self.shared = shared
  }

  /// Duration of an all-reduce of `bytes` bytes, in seconds.
  package func seconds(
    _ algorithm: AllReduceAlgorithm, bytes: Double, _ layout: RankLayout
  ) -> Double {
    if layout.ranks == 1 { return 0 }
    let isInside = layout.hosts == 1
    let link = isInside ? shared : network
    let n = layout.ranks
    switch algorithm {
    case .pairwise:
      return Double(Self.pairwiseMessages(layout)) * link.alpha
        + Self.pairwiseLinkBytes(bytes, layout) / link.bandwidth + added(bytes, n, link)
    case .ring: return Self.ring(n, bytes, link)
    case .rabenseifner:
      // In the steps with long messages all ranks of a host send to other hosts at once.
      return Self.rabenseifner(n, bytes, link, sharing: isInside ? 1 : layout.perHost)
    case .doubling:
      return Self.doubling(n, bytes, link, sharing: isInside ? 1 : layout.perHost)
    case .hierarchical:
      if isInside { return Self.ring(n, bytes, shared) }
      let r = layout.perHost
      let inside = r == 1 ? 0 : Self.ring(r, bytes, shared)
      // Each rank of a host sends one share, so that the link carries the buffer once.
      let share = bytes / Double(r)
      let between = min(
        Self.ring(layout.hosts, share, network, sharing: r),
        Self.rabenseifner(layout.hosts, share, network, sharing: r))
      return inside + between
    }
  }

  /// The fastest algorithm, and its duration in seconds.
  package func best(
    bytes: Double, _ layout: RankLayout
  ) -> (algorithm: AllReduceAlgorithm, seconds: Double) {
    let all = AllReduceAlgorithm.allCases.map {
      (algorithm: $0, seconds: seconds($0, bytes: bytes, layout))
    }
    return all.min { $0.seconds < $1.seconds } ?? (.pairwise, 0)
  }

  /// Number of messages that a rank sends one after another in the exchange of training.
  static func pairwiseMessages(_ layout: RankLayout) -> Int { 2 * (layout.ranks - 1) }

  /// Bytes that the busiest link carries each way in the exchange of training: those of each rank
  /// inside a host, else those of all ranks of a host to all others.
  static func pairwiseLinkBytes(_ bytes: Double, _ layout: RankLayout) -> Double {
    let n = Double(layout.ranks)
    if layout.hosts == 1 { return 2 * (n - 1) / n * bytes }
    let r = Double(layout.perHost)
    return 2 * r * (n - r) / n * bytes
  }

  private func added(_ bytes: Double, _ n: Int, _ link: NetworkModel) -> Double {
    Double(n - 1) / Double(n) * bytes * link.gamma
  }

  /// Duration of a ring, T = 2(n − 1)·α + 2(n − 1)/n·S/B + (n − 1)/n·S·γ, if `sharing` rings share
  /// a link.
  static func ring(
    _ n: Int, _ bytes: Double, _ link: NetworkModel, sharing: Int = 1
  ) -> Double {
    let share = Double(n - 1) / Double(n) * bytes
    return 2 * Double(n - 1) * link.alpha + 2 * share * Double(sharing) / link.bandwidth
      + share * link.gamma
  }

  /// Duration of Rabenseifner's algorithm, T = 2·log₂n·α + 2(n − 1)/n·S/B + (n − 1)/n·S·γ for
  /// powers of two. With other numbers surplus ranks first send their buffers to partners, and
  /// finally receive the sums: T = (2⌊log₂n⌋ + 2)·α + (2(n − 1)/n + 2)·S/B + (1 + (n − 1)/n)·S·γ.
  static func rabenseifner(
    _ n: Int, _ bytes: Double, _ link: NetworkModel, sharing: Int = 1
  ) -> Double {
    let floor = n.bitWidth - 1 - n.leadingZeroBitCount
    let isPower = n & (n - 1) == 0
    let share = Double(n - 1) / Double(n)
    let extra = isPower ? 0.0 : 1.0
    return (2 * Double(floor) + 2 * extra) * link.alpha
      + (2 * share + 2 * extra) * bytes * Double(sharing) / link.bandwidth
      + (extra + share) * bytes * link.gamma
  }

  /// Duration of recursive doubling, T = ⌈log₂n⌉·(α + S/B + S·γ).
  static func doubling(
    _ n: Int, _ bytes: Double, _ link: NetworkModel, sharing: Int = 1
  ) -> Double {
    let steps = Double(n.bitWidth - (n - 1).leadingZeroBitCount)
    return steps
      * (link.alpha + bytes * Double(sharing) / link.bandwidth + bytes * link.gamma)
  }
}
