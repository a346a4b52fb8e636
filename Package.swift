// swift-tools-version: 6.0
import PackageDescription

// The modules, bottom to top. A module uses only modules above it in this list: SwiftPM refuses a
// cycle, and `module` one that is not declared yet.

/// Processors that a module's code is made for.
enum Processor: String {
  /// AVX2 and FMA. A machine below it is refused by CPlatform's constructor before any other code
  /// runs.
  case x86v3 = "x86-64-v3"
  /// AVX-512.
  case x86v4 = "x86-64-v4"
}

var declared: Set<String> = []

/// A Swift module, with the processor's flags: no Swift target is made elsewhere.
///
/// Without a march flag Swift emits no AVX and each fused multiply-add becomes a library call, some
/// hundred times slower, so the flags stand here, where no command line can forget them.
@MainActor func module(
  _ name: String, _ kind: Kind = .library, uses: [String] = [], libraries: [String] = [],
  products: [Target.Dependency] = [], resources: [Resource]? = nil, path: String? = nil,
  processor: Processor = .x86v3, settings: [SwiftSetting] = []
) -> Target {
  for use in uses where !declared.contains(use) {
    fatalError("\(name) uses \(use), which is not above it in the list")
  }
  declared.insert(name)
  let dependencies = (uses + libraries).map { Target.Dependency(stringLiteral: $0) } + products
  let flags: [SwiftSetting] =
    [.unsafeFlags(["-Xcc", "-march=\(processor.rawValue)"])] + settings
    + (kind == .tests ? [.unsafeFlags(["-Onone"])] : [])
  switch kind {
  case .library:
    return .target(
      name: name, dependencies: dependencies, path: path, resources: resources,
      swiftSettings: flags)
  case .program:
    return .executableTarget(
      name: name, dependencies: dependencies, path: path, resources: resources,
      swiftSettings: flags)
  case .tests, .numericalTests:
    return .testTarget(
      name: name, dependencies: dependencies, path: path, resources: resources,
      swiftSettings: flags)
  }
}

/// Kinds of Swift modules.
enum Kind {
  case library, program
  /// Tests that compute nothing themselves. They are not optimised, which saves a minute of each
  /// clean build.
  case tests
  /// Tests with references of their own, loops over doubles that have to be optimised.
  case numericalTests
}

/// Debug kernels would be too slow to use: they are optimised in every configuration.
let kernelSettings: [SwiftSetting] = [.unsafeFlags(["-Ounchecked"])]
let argumentParser = Target.Dependency.product(
  name: "ArgumentParser", package: "swift-argument-parser")

let libraries: [Target] = [
  .systemLibrary(
    name: "CMPI", pkgConfig: "mpi-c", providers: [.apt(["libopenmpi-dev", "openmpi-bin"])]),
  .systemLibrary(name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
  .systemLibrary(name: "CFFTW", pkgConfig: "fftw3f", providers: [.apt(["libfftw3-dev"])]),
  .systemLibrary(name: "CSndfile", pkgConfig: "sndfile", providers: [.apt(["libsndfile1-dev"])]),
  .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
  .target(name: "CPlatform"),
  .target(name: "CPrefetch"),
]

let modules: [Target] = [
  // Facts about the process and its machine, threads and clocks, and numbers as text.
  module("Platform", libraries: ["CPlatform"]),
  // Files that are whole or absent; their formats.
  module("Files", uses: ["Platform"], libraries: ["CPlatform"]),
  module("Charts", uses: ["Platform"]),

  // The numeric kernels exist twice, from one source folder; `Tensor` picks one at start-up.
  module("KernelAPI"),
  module(
    "KernelsAVX2", uses: ["KernelAPI"], libraries: ["CPrefetch"], settings: kernelSettings),
  module(
    "KernelsAVX512", uses: ["KernelAPI"], libraries: ["CPrefetch"], processor: .x86v4,
    settings: kernelSettings + [.define("AVX512")]),
  module(
    "Tensor", uses: ["KernelAPI", "KernelsAVX2", "KernelsAVX512", "Files", "Platform"],
    libraries: ["COpenBLAS", "CPlatform"]),
  // Two-dimensional convolutions, and what networks of them need.
  module("Convolution", uses: ["KernelAPI", "Tensor"]),
  module(
    "Models", uses: ["Convolution", "Tensor", "Files", "Platform"],
    resources: [.embedInCode("Presets")]),
  // Files of weights: what they are, and how a run starts from them.
  module("Weights", uses: ["Models", "Tensor", "Files", "Platform"]),

  module("Audio", uses: ["Files", "Platform"], libraries: ["CFFTW", "CSndfile"]),
  module("Metrics", uses: ["Audio", "Files", "Platform"]),
  // Crops that are mixed anew in each epoch: their description, their draws, their samples.
  module("Mixing", uses: ["Audio", "Files", "Platform"]),
  // All that decides what a run computes: model, data, optimizer, schedule.
  module(
    "Recipes", uses: ["Metrics", "Models", "Tensor", "Files", "Platform"],
    resources: [.embedInCode("Presets")]),
  // The loss of a recipe, term by term.
  module("Losses", uses: ["Recipes", "Audio", "Models", "Tensor"]),

  // Training against a network that learns a metric: labels, passes and losses.
  module(
    "Adversarial",
    uses: ["Recipes", "Metrics", "Models", "Convolution", "Tensor", "Files", "Platform"]),

  // Ranks and what they tell each other. The only module that knows MPI.
  module("Communication", uses: ["Platform"], libraries: ["CMPI", "CPlatform"]),
  // The files that a run leaves, as it writes them and as others read them.
  module("RunFiles", uses: ["Metrics", "Files", "Platform"]),
  // Recordings and where they lie.
  module(
    "Corpora", uses: ["RunFiles", "Communication", "Audio", "Files", "Platform"],
    libraries: ["CPlatform"]),
  // Corpora that are made here: of downloads and of packages.
  module("Preparation", uses: ["Corpora", "Audio", "Files", "Platform"]),
  // Enhancement of recordings with a model, and its scores.
  module(
    "Evaluation",
    uses: [
      "Losses", "Recipes", "Corpora", "Communication", "Metrics", "Audio", "Models", "Tensor",
      "Files", "Platform",
    ]),

  // Where the time of a run goes, as a trace of every rank.
  module("Tracing", uses: ["RunFiles", "Communication", "Files", "Platform"]),
  // The sum of the gradients over the ranks, while backward still computes.
  module("Exchange", uses: ["Tracing", "Communication", "Tensor", "Files", "Platform"]),

  // Where a run stands, as its files hold it.
  module(
    "Checkpoints",
    uses: [
      "Adversarial", "Recipes", "Corpora", "RunFiles", "Communication", "Models", "Tensor",
      "Files", "Platform",
    ]),

  // Crops of the coming steps: which, in which order, and their spectra.
  module(
    "Loading",
    uses: [
      "Evaluation", "Recipes", "Corpora", "RunFiles", "Communication", "Audio", "Models", "Tensor",
      "Platform",
    ]),
  // The heart: step, loop, and what happens when numbers are not finite.
  module(
    "DistTrain",
    uses: [
      "Loading", "Losses", "Checkpoints", "Adversarial", "Recipes", "Exchange", "Tracing",
      "Evaluation", "Corpora", "RunFiles", "Communication", "Metrics", "Audio", "Weights", "Models",
      "Tensor",
      "Files", "Platform",
    ], libraries: ["CPlatform"]),

  // How fast a run would be on other machines.
  module(
    "Forecast",
    uses: [
      "Exchange", "DistTrain", "Checkpoints", "Recipes", "Communication", "Models", "Tensor",
      "Charts", "Files", "Platform",
    ]),
  module(
    "Benchmarks",
    uses: [
      "Exchange", "Forecast", "DistTrain", "Loading", "Checkpoints", "Adversarial", "Recipes",
      "Evaluation",
      "Corpora",
      "Communication", "Metrics",
      "Audio",
      "Models", "Convolution", "Tensor", "KernelAPI", "Files", "Platform",
    ], libraries: ["CPlatform"]),
  // Pages, tables and screens of runs.
  module(
    "Report",
    uses: [
      "Forecast", "DistTrain", "Recipes", "Evaluation", "Corpora", "RunFiles", "Metrics",
      "Audio", "Models", "Tensor", "Charts", "Files", "Platform",
    ], libraries: ["CZlib"], resources: [.embedInCode("Resources")]),
  // Jobs of several processes: their start, their restarts, and what is checked before.
  module(
    "Launching",
    uses: [
      "Benchmarks", "Forecast", "DistTrain", "Loading", "Checkpoints", "Recipes", "RunFiles",
      "Communication",
      "Models", "Tensor",
      "Files", "Platform",
    ], libraries: ["CPlatform"]),
  module(
    "Commands",
    uses: [
      "Exchange", "Tracing",
      "Launching", "Report", "Benchmarks", "Forecast", "DistTrain", "Checkpoints", "Recipes",
      "Evaluation", "Preparation",
      "Corpora", "RunFiles", "Communication", "Metrics", "Audio", "Weights", "Models", "Tensor",
      "Files", "Platform",
    ], libraries: ["CPlatform"], products: [argumentParser]),
  module("DistTrainCLI", .program, uses: ["Commands", "Platform"]),
]

let tests: [Target] = [
  module(
    "TestSupport", uses: ["Models", "Tensor", "Audio", "Files", "Platform"],
    path: "Tests/TestSupport"),
  module(
    "PlatformTests", .tests, uses: ["TestSupport", "Platform"], libraries: ["CPlatform"]),
  module("FilesTests", .tests, uses: ["TestSupport", "Files", "Platform"]),
  module("ChartsTests", .tests, uses: ["TestSupport", "Charts", "Platform"]),
  module(
    "TensorTests", .numericalTests,
    uses: ["TestSupport", "Convolution", "Tensor", "KernelAPI", "Files", "Platform"]),
  module(
    "ModelsTests", .numericalTests,
    uses: ["TestSupport", "Models", "Convolution", "Tensor", "Files", "Platform"]),
  module(
    "WeightsTests", .tests,
    uses: ["TestSupport", "Weights", "Models", "Tensor", "Files", "Platform"]),
  module(
    "AudioTests", .numericalTests, uses: ["TestSupport", "Audio", "Files", "Platform"]),
  module(
    "MetricsTests", .numericalTests,
    uses: ["TestSupport", "Metrics", "Audio", "Files", "Platform"]),
  module(
    "MixingTests", .numericalTests,
    uses: ["TestSupport", "Mixing", "Audio", "Files", "Platform"]),
  module(
    "AdversarialTests", .numericalTests,
    uses: ["TestSupport", "Adversarial", "Metrics", "Files", "Platform"]),
  module(
    "CommunicationTests", .tests,
    uses: ["TestSupport", "Communication", "Models", "Tensor", "Files", "Platform"]),
  module(
    "RunFilesTests", .tests, uses: ["TestSupport", "RunFiles", "Metrics", "Files", "Platform"]),
  module(
    "CorporaTests", .tests,
    uses: [
      "TestSupport", "Preparation", "Corpora", "RunFiles", "Communication", "Audio", "Files",
      "Platform",
    ]),
  module(
    "EvaluationTests", .tests,
    uses: [
      "TestSupport", "Evaluation", "Corpora", "RunFiles", "Communication", "Metrics", "Audio",
      "Models", "Tensor", "Files", "Platform",
    ]),
  module(
    "RecipesTests", .tests,
    uses: [
      "TestSupport", "Recipes", "Metrics", "Weights", "Models", "Tensor", "Files", "Platform",
    ]),
  module(
    "LossesTests", .numericalTests,
    uses: ["TestSupport", "Losses", "Recipes", "Audio", "Models", "Tensor", "Files"]),
  // Runs on ranks inside the test's process.
  module(
    "RunTestSupport",
    uses: [
      "Tracing", "Report",
      "TestSupport", "DistTrain", "Loading", "Checkpoints", "Recipes", "RunFiles", "Corpora",
      "Communication",
      "Audio", "Models",
      "Tensor",
      "Files", "Platform",
    ], path: "Tests/RunTestSupport"),
  module(
    "DistTrainTests", .tests,
    uses: [
      "Exchange", "Tracing", "Report",
      "RunTestSupport", "TestSupport", "DistTrain", "Loading", "Checkpoints", "Adversarial",
      "Recipes",
      "Evaluation",
      "Corpora", "RunFiles",
      "Communication", "Metrics",
      "Audio", "Models", "Convolution", "Tensor", "Files", "Platform",
    ]),
  module(
    "ForecastTests", .tests,
    uses: [
      "TestSupport", "Forecast", "DistTrain", "Checkpoints", "Recipes", "RunFiles", "Communication",
      "Models", "Tensor",
      "Files", "Platform",
    ]),
  module("ReportTests", .tests, uses: ["TestSupport", "Report", "RunFiles", "Files"]),
  module("LaunchingTests", .tests, uses: ["TestSupport", "Launching", "Files", "Platform"]),
  module(
    "CommandsTests", .tests,
    uses: [
      "TestSupport", "Commands", "DistTrain", "Checkpoints", "Recipes", "RunFiles", "Communication",
      "Models", "Files",
      "Platform",
    ],
    products: [argumentParser]),
  // The ranks of the MPI tests, which start it through mpirun.
  module(
    "MPIProbe", .program,
    uses: [
      "Exchange", "DistTrain", "Checkpoints", "Recipes", "RunFiles", "Communication", "Models",
      "Tensor", "Files", "Platform",
    ],
    path: "Tests/MPIProbe"),
  // Harms real jobs and prints what became of them; scripts/drill.sh runs it.
  module(
    "Drill", .program,
    uses: [
      "TestSupport", "DistTrainCLI", "DistTrain", "Checkpoints", "Recipes", "RunFiles",
      "Communication", "Metrics", "Audio",
      "Models", "Tensor", "Files", "Platform",
    ], products: [argumentParser], path: "Tests/Drill"),
  // The built program as tests start it, and what they expect of it.
  module(
    "ProgramTestSupport",
    uses: [
      "TestSupport", "DistTrain", "Checkpoints", "Recipes", "Evaluation", "Corpora", "Models",
    ],
    path: "Tests/ProgramTestSupport"),
  // Everything that starts a process and waits for its end.
  module(
    "OneProcessTests", .tests,
    uses: [
      "ProgramTestSupport", "RunTestSupport", "TestSupport", "DistTrainCLI", "Charts", "DistTrain",
      "Checkpoints", "Recipes",
      "Evaluation", "Corpora", "Metrics", "Audio", "Models", "Tensor", "Files", "Platform",
    ]),
  // Everything that starts ranks, or counts on times.
  module(
    "SystemTests", .tests,
    uses: [
      "Exchange", "ProgramTestSupport", "RunTestSupport", "TestSupport", "MPIProbe", "DistTrainCLI",
      "Loading",
      "Launching", "DistTrain", "Checkpoints", "Recipes", "Corpora", "Communication", "Audio",
      "Weights", "Models", "Tensor", "Files", "Platform",
    ]),
]

/// DocC's plugin is needed by scripts/api-docs.sh only: no other build has to fetch it.
let documentation: [Package.Dependency] =
  Context.environment["DISTTRAIN_DOCS"] == nil
  ? [] : [.package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.5.0")]

let package = Package(
  name: "disttrain",
  products: [.executable(name: "disttrain", targets: ["DistTrainCLI"])],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0")
  ] + documentation,
  targets: libraries + modules + tests
)
