// swift-tools-version: 6.0
import PackageDescription

// Every Swift module is compiled for x86-64-v3 (AVX2 and FMA). Without a march flag Swift emits
// no AVX and each fused multiply-add becomes a library call, some hundred times slower, so the
// flags stand here, where no command line can forget them. The numeric kernels exist twice, from
// one source folder: for v3, and for v4 (AVX-512); `Tensor` picks one at start-up. A machine below
// v3 is refused by CPlatform's constructor before any of this code runs.
let baseline: [SwiftSetting] = [.unsafeFlags(["-Xcc", "-march=x86-64-v3"])]

func kernels(march: String, defines: [SwiftSetting]) -> [SwiftSetting] {
  // -Ounchecked in every configuration: a debug build of the kernels would be too slow to use.
  [.unsafeFlags(["-Ounchecked", "-Xcc", "-march=\(march)"])] + defines
}

let package = Package(
  name: "disttrain",
  products: [.executable(name: "disttrain", targets: ["DistTrainCLI"])],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0")
  ],
  targets: [
    .systemLibrary(
      name: "CMPI", pkgConfig: "mpi-c", providers: [.apt(["libopenmpi-dev", "openmpi-bin"])]),
    .systemLibrary(
      name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
    .systemLibrary(name: "CFFTW", pkgConfig: "fftw3f", providers: [.apt(["libfftw3-dev"])]),
    .systemLibrary(name: "CSndfile", pkgConfig: "sndfile", providers: [.apt(["libsndfile1-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .target(name: "CPlatform"),
    .target(name: "CPrefetch"),

    .target(name: "Checksum", dependencies: ["CPlatform"], swiftSettings: baseline),
    .target(name: "KernelAPI", swiftSettings: baseline),
    .target(
      name: "KernelsAVX2", dependencies: ["KernelAPI", "CPrefetch"],
      swiftSettings: kernels(march: "x86-64-v3", defines: [])),
    .target(
      name: "KernelsAVX512", dependencies: ["KernelAPI", "CPrefetch"],
      swiftSettings: kernels(march: "x86-64-v4", defines: [.define("AVX512")])),
    .target(
      name: "Tensor",
      dependencies: [
        "KernelAPI", "KernelsAVX2", "KernelsAVX512", "Checksum", "COpenBLAS", "CPlatform",
      ],
      swiftSettings: baseline),
    .target(
      name: "Audio", dependencies: ["Checksum", "CFFTW", "CSndfile"], swiftSettings: baseline),
    .target(name: "Metrics", dependencies: ["Audio"], swiftSettings: baseline),
    .target(
      name: "Models", dependencies: ["Tensor"],
      resources: [.embedInCode("Presets")],
      swiftSettings: baseline),
    .target(
      name: "DistTrain",
      dependencies: [
        "Models", "Tensor", "KernelAPI", "Audio", "Metrics", "Checksum", "CMPI", "CPlatform",
        "CZlib",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      resources: [.embedInCode("Report/Resources")],
      swiftSettings: baseline),
    .executableTarget(name: "DistTrainCLI", dependencies: ["DistTrain"], swiftSettings: baseline),

    .target(
      name: "TestSupport", dependencies: ["Tensor"], path: "Tests/TestSupport",
      swiftSettings: baseline),
    .testTarget(
      name: "TensorTests", dependencies: ["Tensor", "KernelAPI", "TestSupport"],
      swiftSettings: baseline),
    .testTarget(
      name: "ChecksumTests", dependencies: ["Checksum"], swiftSettings: baseline),
    .testTarget(
      name: "AudioTests", dependencies: ["Audio", "TestSupport"], swiftSettings: baseline),
    .testTarget(
      name: "MetricsTests", dependencies: ["Metrics", "TestSupport"], swiftSettings: baseline),
    .testTarget(
      name: "ModelsTests", dependencies: ["Models", "TestSupport"], swiftSettings: baseline),
    // The ranks of the MPI tests, which start it through mpirun.
    .executableTarget(
      name: "MPIProbe", dependencies: ["DistTrain", "Tensor"], path: "Tests/MPIProbe",
      swiftSettings: baseline),
    // Harms real jobs and prints what became of them; scripts/drill.sh runs it.
    .executableTarget(
      name: "Drill",
      dependencies: [
        "DistTrain", "Tensor", "TestSupport", "DistTrainCLI",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "Tests/Drill", swiftSettings: baseline),
    .testTarget(
      name: "DistTrainTests",
      dependencies: [
        "DistTrain", "TestSupport", "MPIProbe", "DistTrainCLI",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: baseline),
  ]
)
