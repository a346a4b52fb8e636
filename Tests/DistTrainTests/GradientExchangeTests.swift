import Communication
import DistTrain
import Exchange
import Tensor
import Testing

/// The mean gradient over all items of all ranks, however they are dealt and however it travels.
@Suite struct GradientExchangeTests {
  /// An arena of one parameter of `count` numbers.
  private func arena(_ count: Int) -> ParameterArena {
    let arena = ParameterArena()
    _ = ParameterScope(arena).parameter("w", [count], .zeros)
    arena.allocate(seed: 0)
    return arena
  }

  private func item(_ item: Int, _ index: Int) -> Float {
    Float((item * 37 + index * 11) % 127 - 63)
  }

  /// Gradients of every rank after an exchange in which it owns `counts[rank]` items.
  private func exchange(
    _ counts: [Int], length: Int, _ settings: ExchangeSettings
  ) throws -> [[Float]] {
    try LocalCommunicator.run(size: counts.count) { communicator in
      let arena = arena(length)
      let exchange = try GradientExchange(arena, settings, over: communicator)
      let first = counts.prefix(communicator.rank).reduce(0, +)
      // Twice: nothing of the first may be left in the second.
      for _ in 0..<2 {
        exchange.begin()
        exchange.count(items: counts[communicator.rank])
        for number in first..<first + counts[communicator.rank] {
          for index in 0..<length { arena.gradients.base[index] = item(number, index) }
          exchange.sums.add(arena)
        }
        exchange.ready(from: length / 2)
        exchange.ready(from: 0)
        let outcome = try exchange.finish()
        #expect(outcome.itemCount == counts.reduce(0, +))
      }
      return Array(arena.gradients.buffer.prefix(length))
    }
  }

  @Test func memoryDecidesHowManyItemsGoTogether() throws {
    let alone = LocalCommunicator()
    for (bytes, overlaps, expected) in [
      (Int?.none, true, 1), (0, true, 1), (299, true, 2), (300, true, 3), (300, false, 1),
    ] {
      let settings = ExchangeSettings(overlaps: overlaps, overlapBytes: bytes)
      let exchange = try GradientExchange(arena(10), settings, over: alone)
      #expect(exchange.itemsBesideTransfer(activationBytes: 100) == expected)
    }
  }

  @Test(arguments: [[4], [1, 3], [3, 0, 2], [0, 0, 7, 1], [2, 2, 2, 2]])
  func everyItemWeighsTheSame(counts: [Int]) throws {
    let length = 1_000
    let total = counts.reduce(0, +)
    let expected = (0..<length).map { index in
      Float((0..<total).reduce(0.0) { $0 + Double(item($1, index)) } * (1 / Double(total)))
    }
    for overlaps in [true, false] {
      for wire in [WireFormat.float64, .float32] {
        let settings = ExchangeSettings(bucketBytes: 128, wire: wire, overlaps: overlaps)
        for gradients in try exchange(counts, length: length, settings) {
          #expect(gradients == expected)
        }
      }
      // Sums of such whole numbers need up to 9 bits; 8 travel.
      let settings = ExchangeSettings(bucketBytes: 128, wire: .bf16, overlaps: overlaps)
      for gradients in try exchange(counts, length: length, settings) {
        for (value, exact) in zip(gradients, expected) {
          #expect(abs(value - exact) <= 4 / Float(total) + abs(exact) / 128)
        }
      }
    }
  }

  @Test func stepWithoutAnyItemHasZeroGradients() throws {
    let gradients = try exchange([0, 0], length: 3, ExchangeSettings())
    #expect(gradients == [[0, 0, 0], [0, 0, 0]])
  }

  @Test func ranksWithOtherBucketsAreNamed() throws {
    let outcomes = try LocalCommunicator.run(size: 3) { communicator -> ExchangeError? in
      let bytes = communicator.rank == 2 ? 640 : 128
      do {
        _ = try GradientExchange(
          arena(1_000), ExchangeSettings(bucketBytes: bytes), over: communicator)
        return nil
      } catch let error as ExchangeError {
        return error
      }
    }
    #expect(outcomes == Array(repeating: .differentBuckets(ranks: [2]), count: 3))
  }

  @Test func bfloat16RoundsToNearestEven() {
    #expect(BFloat16(1).bits == 0x3f80 && BFloat16(1).value == 1)
    #expect(BFloat16(Float(bitPattern: 0x3f80_8000)).bits == 0x3f80, "a tie goes to even")
    #expect(BFloat16(Float(bitPattern: 0x3f81_8000)).bits == 0x3f82, "a tie goes to even")
    #expect(BFloat16(Float(bitPattern: 0x3f80_8001)).bits == 0x3f81)
    #expect(BFloat16(-0.0).bits == 0x8000)
    #expect(BFloat16(.infinity).value == .infinity)
    #expect(BFloat16(.greatestFiniteMagnitude).value == .infinity)
    for bits: UInt32 in [0x7f80_0001, 0x7fff_ffff, 0xff80_0001] {
      #expect(BFloat16(Float(bitPattern: bits)).value.isNaN)
    }
  }
}
