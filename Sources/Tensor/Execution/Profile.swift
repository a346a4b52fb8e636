import Foundation

/// Time and work of the parts of a step, added up by the operations.
///
/// Each kernel call of a part is measured with two clock readings of some 20 ns; without a profile
/// no clock is read.
public final class Profile {
  /// A part of a step that is measured separately.
  public enum Part: Int, CaseIterable, Sendable {
    case bandSplit
    case layerNorm
    case inProjection
    case convolution
    case xProjection
    case deltaProjection
    case softplus
    case scan
    case outProjection
    case groupNorm
    case lstm
    case lstmWeights
    case lstmOutput
    case mlp
    case convolution2d
    case instanceNorm
    case gelu
    case residual
    case weights
    case decoderNorm
    case decoderHidden
    case decoderTanh
    case decoderMask
    case decoderGate
    case loss
    case gradients
    case exchange
    case clip
    case adam
    case loading
    case discriminator
    case labels

    /// The part's name in tables.
    public var title: String {
      switch self {
      case .bandSplit: "band split"
      case .layerNorm: "LayerNorm"
      case .inProjection: "in_proj"
      case .convolution: "conv1d + SiLU"
      case .xProjection: "x_proj"
      case .deltaProjection: "dt_proj"
      case .softplus: "softplus"
      case .scan: "scan + gate"
      case .outProjection: "out_proj"
      case .groupNorm: "GroupNorm"
      case .lstm: "LSTM steps"
      case .lstmWeights: "LSTM weight gradients"
      case .lstmOutput: "LSTM fc"
      case .mlp: "MLP fc"
      case .convolution2d: "conv2d"
      case .instanceNorm: "InstanceNorm + PReLU"
      case .gelu: "residual + GELU"
      case .residual: "residual, rows"
      case .weights: "weight layouts"
      case .decoderNorm: "decoder GroupNorm"
      case .decoderHidden: "decoder fc1"
      case .decoderTanh: "decoder tanh"
      case .decoderMask: "decoder fc2"
      case .decoderGate: "decoder GLU + filter"
      case .loss: "loss"
      case .gradients: "gradient sums"
      case .exchange: "all-reduce"
      case .clip: "clip"
      case .adam: "Adam"
      case .loading: "loading, STFT"
      case .discriminator: "discriminator"
      case .labels: "waiting for labels"
      }
    }
  }

  /// The pass in which a part runs.
  public enum Pass: Int, CaseIterable, Sendable {
    case forward
    case backward
    /// Forward work that backward recomputes.
    case recompute
  }

  /// The work of a part, from which the bounds of its speed follow.
  public struct Work: Sendable {
    /// Floating-point operations of the matrix products that the mathematics needs; a multiply-add
    /// counts as two.
    public var productFlops = 0.0
    /// Vector arithmetic, in lanes times instructions that need a multiply-add port.
    public var laneOperations = 0.0
    /// Number of bytes read and written, each array once.
    public var bytes = 0.0

    /// No work, for parts that are only timed.
    public static let uncounted = Work()

    /// Work of a product C[m, n] = A[m, k]·B[k, n].
    public static func product(_ m: Int, _ n: Int, _ k: Int) -> Work {
      Work(productFlops: 2 * Double(m) * Double(n) * Double(k))
    }

    /// Work of a pass over `elements` floats that reads or writes each of `arrays` arrays once,
    /// with `operations` arithmetic instructions for each vector.
    public static func pass(
      _ elements: Int, arrays: Double, operations: Double = 0
    ) -> Work {
      Work(
        laneOperations: operations * Double(elements), bytes: 4 * arrays * Double(elements))
    }

    /// The sum of both works.
    public static func + (a: Work, b: Work) -> Work {
      Work(
        productFlops: a.productFlops + b.productFlops,
        laneOperations: a.laneOperations + b.laneOperations, bytes: a.bytes + b.bytes)
    }
  }

  /// The sums of one part and pass.
  public struct Entry: Sendable {
    /// Wall time, in seconds.
    public var seconds = 0.0
    /// Number of measurements.
    public var calls = 0
    /// Work done in that time.
    public var work = Work()
  }

  private var entries = Array(
    repeating: Entry(), count: Part.allCases.count * Pass.allCases.count)

  /// Empty sums.
  public init() {}

  /// Time and work of one part in one pass.
  public subscript(part: Part, pass: Pass) -> Entry {
    get { entries[part.rawValue * Pass.allCases.count + pass.rawValue] }
    set { entries[part.rawValue * Pass.allCases.count + pass.rawValue] = newValue }
  }
}

extension Profile? {
  /// Runs `body`, and adds its time and work to the profile if there is one.
  @inline(__always)
  public func measure<Result>(
    _ part: Profile.Part, _ pass: Profile.Pass, _ work: @autoclosure () -> Profile.Work,
    _ body: () throws -> Result
  ) rethrows -> Result {
    guard let profile = self else { return try body() }
    let start = nanoseconds()
    let result = try body()
    let seconds = Double(nanoseconds() - start) * 1e-9
    var entry = profile[part, pass]
    entry.seconds += seconds
    entry.calls += 1
    entry.work = entry.work + work()
    profile[part, pass] = entry
    return result
  }
}

/// Monotonic time in nanoseconds.
private func nanoseconds() -> UInt64 {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}
