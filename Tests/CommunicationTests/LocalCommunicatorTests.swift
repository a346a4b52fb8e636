import Communication
import Foundation
import Testing

@Suite struct LocalCommunicatorTests {
  @Test(arguments: 1...4) func ranksAndSizes(size: Int) throws {
    let seen = try LocalCommunicator.run(size: size) {
      [$0.rank, $0.worldSize, $0.hostRank, $0.hostSize]
    }
    #expect(seen == (0..<size).map { [$0, size, $0, size] })
  }

  @Test(arguments: 1...4) func broadcastsReachEveryRank(size: Int) throws {
    for root in 0..<size {
      let results = try LocalCommunicator.run(size: size) { communicator in
        let mine = communicator.rank * 10
        var values = (0..<5).map { Float(mine + $0) }
        try values.withUnsafeMutableBufferPointer { try communicator.broadcast($0, root: root) }
        let bytes = try communicator.broadcast(
          [UInt8](repeating: UInt8(communicator.rank), count: communicator.rank + 1), root: root)
        return (values, bytes)
      }
      for result in results {
        #expect(result.0 == (0..<5).map { Float(root * 10 + $0) })
        #expect(result.1 == [UInt8](repeating: UInt8(root), count: root + 1))
      }
    }
  }

  @Test func sumsRunInRankOrder() throws {
    // In Double, 1e17 + 1 is 1e17: only ((1e17 + −1e17) + 1) + 1 is 2.
    let terms: [Double] = [1e17, -1e17, 1, 1]
    for _ in 0..<20 {
      let sums = try LocalCommunicator.run(size: 4) { communicator in
        var values = [terms[communicator.rank], Double(communicator.rank)]
        try values.withUnsafeMutableBufferPointer { try communicator.allReduceSum($0) }
        return values
      }
      #expect(sums == Array(repeating: [2, 6], count: 4))
    }
  }

  /// Values that every rank receives when rank r gives `terms[r]`.
  private func sums<Term: Sendable, Sum: BinaryFloatingPoint & Sendable>(
    _ terms: [Term], _ zero: Sum,
    _ reduction:
      @escaping @Sendable (
        UnsafeBufferPointer<Term>, UnsafeMutableBufferPointer<Sum>
      ) -> Reduction
  ) throws -> [Sum] {
    try LocalCommunicator.run(size: terms.count) { communicator in
      var sum = [zero]
      try sum.withUnsafeMutableBufferPointer { sum in
        try [terms[communicator.rank]].withUnsafeBufferPointer { term in
          communicator.startReduction(reduction(term, sum))
          _ = try communicator.finishReductions()
        }
      }
      return sum[0]
    }
  }

  @Test func floatsAreAddedInDoublePrecision() throws {
    // In Float, 1 + 2⁻²⁴ is 1, however often; the sum of all three is representable.
    let small = Float(sign: .plus, exponent: -24, significand: 1)
    let found = try sums([1, small, small], Float(0)) { .float32($0, into: $1) }
    #expect(found == Array(repeating: Float(1).nextUp, count: 3))
  }

  @Test func numbersOf16BitsAreAddedInSinglePrecision() throws {
    // In Float, 2²⁴ + 1 is 2²⁴; in Double the sum would be 2. In 16 bits, 256 + 1 + 1 would be 256.
    let large = BFloat16(16_777_216)
    let one = BFloat16(1)
    let lost = try sums([large, one, one, BFloat16(-large.value)], Float(7)) {
      .bf16($0, into: $1)
    }
    #expect(lost == [0, 0, 0, 0])
    let kept = try sums([BFloat16(256), one, one], Float(0)) { .bf16($0, into: $1) }
    #expect(kept == [258, 258, 258])
  }

  @Test func negativeZerosKeepTheirSignInDoublePrecision() throws {
    let zeros = try sums([-0.0, -0.0], 7.0) { .float64($0, into: $1) }
    #expect(zeros.allSatisfy { $0 == 0 && $0.sign == .minus })
  }

  @Test(arguments: 1...4) func scalarReductionsAndGathers(size: Int) throws {
    let results = try LocalCommunicator.run(size: size) { communicator in
      let rank = communicator.rank
      #expect(try communicator.allReduceSum([Double(rank), 1]).last == Double(size))
      #expect(try communicator.allReduceMax(.max - Int64(rank)) == .max)
      #expect(try communicator.allReduceMin(.min + Int64(rank)) == .min)
      #expect(
        try communicator.allGather(UInt64(rank) << 60) == (0..<size).map { UInt64($0) << 60 })
      try communicator.barrier()
      let gathered = try communicator.gather(
        [UInt8](repeating: 7, count: rank), root: size - 1)
      try communicator.finalize()
      return gathered
    }
    for (rank, gathered) in results.enumerated() {
      let all = (0..<size).map { [UInt8](repeating: 7, count: $0) }
      #expect(gathered == (rank == size - 1 ? all : nil))
    }
  }

  @Test func manyRoundsStayInStep() throws {
    let sums = try LocalCommunicator.run(size: 4) { communicator in
      var total = 0.0
      for round in 0..<2_000 {
        total += try communicator.allReduceSum([Double(round * communicator.rank)])[0]
        if round % 3 == 0 { try communicator.barrier() }
      }
      return total
    }
    #expect(sums == Array(repeating: Double(6 * 2_000 * 1_999 / 2), count: 4))
  }

  @Test func differentOperationsAreAnErrorOnEveryRank() throws {
    let errors = try LocalCommunicator.run(size: 3) { communicator in
      do throws(CommunicationError) {
        if communicator.rank == 2 {
          try communicator.barrier()
        } else {
          _ = try communicator.allGather(1)
        }
        return nil as CommunicationError?
      } catch {
        return error
      }
    }
    for error in errors {
      #expect(error?.description.contains("rank 0 calls allGather, rank 2 calls barrier") == true)
    }
  }

  @Test func theEndIsOneOfAllRanks() throws {
    #expect(
      throws: CommunicationError.mismatch(
        operation: "finalize", reason: "rank 0 calls finalize, rank 1 calls barrier")
    ) {
      try LocalCommunicator.run(size: 2) { communicator in
        do throws(CommunicationError) {
          if communicator.rank == 1 { try communicator.barrier() }
          try communicator.finalize()
          // As over MPI: once more does nothing.
          try communicator.finalize()
        } catch {
          // Whoever arrives last names the operation.
          guard case .mismatch(_, let reason) = error else { throw error }
          throw CommunicationError.mismatch(operation: "finalize", reason: reason)
        }
      }
    }
    _ = try LocalCommunicator.run(size: 3) { communicator in
      try communicator.finalize()
      try communicator.finalize()
    }
  }

  @Test func aReductionThatFailedIsKnownAtTheEnd() throws {
    #expect(
      throws: CommunicationError.mismatch(
        operation: "reduction", reason: "element counts by rank are [1, 2]")
    ) {
      try LocalCommunicator.run(size: 2) { communicator in
        let terms = [Double](repeating: 1, count: communicator.rank + 1)
        var sums = terms
        try terms.withUnsafeBufferPointer { terms in
          try sums.withUnsafeMutableBufferPointer { sums in
            communicator.startReduction(.float64(terms, into: sums))
            try communicator.finalize()
          }
        }
      }
    }
  }

  @Test func differentLengthsAreAnError() throws {
    #expect(
      throws: CommunicationError.mismatch(
        operation: "allReduceSum", reason: "element counts by rank are [1, 2]")
    ) {
      try LocalCommunicator.run(size: 2) { communicator in
        var values = [Double](repeating: 0, count: communicator.rank + 1)
        try values.withUnsafeMutableBufferPointer { try communicator.allReduceSum($0) }
      }
    }
  }

  @Test func failureOfOneRankReachesTheOthersInsteadOfHangingThem() throws {
    struct Broken: Error {}
    #expect(throws: Broken.self) {
      try LocalCommunicator.run(size: 4) { communicator in
        if communicator.rank == 2 { throw Broken() }
        try communicator.barrier()
      }
    }
    #expect(throws: CommunicationError.peerLeft(operation: "barrier", rank: 0)) {
      try LocalCommunicator.run(size: 2) { communicator in
        if communicator.rank == 1 { try communicator.barrier() }
      }
    }
  }
}

@Suite struct LaunchEnvironmentTests {
  @Test func withoutLauncherThereIsOneLocalRank() throws {
    let communicator = try makeCommunicator(environment: ["PATH": "/bin", "SLURM_JOB_ID": "7"])
    #expect(communicator is LocalCommunicator)
    #expect(communicator.worldSize == 1)
  }

  @Test func launchersAreRecognised() throws {
    #expect(try LaunchEnvironment(["OMPI_COMM_WORLD_SIZE": "4", "PMIX_RANK": "1"])?.size == 4)
    #expect(try LaunchEnvironment(["PMIX_RANK": "0"])?.size == nil)
    #expect(try LaunchEnvironment(["PMIX_RANK": "0"])?.launcher == "a PMIx launcher")
    #expect(try LaunchEnvironment(["PMI_RANK": "0", "PMI_SIZE": "3"])?.size == 3)
    let srun = try LaunchEnvironment(["PMIX_RANK": "0", "SLURM_STEP_NUM_TASKS": "8"])
    #expect(srun?.launcher == "srun" && srun?.size == 8)
    #expect(try LaunchEnvironment(["SLURM_STEP_NUM_TASKS": "1"]) == nil)
  }

  @Test func srunWithoutPMIxIsRefused() {
    let error = #expect(throws: CommunicationError.self) {
      try makeCommunicator(environment: ["SLURM_STEP_NUM_TASKS": "4", "SLURM_PROCID": "2"])
    }
    #expect(error?.description.contains("add --mpi=pmix to srun") == true)
  }
}
