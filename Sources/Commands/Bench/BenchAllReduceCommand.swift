import ArgumentParser
import Benchmarks
import Communication
import DistTrain
import Exchange
import Files
import Forecast
import Foundation

/// `disttrain bench allreduce`: what the network between the ranks can do.
struct BenchAllReduceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "allreduce",
    abstract: "Measure the exchange of gradients between ranks, by size of the buffer.",
    discussion: """
      Run it as training runs: mpirun -np N disttrain bench allreduce. For each size, twice that \
      of the one before, it prints mean, shortest and longest time over the ranks, of the \
      exchange that training uses and of the MPI library's own all-reduce. Bus bandwidth is what \
      each rank's link carried each way, S/t x 2(n-1)/n. From the exchange's times it fits what a \
      message costs and what a link carries; bench simulate takes the JSON file as --network.
      """)

  @Option(help: "Bytes of the shortest buffer; K, M and G are powers of 1024.")
  var minBytes = ByteCount(4)
  @Option(help: "Bytes of the longest buffer.") var maxBytes = ByteCount(32 << 20)
  @Option(help: "Numbers on the wire: float64, float32 or bf16.") var wire = WireFormat.float64
  @Option(help: "Megabytes of gradients that travel together.")
  var bucketMb = Double(ExchangeSettings.defaultBucketBytes) / 1e6
  @Option(help: "Timed all-reduces of a size; by default as many as fit a fifth of a second.")
  var iterations: Int?
  @Option(help: ArgumentHelp("Also write the rows there, as CSV.", valueName: "file"))
  var csv: String?
  @OptionGroup var output: BenchOutput

  func validate() throws {
    try Flags.require(
      minBytes.bytes >= 1 && minBytes.bytes <= maxBytes.bytes,
      "--min-bytes must be between 1 and --max-bytes, not \(minBytes.bytes)")
    try Flags.require(
      maxBytes.bytes <= 1 << 30, "--max-bytes must be at most 1G, not \(maxBytes.bytes)")
    try Flags.require("--bucket-mb", bucketMb, within: ExchangeOptions.bucketMegabytes)
    try Flags.require("--iterations", iterations, atLeast: 1)
  }

  func run() throws {
    try ParallelCommand.run(files: files()) { communicator in
      let root = RootDecision(communicator)
      try root.run {
        try output.validateFolder()
        if communicator.worldSize == 1 { throw ScalingError.alone }
      }
      let machine = BenchmarkMachine.current()
      if communicator.isRoot { output.begin(machine, printed: EnvironmentCheck.warning) }
      let figures = try AllReduceBenchmark(
        sizes: minBytes.bytes...maxBytes.bytes, wire: wire, bucketBytes: Int(bucketMb * 1e6),
        iterations: iterations, secondsPerSize: 0.2
      ).run(over: communicator)
      try root.run {
        if let csv { try AtomicFile.write(figures.csv, to: URL(fileURLWithPath: csv)) }
        try output.end(AllReduceFigures.kind, machine, figures)
      }
    }
  }
}

/// A number of bytes as users write it: "4", "64K", "32M".
struct ByteCount: ExpressibleByArgument {
  let bytes: Int

  init(_ bytes: Int) { self.bytes = bytes }

  /// K, M and G are powers of 1024.
  init?(argument: String) {
    let units: [Character: Int] = ["K": 1 << 10, "M": 1 << 20, "G": 1 << 30]
    let unit = argument.uppercased().last.flatMap { units[$0] }
    let digits = unit == nil ? argument : String(argument.dropLast())
    guard let number = Int(digits), number >= 0 else { return nil }
    let (bytes, overflow) = number.multipliedReportingOverflow(by: unit ?? 1)
    if overflow { return nil }
    self.bytes = bytes
  }

  var defaultValueDescription: String {
    bytes % (1 << 20) == 0 && bytes > 0 ? "\(bytes >> 20)M" : "\(bytes)"
  }
}
