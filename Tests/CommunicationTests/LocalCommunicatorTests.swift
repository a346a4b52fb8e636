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
