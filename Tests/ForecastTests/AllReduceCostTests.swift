import Forecast
import Foundation
import Testing

/// The models of all-reduces, against figures computed by hand.
@Suite struct AllReduceCostTests {
  private func plain(_ name: String) throws -> NetworkModel {
    var network = try NetworkModel.load(name).network
    network.gamma = 0
    return network
  }

  /// Milliseconds for 11.5 MB, ring and Rabenseifner, on 2, 8, 32, 128, 512 and 1024 ranks.
  private static let table: [(network: String, ring: [Double], rabenseifner: [Double])] = [
    ("1gbe", [98, 173, 194, 208, 247, 299], [98, 172, 191, 196, 197, 198]),
    ("10gbe", [10.1, 17.9, 21.3, 27.5, 50.6, 81.4], [10.1, 17.7, 19.7, 20.3, 20.5, 20.6]),
    ("25gbe", [4.0, 7.0, 7.9, 8.6, 11.0, 14.1], [4.0, 7.0, 7.7, 7.9, 8.0, 8.0]),
    ("edr", [1.0, 1.8, 2.0, 2.4, 3.5, 5.1], [1.0, 1.8, 2.0, 2.0, 2.0, 2.0]),
    ("hdr", [0.5, 0.9, 1.1, 1.3, 2.3, 3.7], [0.5, 0.9, 1.0, 1.0, 1.0, 1.0]),
  ]

  @Test(arguments: 0..<5) func knownNetworks(index: Int) throws {
    let expected = Self.table[index]
    let network = try plain(expected.network)
    let cost = AllReduceCost(network: network, shared: network)
    for (column, ranks) in [2, 8, 32, 128, 512, 1024].enumerated() {
      let layout = RankLayout(ranks: ranks, perHost: 1)
      for (algorithm, values) in [
        (AllReduceAlgorithm.ring, expected.ring), (.rabenseifner, expected.rabenseifner),
      ] {
        let milliseconds = cost.seconds(algorithm, bytes: 11.5e6, layout) * 1000
        // The table's last digit is a tenth, or one where there is none.
        let tolerance = max(0.06, 0.005 * values[column])
        #expect(
          abs(milliseconds - values[column]) <= tolerance,
          "\(expected.network), \(ranks) ranks, \(algorithm): \(milliseconds)")
      }
    }
  }

  private let link = NetworkModel(name: "link", alpha: 1e-3, bandwidth: 1e6, gamma: 1e-7)
  private let memory = NetworkModel(name: "memory", alpha: 1e-4, bandwidth: 1e7, gamma: 0)

  @Test func otherNumbersThanPowersOfTwoPayTwiceMore() {
    let cost = AllReduceCost(network: link, shared: link)
    // (2·2 + 2)·α + (2·5/6 + 2)·S/B + (1 + 5/6)·S·γ with 6 ranks and 6,000 bytes.
    let seconds = cost.seconds(
      .rabenseifner, bytes: 6000, RankLayout(ranks: 6, perHost: 1))
    #expect(abs(seconds - (6e-3 + 22e-3 + 11e-4)) < 1e-12, "\(seconds)")
    // ⌈log₂6⌉ = 3 exchanges of everything.
    let doubling = cost.seconds(.doubling, bytes: 6000, RankLayout(ranks: 6, perHost: 1))
    #expect(abs(doubling - 3 * (1e-3 + 6e-3 + 6e-4)) < 1e-12, "\(doubling)")
  }

  @Test func ranksOfAHostShareItsLink() {
    let cost = AllReduceCost(network: link, shared: memory)
    // Alone on their hosts, pairs cost what a ring costs.
    let apart = RankLayout(ranks: 4, perHost: 1)
    #expect(
      cost.seconds(.pairwise, bytes: 4000, apart) == cost.seconds(.ring, bytes: 4000, apart))
    // Two hosts of two: each rank sends half of its shares out, both over one link, twice.
    let together = RankLayout(ranks: 4, perHost: 2)
    let pairwise = cost.seconds(.pairwise, bytes: 4000, together)
    #expect(abs(pairwise - (6e-3 + 8e-3 + 3e-4)) < 1e-12, "\(pairwise)")
    // A ring crosses each link once, whoever is on the host.
    #expect(
      cost.seconds(.ring, bytes: 4000, together) == cost.seconds(.ring, bytes: 4000, apart))
    // Inside: a ring of two over memory; between hosts two rings of two with half the bytes each,
    // which share the link.
    let hierarchical = cost.seconds(.hierarchical, bytes: 4000, together)
    #expect(abs(hierarchical - (6e-4 + 2e-3 + 4e-3 + 1e-4)) < 1e-12, "\(hierarchical)")
    // On one host nothing goes over the network.
    let inside = cost.seconds(.pairwise, bytes: 4000, RankLayout(ranks: 4, perHost: 8))
    #expect(abs(inside - (6e-4 + 6e-4)) < 1e-12, "\(inside)")
  }

  @Test func theFastestIsTheFastest() {
    let cost = AllReduceCost(network: link, shared: memory)
    for layout in [RankLayout(ranks: 2, perHost: 1), RankLayout(ranks: 48, perHost: 8)] {
      for bytes in [8.0, 1e4, 1e8] {
        let best = cost.best(bytes: bytes, layout)
        for algorithm in AllReduceAlgorithm.allCases {
          #expect(best.seconds <= cost.seconds(algorithm, bytes: bytes, layout))
        }
      }
    }
    #expect(cost.seconds(.pairwise, bytes: 1e6, RankLayout(ranks: 1, perHost: 1)) == 0)
  }

  @Test func aFitFindsWhatMadeTheTimes() throws {
    let points = stride(from: 3.0, through: 24, by: 1).map { power in
      let bytes = pow(2, power)
      return NetworkFit.Point(
        messages: 6, bytes: 1.5 * bytes, seconds: 6 * 2e-5 + 1.5 * bytes / 3e8)
    }
    let fit = try #require(NetworkFit(points))
    #expect(abs(fit.alpha / 2e-5 - 1) < 1e-6 && abs(fit.bandwidth / 3e8 - 1) < 1e-6, "\(fit)")
    #expect(fit.error < 1e-6)
    // Times without a constant part, one of them too short: α is not negative.
    let proportional = [1e3, 1e4, 1e5].map {
      NetworkFit.Point(messages: 2, bytes: $0, seconds: $0 / 1e8 - ($0 == 1e3 ? 1e-6 : 0))
    }
    let without = try #require(NetworkFit(proportional))
    #expect(without.alpha == 0 && without.bandwidth > 0.9e8, "\(without)")
    #expect(NetworkFit([points[0]]) == nil)
    #expect(NetworkFit([]) == nil)
  }
}
