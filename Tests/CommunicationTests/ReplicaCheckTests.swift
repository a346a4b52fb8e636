import Communication
import Testing

@Suite struct ReplicaCheckTests {
  private func hash(_ values: [Float]) -> UInt64 {
    values.withUnsafeBufferPointer { ReplicaCheck.hash($0) }
  }

  @Test(arguments: [1, 2, 3, 7, 8, 9, 15, 16, 17, 40, 251])
  func everyFlippedBitGivesAHashOfItsOwn(count: Int) {
    let values = (0..<count).map { Float($0) * 0.37 - 3 }
    var seen: Set<UInt64> = [hash(values)]
    for index in 0..<count {
      for bit in 0..<32 {
        var flipped = values
        flipped[index] = Float(bitPattern: values[index].bitPattern ^ (1 << UInt32(bit)))
        seen.insert(hash(flipped))
      }
    }
    #expect(seen.count == 1 + count * 32)
  }

  /// The likeliest way for two errors to cancel: the highest bits, which products spread least.
  @Test func twoFlippedSignsDoNotCancel() {
    let values = (0..<64).map { Float($0) - 0.5 }
    var seen: Set<UInt64> = [hash(values)]
    for first in 0..<64 {
      for second in 0...first {
        var flipped = values
        flipped[first].negate()
        if second < first { flipped[second].negate() }
        seen.insert(hash(flipped))
      }
    }
    #expect(seen.count == 1 + 64 * 65 / 2)
  }

  @Test func orderAndLengthCount() {
    let values = (0..<67).map { Float($0) }
    for first in 0..<67 {
      for second in 0..<first {
        var swapped = values
        swapped.swapAt(first, second)
        #expect(hash(swapped) != hash(values), "\(first) and \(second)")
      }
    }
    var seen: Set<UInt64> = []
    for count in 0..<200 {
      #expect(seen.insert(hash([Float](repeating: 0, count: count))).inserted, "\(count) zeros")
    }
  }

  @Test func equalBitsHashAlikeAndSignedZerosDiffer() {
    #expect(hash([1, .nan, 3]) == hash([1, .nan, 3]))
    #expect(hash([0]) != hash([-0.0]))
    #expect(hash([Float(nan: 1, signaling: false)]) != hash([.nan]))
  }

  @Test func deviatingRanksAreThoseOutsideTheMajority() {
    #expect(ReplicaCheck.deviating([5, 5, 5]) == [])
    #expect(ReplicaCheck.deviating([5, 6, 5]) == [1])
    #expect(ReplicaCheck.deviating([6, 5, 5]) == [0])
    #expect(ReplicaCheck.deviating([5, 6, 7, 5, 5]) == [1, 2])
    // No majority: rank 0 is the reference.
    #expect(ReplicaCheck.deviating([5, 6]) == [1])
    #expect(ReplicaCheck.deviating([5, 5, 6, 6]) == [2, 3])
    #expect(ReplicaCheck.deviating([5, 6, 7]) == [1, 2])
    #expect(ReplicaCheck.deviating([]) == [])
  }

  @Test(arguments: 0..<4) func everyRankNamesTheOneThatDiffers(culprit: Int) throws {
    let errors = try LocalCommunicator.run(size: 4) { communicator in
      var values = (0..<1_000).map { Float($0) }
      if communicator.rank == culprit { values[999] = values[999].nextUp }
      do {
        try values.withUnsafeBufferPointer {
          try ReplicaCheck.verify($0, subject: "parameters", over: communicator)
        }
        return nil as ReplicaError?
      } catch {
        return error as? ReplicaError
      }
    }
    let expected = ReplicaError.diverged(subject: "parameters", ranks: [culprit], worldSize: 4)
    #expect(errors == Array(repeating: expected, count: 4))
    #expect(expected.description.hasPrefix("parameters: rank \(culprit) differs"))
  }
}
