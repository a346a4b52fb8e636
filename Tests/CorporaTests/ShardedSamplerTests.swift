import Corpora
import Testing

@Suite struct ShardedSamplerTests {
  @Test(arguments: 1...5, 1...7)
  func everyItemOccursOnceInEqualGlobalBatches(worldSize: Int, batchSize: Int) {
    for count in 0...50 {
      let order = EpochOrder.permutation(seed: 9, epoch: 2, count: count)
      let ranks = (0..<worldSize).map {
        ShardedSampler(order: order, worldSize: worldSize, rank: $0, batchSize: batchSize)
      }
      let single = ShardedSampler(
        order: order, worldSize: 1, rank: 0, batchSize: worldSize * batchSize)
      var seen: [Int] = []
      for step in 0..<single.stepCount {
        let parts = ranks.map { $0[step] }
        let batch = parts.flatMap(\.items)
        #expect(batch == single[step].items)
        #expect(parts.allSatisfy { $0.globalItemCount == batch.count })
        let sizes = parts.map(\.items.count)
        #expect(sizes.allSatisfy { $0 <= batchSize })
        #expect((sizes.max() ?? 0) - (sizes.min() ?? 0) <= 1)
        seen += batch
      }
      #expect(seen == order.map(Int.init))
      #expect(ranks.allSatisfy { $0.stepCount == single.stepCount })
      let shards = ranks.map { rank in (0..<rank.stepCount).reduce(0) { $0 + rank[$1].items.count }
      }
      #expect((shards.max() ?? 0) - (shards.min() ?? 0) <= batchSize)
    }
  }

  @Test func lastBatchSmallerThanTheWorldLeavesRanksIdle() {
    let ranks = (0..<4).map {
      ShardedSampler(order: Array(0..<10), worldSize: 4, rank: $0, batchSize: 2)
    }
    #expect(ranks.map { $0[0].items } == [[0, 1], [2, 3], [4, 5], [6, 7]])
    #expect(ranks.map { $0[1].items } == [[8], [9], [], []])
    #expect(ranks.map { $0[1].globalItemCount } == [2, 2, 2, 2])
  }

  @Test(arguments: [0, 1, 2, 17, 1000])
  func ordersArePermutationsThatDifferByEpochAndSeed(count: Int) {
    func order(_ seed: UInt64, _ epoch: Int) -> [UInt32] {
      EpochOrder.permutation(seed: seed, epoch: epoch, count: count)
    }
    #expect(order(1, 0).sorted() == Array(0..<UInt32(count)))
    #expect(order(1, 0) == order(1, 0))
    if count >= 17 {
      #expect(order(1, 0) != order(1, 1))
      #expect(order(1, 0) != order(2, 0))
      // A shift of the seed must not have the effect of a shift of the epoch.
      #expect(order(1, 1) != order(2, 0))
      #expect(order(1, 0) != Array(0..<UInt32(count)))
    }
  }

  @Test func everyPermutationIsEquallyLikely() {
    var counts: [[UInt32]: Int] = [:]
    for epoch in 0..<6000 {
      counts[EpochOrder.permutation(seed: 3, epoch: epoch, count: 3), default: 0] += 1
    }
    #expect(counts.count == 6)
    // Each permutation is expected a thousand times; five standard deviations are 145.
    #expect(counts.values.allSatisfy { abs($0 - 1000) < 145 })
  }
}
