import Foundation
import Launching
import Platform
import ProgramTestSupport
import Testing
import TestSupport

/// Findings of `doctor` about the ranks.
@Suite struct DoctorTests {
  /// A rank on an eight-core host with one core of its own.
  private func rank(_ rank: Int, host: String = "a", threads: Int = 1) -> RankSurvey {
    var survey = RankSurvey(
      rank: rank, host: host, process: 100, program: "disttrain 1", instructionSet: "AVX-512",
      openBLASCore: "SkylakeX", hostProcessors: 8,
      processors: Array(rank * threads..<(rank + 1) * threads), cores: threads, threads: threads)
    survey.availableMemory = 64 << 30
    survey.sharedMemory = 32 << 30
    return survey
  }

  private func problems(_ surveys: [RankSurvey], slurm: Bool = false) -> [String] {
    DoctorFindings.of(surveys, launchedBySLURM: slurm).filter { $0.weight == .problem }.map(\.text)
  }

  private func expectOne(
    _ surveys: [RankSurvey], _ text: String, slurm: Bool = false,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let found = problems(surveys, slurm: slurm)
    #expect(
      found.count == 1 && found[0].contains(text), "\(found)", sourceLocation: sourceLocation)
  }

  @Test func aGoodJobHasNothingToChange() {
    #expect(DoctorFindings.of((0..<8).map { rank($0) }) == [])
    #expect(DoctorFindings.of((0..<4).map { rank($0, threads: 2) }) == [])
    #expect(DoctorFindings.of([rank(0), rank(1, host: "b")]) == [])
  }

  @Test func everyTrapIsALine() {
    var ranks = (0..<2).map { rank($0) }
    ranks[1].threads = 3
    let found = problems(ranks)
    #expect(
      found.contains { $0.contains("rank 1 computes with 3 threads and may use 1 processor") })
    #expect(found.contains { $0.contains("2 ranks with 4 threads in all share 2 processors") })
    #expect(problems(ranks, slurm: true)[0].contains("srun --cpu-bind=cores --cpus-per-task"))

    ranks = (0..<2).map { rank($0) }
    ranks[1].processors = [0]
    #expect(problems(ranks).contains { $0.contains("all 2 ranks may use processor 0 only, of 8") })

    ranks = (0..<3).map { rank($0) }
    ranks[2].processors = ranks[1].processors
    #expect(problems(ranks).contains { $0.contains("ranks 1 and 2 may use the same processors") })

    var one = rank(0)
    one.coreQuota = 0.5
    expectOne([one], "allows 0.5 cores, for 1 thread")
    one = rank(0)
    one.availableMemory = 900 << 20
    expectOne([one], "of memory is left for 1 rank, less than 1 GB each")
    one = rank(0)
    one.lockableMemory = 64 << 10
    #expect(problems([one]) == [], "no fast network, no harm")
    one.hasInfiniBand = true
    expectOne([one], "ulimit -l unlimited")
    one = rank(0)
    one.warnings = ["OPENBLAS_CORETYPE=Haswell holds OpenBLAS back"]
    expectOne([one], "a: OPENBLAS_CORETYPE=Haswell")
    ranks = (0..<2).map { rank($0) }
    ranks[0].sharedMemory = 1 << 20
    ranks[1].sharedMemory = 1 << 20
    expectOne(ranks, "--shm-size=1g")
    ranks = [rank(0), rank(1, host: "b")]
    ranks[1].program = "disttrain 2"
    expectOne(ranks, "different versions (disttrain 1, disttrain 2)")
    // Two processors of one core for two threads.
    one = rank(0, threads: 2)
    one.cores = 1
    expectOne([one], "--hint=nomultithread", slurm: true)
  }

  @Test func whatIsWorthKnowingIsANote() {
    var ranks = (0..<2).map { rank($0) }
    for index in ranks.indices {
      ranks[index].processors = Array(0..<8)
      ranks[index].dataFileSystem = "lustre"
      ranks[index].instructionSet = index == 0 ? "AVX2" : "AVX-512"
    }
    ranks[0].notes = ["a variable is set that nothing reads"]
    let notes = DoctorFindings.of(ranks)
    #expect(notes.map(\.text).contains("a: a variable is set that nothing reads"))
    #expect(notes.allSatisfy { $0.weight == .note })
    #expect(notes.map(\.text).filter { $0.contains("no rank is bound to cores") }.count == 1)
    #expect(notes.map(\.text).filter { $0.contains("shared file system (lustre)") }.count == 1)
    #expect(notes.map(\.text).filter { $0.contains("processors differ (AVX-512, AVX2") }.count == 1)
  }

  @Test func systemFilesAreRead() {
    #expect(MachineFacts.numbers("0-3,8, 10-11\n") == [0, 1, 2, 3, 8, 10, 11])
    #expect(MachineFacts.numbers("") == [] && MachineFacts.numbers("3-1") == [])
    #expect(
      MachineFacts.allowedProcessors("Name:\tx\nCpus_allowed:\t5\nCpus_allowed_list:\t0,2\n") == [
        0, 2,
      ])
    #expect(ControlGroups.coreQuota("150000 100000\n") == 1.5)
    #expect(ControlGroups.coreQuota("max 100000") == nil && ControlGroups.coreQuota(nil) == nil)
    let mounts = """
      overlay / overlay rw 0 0
      a:/b /data nfs4 rw 0 0
      tmpfs /data/fast tmpfs rw 0 0
      c:/d /with\\040space lustre rw 0 0
      """
    func type(_ path: String) -> String? { MachineFacts.fileSystem(of: path, mounts: mounts) }
    #expect(type("/data/corpus") == "nfs4" && type("/data") == "nfs4")
    #expect(type("/database") == "overlay" && type("/data/fast/x") == "tmpfs")
    #expect(type("/with space/x") == "lustre")
    #expect(MachineFacts.isShared("nfs4") && !MachineFacts.isShared("tmpfs"))
    #expect(!MachineFacts.allowedProcessors().isEmpty)
    let folder = "7f00-7f01 r-xp 0 fe:00 12 /usr/lib/openmpi3/"
    let maps = [
      "mca_btl_tcp.so", "mca_pml_ob1.so", "mca_btl_vader.so", "mca_btl_tcp.so", "libc.so.6",
    ]
    #expect(
      MachineFacts.transport(maps.map { folder + $0 }.joined(separator: "\n"))
        == "ob1 over tcp, vader")
    #expect(MachineFacts.transport(folder + "mca_pml_ucx.so.40\n") == "ucx")
    #expect(MachineFacts.transport(folder + "libmpich.so.12\n") == nil)
  }

  @Test(arguments: [1, 3]) func allRanksReportInOneTable(ranks: Int) throws {
    try withTemporaryFolder { folder in
      try tinyModel.write(toFile: folder.file("tiny.json"), atomically: true, encoding: .utf8)
      let arguments = ["doctor", "--preset", "tiny.json", "--data", "."]
      let outcome = try disttrain(ranks: ranks, arguments, folder: folder)
      let cores = ProcessInfo.processInfo.processorCount
      let lines = outcome.output.split(separator: "\n").map(String.init)
      #expect(lines.contains { $0.hasPrefix("launcher   \(ranks == 1 ? "none" : "mpirun")") })
      let header = try #require(lines.firstIndex { $0.hasPrefix("rank ") })
      for rank in 0..<ranks {
        let words = lines[header + 1 + rank].split(separator: " ")
        #expect(words.first == "\(rank)" && words.contains("\(cores)"), "\(outcome)")
      }
      if ranks > 1 {
        let transport = lines.first { $0.hasPrefix("transport  ") } ?? ""
        #expect(transport.contains(" over ") && transport.contains("self"), "\(outcome)")
        #expect(outcome.output.contains("1.0 MB in ") && outcome.output.contains("right on all"))
      }
      if ranks > cores {
        #expect(outcome.status == 1, "\(outcome)")
        #expect(outcome.output.contains("problem: "), "\(outcome)")
        #expect(outcome.output.contains("(oversubscription)"), "\(outcome)")
      }
    }
  }
}
