import Foundation
import KernelAPI

/// The parameters of one Mamba direction; names, shapes and meaning are mamba_ssm's.
public struct MambaParameters {
  /// [2D, N], no bias.
  public let inProjection: Parameter
  /// [D, 1, taps].
  public let convolutionWeight: Parameter
  /// [D].
  public let convolutionBias: Parameter
  /// [dt_rank + 2·d_state, D], no bias.
  public let xProjection: Parameter
  /// [D, dt_rank].
  public let stepWeight: Parameter
  /// [D].
  public let stepBias: Parameter
  /// A_log [D, d_state]; A = −exp(A_log).
  public let logDecay: Parameter
  /// D [D].
  public let skip: Parameter
  /// [N, D], no bias.
  public let outProjection: Parameter

  /// Collects the parameters of one direction.
  public init(
    inProjection: Parameter, convolutionWeight: Parameter, convolutionBias: Parameter,
    xProjection: Parameter, stepWeight: Parameter, stepBias: Parameter, logDecay: Parameter,
    skip: Parameter, outProjection: Parameter
  ) {
    self.inProjection = inProjection
    self.convolutionWeight = convolutionWeight
    self.convolutionBias = convolutionBias
    self.xProjection = xProjection
    self.stepWeight = stepWeight
    self.stepBias = stepBias
    self.logDecay = logDecay
    self.skip = skip
    self.outProjection = outProjection
  }
}

/// The sizes of a Mamba and of its rows inside a tile, where everything is padded to vectors.
struct MambaSizes {
  let features: Int
  let inner: Int
  let states: Int
  let taps: Int
  let rank: Int
  /// Padded N and D.
  let featureStride: Int
  let channels: Int
  /// A row of x_proj's output is [rank | B | C], each padded.
  let rankStride: Int
  let stateStride: Int
  /// States that the scan walks.
  let scanStates: Int

  init(_ parameters: MambaParameters) {
    inner = parameters.inProjection.shape[0] / 2
    features = parameters.inProjection.shape[1]
    taps = parameters.convolutionWeight.shape[2]
    rank = parameters.stepWeight.shape[1]
    states = parameters.logDecay.shape[1]
    featureStride = paddedToLanes(features)
    channels = paddedToLanes(inner)
    rankStride = paddedToLanes(rank)
    stateStride = paddedToLanes(states)
    scanStates = (states + 3) / 4 * 4
  }

  var projectionStride: Int { rankStride + 2 * stateStride }
  var gateStride: Int { 2 * channels }
}

/// One direction's weights, transposed and padded for the forward kernels, and padded for the
/// backward ones. Made once for each use of a block; the tiles share it.
final class PackedMamba {
  let sizes: MambaSizes
  /// [N, x | z]
  let inTransposed: Storage
  /// [taps, D]
  let convolution: Storage
  let convolutionBias: Storage
  /// [D, rank | B | C]
  let xTransposed: Storage
  /// [rank, D]
  let stepTransposed: Storage
  let stepBias: Storage
  /// [states, D]: A·log₂e
  let decay: Storage
  let skip: Storage
  /// [D, N]
  let outTransposed: Storage
  private let parameters: MambaParameters

  init(_ parameters: MambaParameters) {
    let sizes = MambaSizes(parameters)
    self.sizes = sizes
    self.parameters = parameters
    let inner = sizes.inner
    let features = sizes.features

    inTransposed = Storage(count: features * sizes.gateStride)
    for part in 0..<2 {
      let source = parameters.inProjection.value + part * inner * features
      transpose(
        source, rows: inner, columns: features,
        to: inTransposed.base + part * sizes.channels, rowStride: sizes.gateStride)
    }
    convolution = Storage(count: sizes.taps * sizes.channels)
    transpose(
      parameters.convolutionWeight.value, rows: inner, columns: sizes.taps,
      to: convolution.base, rowStride: sizes.channels)
    convolutionBias = Self.vector(parameters.convolutionBias, sizes.channels)

    xTransposed = Storage(count: inner * sizes.projectionStride)
    var row = 0
    for (at, count) in sizes.projectionParts {
      transpose(
        parameters.xProjection.value + row * inner, rows: count, columns: inner,
        to: xTransposed.base + at, rowStride: sizes.projectionStride)
      row += count
    }
    stepTransposed = Storage(count: sizes.rank * sizes.channels)
    transpose(
      parameters.stepWeight.value, rows: inner, columns: sizes.rank,
      to: stepTransposed.base, rowStride: sizes.channels)
    stepBias = Self.vector(parameters.stepBias, sizes.channels)

    decay = Storage(count: sizes.scanStates * sizes.channels)
    for channel in 0..<inner {
      for n in 0..<sizes.states {
        let a = -exp(Double(parameters.logDecay.value[channel * sizes.states + n]))
        decay.base[n * sizes.channels + channel] = Float(a * 1.442_695_040_888_963_4)
      }
    }
    skip = Self.vector(parameters.skip, sizes.channels)
    outTransposed = Storage(count: inner * sizes.featureStride)
    transpose(
      parameters.outProjection.value, rows: features, columns: inner,
      to: outTransposed.base, rowStride: sizes.featureStride)
  }

  var scan: ScanParameters {
    ScanParameters(
      channels: sizes.channels, states: sizes.scanStates, decay: FloatPointer(decay.base),
      skip: FloatPointer(skip.base))
  }

  private static func vector(_ parameter: Parameter, _ count: Int) -> Storage {
    let storage = Storage(count: count)
    storage.base.update(from: parameter.value, count: parameter.count)
    return storage
  }
}

extension MambaSizes {
  /// Column and width of the parts of x_proj's output: dt, B, C.
  var projectionParts: [(at: Int, count: Int)] {
    [(0, rank), (rankStride, states), (rankStride + stateStride, states)]
  }
}

/// The backward kernels' weights of one direction (padded, not transposed) and its gradient sums.
final class MambaGradients {
  private let parameters: MambaParameters
  private let sizes: MambaSizes
  /// in_proj [x | z, N], x_proj [dt | B | C, D], dt_proj [D, rank], out_proj [N, D].
  let inWeight: Storage
  let xWeight: Storage
  let stepWeight: Storage
  let outWeight: PaddedMatrix
  /// Gradient sums in the same layouts.
  let inGradient: Storage
  let xGradient: Storage
  let stepGradient: Storage
  let stepBiasGradient: Storage
  let outGradient: GradientTarget
  let convolutionGradient: Storage
  let convolutionBiasGradient: Storage
  let decayGradient: Storage
  let skipGradient: Storage

  init(_ parameters: MambaParameters) {
    self.parameters = parameters
    let sizes = MambaSizes(parameters)
    self.sizes = sizes
    inWeight = Storage(count: sizes.gateStride * sizes.featureStride)
    for row in 0..<2 * sizes.inner {
      (inWeight.base + sizes.inRow(row) * sizes.featureStride).update(
        from: parameters.inProjection.value + row * sizes.features, count: sizes.features)
    }
    xWeight = Storage(count: sizes.projectionStride * sizes.channels)
    var row = 0
    for (at, count) in sizes.projectionParts {
      for i in 0..<count {
        (xWeight.base + (at + i) * sizes.channels).update(
          from: parameters.xProjection.value + row * sizes.inner, count: sizes.inner)
        row += 1
      }
    }
    stepWeight = Storage(count: sizes.inner * sizes.rankStride)
    for channel in 0..<sizes.inner {
      (stepWeight.base + channel * sizes.rankStride).update(
        from: parameters.stepWeight.value + channel * sizes.rank, count: sizes.rank)
    }
    outWeight = PaddedMatrix(
      parameters.outProjection.value, rows: sizes.features, columns: sizes.inner)
    outGradient = GradientTarget(
      parameters.outProjection.gradient, rows: sizes.features, columns: sizes.inner)
    inGradient = Storage(count: inWeight.count)
    xGradient = Storage(count: xWeight.count)
    stepGradient = Storage(count: sizes.channels * sizes.rankStride)
    stepBiasGradient = Storage(count: sizes.channels)
    convolutionGradient = Storage(count: sizes.taps * sizes.channels)
    convolutionBiasGradient = Storage(count: sizes.channels)
    decayGradient = Storage(count: sizes.scanStates * sizes.channels)
    skipGradient = Storage(count: sizes.channels)
  }

  /// Adds the sums to the parameters' gradients.
  func finish() {
    let inner = sizes.inner
    for row in 0..<2 * inner {
      add(
        inGradient.base + sizes.inRow(row) * sizes.featureStride,
        to: parameters.inProjection.gradient + row * sizes.features, sizes.features)
    }
    var row = 0
    for (at, count) in sizes.projectionParts {
      for i in 0..<count {
        add(
          xGradient.base + (at + i) * sizes.channels,
          to: parameters.xProjection.gradient + row * inner, inner)
        row += 1
      }
    }
    for channel in 0..<inner {
      add(
        stepGradient.base + channel * sizes.rankStride,
        to: parameters.stepWeight.gradient + channel * sizes.rank, sizes.rank)
      for tap in 0..<sizes.taps {
        parameters.convolutionWeight.gradient[channel * sizes.taps + tap] +=
          convolutionGradient.base[tap * sizes.channels + channel]
      }
      for n in 0..<sizes.states {
        // dA/dA_log = A
        let at = channel * sizes.states + n
        parameters.logDecay.gradient[at] -=
          decayGradient.base[n * sizes.channels + channel] * exp(parameters.logDecay.value[at])
      }
    }
    add(stepBiasGradient.base, to: parameters.stepBias.gradient, inner)
    add(convolutionBiasGradient.base, to: parameters.convolutionBias.gradient, inner)
    add(skipGradient.base, to: parameters.skip.gradient, inner)
    outGradient.finish()
  }

  private func add(_ x: MutableFloatPointer, to y: MutableFloatPointer, _ count: Int) {
    kernels.add(FloatPointer(x), to: y, count: count)
  }
}

extension MambaSizes {
  /// The padded place of a row of in_proj: x rows first, z rows from `channels` on.
  func inRow(_ row: Int) -> Int { row < inner ? row : channels + row - inner }
}
