import Foundation
import ProgramTestSupport
import Tensor
import Testing
import TestSupport

/// The other subcommands of `disttrain bench`, its errors and warnings.
@Suite(.serialized) struct BenchCommandTests {
  private struct KernelResult: Decodable {
    struct Kernel: Decodable {
      let operation: String
      let pass: String
      let shape: String
      let seconds: Double
      let nanosecondsPerElement: Double?
      let nanosecondsPerElementAt3700MHz: Double?
      let openBLASSeconds: Double?
      let gflops: Double?
      let boundBy: String
      let boundSeconds: Double
      let fractionOfBound: Double

      /// The numbers of its shape.
      var sizes: [Double] {
        shape.split(whereSeparator: { $0 == "x" || $0 == "," }).compactMap { Double($0) }
      }
    }

    struct Copy: Decodable {
      struct Rate: Decodable { let gigabytesPerSecond: Double }
      let cache: Rate
    }

    let kind: String
    let preset: String
    let fmaPeakGflops: Double
    let copy: Copy
    let kernels: [Kernel]
  }

  /// Bytes that some kernels have to move for each of their elements, in floats of four and sums of
  /// eight bytes, counted by hand.
  private static let bytesPerElement = [
    // Weight, gradient and two moments in, all but the gradient out.
    "Adam": 28.0, "moving average": 12, "gradient norm": 4,
    // A float is added to a double.
    "accumulate": 20, "scale": 12,
    // y and dy in, dx out; a and b in, their gate out; a, b and the upstream in, two out.
    "tanh backward": 12, "GLU forward": 12, "GLU backward": 20,
  ]

  /// How close `kernel` comes to what limits it, of the work that its shape makes; nil where nobody
  /// counted that here.
  private func fraction(_ kernel: KernelResult.Kernel, _ result: KernelResult) -> Double? {
    if kernel.boundBy == "products" {
      let work = 2 * kernel.sizes.reduce(1, *) / 1e9
      return work / kernel.seconds / result.fmaPeakGflops
    }
    if kernel.boundBy == "arithmetic" {
      // A multiply-add counts as two operations at the peak, and as one instruction here. Which of
      // the two bounds such a kernel depends on the machine.
      guard kernel.operation == "gradient norm" else { return nil }
      return kernel.sizes.reduce(1, *) / 1e9 / kernel.seconds / (result.fmaPeakGflops / 2)
    }
    let perElement =
      Self.bytesPerElement[kernel.operation]
      ?? Self.bytesPerElement["\(kernel.operation) \(kernel.pass)"]
    guard let perElement, kernel.boundBy == "memory" else { return nil }
    let work = perElement * kernel.sizes.reduce(1, *) / 1e9
    return work / kernel.seconds / result.copy.cache.gigabytesPerSecond
  }

  @Test func everyKernelHasABound() throws {
    try withTemporaryFolder { folder in
      let (result, outcome) = try bench(
        ["kernels", "--preset", EnhanceFixture.preset, "--seconds", "0.25"],
        as: KernelResult.self, in: folder)
      #expect(result.kind == "kernels" && result.preset == "tiny")
      var counted: Set<String> = []
      for kernel in result.kernels {
        #expect(kernel.seconds > 0 && kernel.boundSeconds > 0, "\(kernel)")
        if let expected = fraction(kernel, result) {
          #expect(isClose(kernel.fractionOfBound, expected), "\(kernel)")
          counted.insert(kernel.operation)
        }
        // Products have OpenBLAS beside them, the others a time for each number.
        let isConvolution = kernel.operation.hasSuffix(" conv")
        #expect(
          (kernel.openBLASSeconds == nil) == (kernel.gflops == nil || isConvolution), "\(kernel)")
        #expect(
          (kernel.nanosecondsPerElement == nil) == (kernel.gflops != nil && !isConvolution),
          "\(kernel)")
        if let plain = kernel.nanosecondsPerElement {
          // A clock between 0.4 and 7.4 GHz.
          let ratio = (kernel.nanosecondsPerElementAt3700MHz ?? 0) / plain
          #expect((0.1...2).contains(ratio), "\(kernel)")
        }
      }
      #expect(
        counted.isSuperset(of: ["in_proj", "decoder fc1", "accumulate", "gradient norm"]),
        "\(counted)")
      let passes = Dictionary(grouping: result.kernels, by: \.operation)
        .mapValues { Set($0.map(\.pass)) }
      for name in ["in_proj", "x_proj", "dt_proj", "out_proj", "decoder fc1", "band split"] {
        #expect(passes[name] == ["forward", "dX", "dW"], "\(name): \(passes)")
      }
      for name in ["dense conv", "narrowing conv", "widening conv"] {
        #expect(passes[name] == ["forward", "dX", "dW"], "\(name): \(passes)")
      }
      for name in ["scan + gate", "conv1d + SiLU", "LayerNorm", "GroupNorm", "tanh", "GLU"] {
        #expect(passes[name] == ["forward", "backward"], "\(name): \(passes)")
      }
      for name in ["Adam", "gradient norm", "accumulate", "softplus", "spectral loss"] {
        #expect(passes[name] != nil, "\(name): \(passes)")
      }
      let scans = Set(result.kernels.filter { $0.operation == "scan + gate" }.map(\.shape))
      #expect(
        scans == ["1x32x16, 4 states", "8x30x16, 4 states", "1x32x16, 12 states"], "\(scans)")
      #expect(outcome.output.contains("the last column is OpenBLAS's time over ours"))
    }
  }

  private struct EnhanceResult: Decodable {
    let kind: String
    let seconds: Double
    let threads: Int
    let enhanceSeconds: Double
    let realTimeFactor: Double
    let peakResidentBytes: Int
  }

  @Test(arguments: [1, 2]) func realTimeFactorIsTimeOverLength(threads: Int) throws {
    try withTemporaryFolder { folder in
      let (result, outcome) = try bench(
        [
          "enhance", "--preset", EnhanceFixture.preset, "--seconds", "0.5", "--threads",
          "\(threads)", "--repeats", "2",
        ], as: EnhanceResult.self, in: folder)
      #expect(result.kind == "enhance" && result.seconds == 0.5 && result.threads == threads)
      #expect(result.enhanceSeconds > 0 && result.peakResidentBytes > 1_000_000)
      // The factor is the time per second of audio, here of half a second.
      #expect(isClose(result.enhanceSeconds, result.realTimeFactor / 2), "\(result)")
      #expect(outcome.output.contains("real-time factor "), "\(outcome)")
    }
  }

  private struct ScoreResult: Decodable {
    let kind: String
    let millisecondsPerAudioSecond: Double
  }

  /// Text of a benchmark on stderr with these variables and no others of their kind.
  private func warnings(
    _ variables: String..., of command: [String] = ["pesq", "--seconds", "1", "--repeats", "1"]
  ) throws -> String {
    let outcome = try Subprocess.run(
      "/usr/bin/env",
      ["-u", "OPENBLAS_CORETYPE", "-u", "DISTTRAIN_KERNELS", "-u", "DISTTRAIN_GEMM"] + variables
        + [try MPIRun.productPath("disttrain"), "bench"] + command, timeLimit: 60)
    #expect(outcome.status == 0, "\(outcome)")
    return outcome.errors
  }

  @Test func scoresAreTimed() throws {
    try withTemporaryFolder { folder in
      let (result, outcome) = try bench(
        ["pesq", "--seconds", "2", "--repeats", "2"], as: ScoreResult.self, in: folder)
      #expect(result.kind == "pesq" && result.millisecondsPerAudioSecond > 0)
      // People grep logs for the word in capitals.
      #expect(!outcome.output.contains("PESQ"), "\(outcome)")
    }
  }

  private struct MetricsResult: Decodable {
    struct Metric: Decodable {
      let name: String
      let seconds: Double
    }

    let kind: String
    let threads: Int
    let utterances: Int
    let metrics: [Metric]
    let allThreadsSeconds: Double
    let allThreadsSecondsPerAudioSecond: Double
    let testSetSeconds: Double
  }

  @Test func everyMetricIsTimedAndAllTogether() throws {
    try withTemporaryFolder { folder in
      let (result, outcome) = try bench(
        ["score", "--seconds", "2", "--repeats", "1", "--threads", "3"], as: MetricsResult.self,
        in: folder)
      #expect(result.kind == "score" && result.threads == 3 && result.utterances == 12)
      let names = result.metrics.map(\.name)
      #expect(names == ["pesq_wb", "stoi", "estoi", "si_sdr", "ssnr", "llr", "wss", "all"])
      #expect(result.metrics.allSatisfy { $0.seconds > 0 })
      let rate = result.allThreadsSecondsPerAudioSecond
      #expect(isClose(rate, result.allThreadsSeconds / (12 * 2)))
      #expect(isClose(result.testSetSeconds, rate * 824 * 2.5))
      #expect(!outcome.output.contains("PESQ"), "\(outcome)")
    }
  }

  @Test func whatHoldsTheKernelsBackIsWarnedOf() throws {
    #expect(try warnings() == "")
    let hasMore = availableKernels.count > 1
    let openBLAS = try warnings("OPENBLAS_CORETYPE=Haswell")
    #expect(
      openBLAS.hasPrefix("disttrain: warning: OPENBLAS_CORETYPE=Haswell holds OpenBLAS to Haswell")
        == hasMore, "\(openBLAS)")
    #expect((openBLAS == "") == !hasMore, "\(openBLAS)")
    let kernels = try warnings("DISTTRAIN_KERNELS=avx2")
    #expect(
      kernels.hasPrefix("disttrain: warning: DISTTRAIN_KERNELS=avx2 holds the kernels to AVX2")
        == hasMore, "\(kernels)")
    // One line, although every command that computes with OpenBLAS warns of it.
    let both = try warnings(
      "OPENBLAS_CORETYPE=Haswell", "DISTTRAIN_GEMM=openblas", of: tinyStep)
    #expect(both.split(separator: "\n").count == (hasMore ? 1 : 0), "\(both)")
  }

  @Test func whatCannotBeMeasuredIsRefusedAtOnce() throws {
    expectError(
      try disttrain(["bench", "step", "--preset", "abl9"]), "there is no preset \"abl9\"")
    expectError(
      try disttrain(
        ["bench", "step", "--preset", EnhanceFixture.preset, "--json", "/nowhere/result.json"]),
      "/nowhere/result.json could not be written: its folder does not exist")
    try withTemporaryFolder { folder in
      let path = folder.file("narrow.json")
      try Data(
        """
        {"name": "narrow", "title": "Narrow", "bands": [40], "features": 8, "layers": 1,
         "trunk": {"kind": "bimamba", "paths": ["intra"],
                   "mamba": {"d_state": 4, "d_conv": 4, "expand": 1}},
         "decoder": {"expansion": 2, "mask_taps": 1}}
        """.utf8
      ).write(to: URL(fileURLWithPath: path))
      for command in ["step", "kernels", "enhance"] {
        expectError(
          try disttrain(["bench", command, "--preset", path]),
          "the model \"narrow\" takes spectra of 40 bins, but its front end (window 512) makes 257")
      }
    }
  }
}
