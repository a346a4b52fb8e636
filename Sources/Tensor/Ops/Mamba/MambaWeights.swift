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

  var all: [Parameter] {
    [
      inProjection, convolutionWeight, convolutionBias, xProjection, stepWeight, stepBias, logDecay,
      skip, outProjection,
    ]
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

/// One direction's weights, transposed and padded for the forward kernels. Made once for each use of
/// a block; the tiles share it.
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

  init(_ parameters: MambaParameters) {
    let sizes = MambaSizes(parameters)
    self.sizes = sizes
    let inner = sizes.inner
    let features = sizes.features

    convolution = Storage(count: sizes.taps * sizes.channels)
    kernels.transpose(
      parameters.convolutionWeight.value, rows: inner, columns: sizes.taps,
      to: convolution.base, rowStride: sizes.channels)
    convolutionBias = Self.vector(parameters.convolutionBias, sizes.channels)
    stepBias = Self.vector(parameters.stepBias, sizes.channels)
    skip = Self.vector(parameters.skip, sizes.channels)
    decay = Storage(count: sizes.scanStates * sizes.channels)
    for channel in 0..<inner {
      for n in 0..<sizes.states {
        let a = -exp(Double(parameters.logDecay.value[channel * sizes.states + n]))
        // The scan's exp2 keeps no other NaN than the plain one.
        decay.base[n * sizes.channels + channel] =
          a.isNaN ? .nan : Float(a * 1.442_695_040_888_963_4)
      }
    }

    inTransposed = Storage(count: features * sizes.gateStride)
    xTransposed = Storage(count: inner * sizes.projectionStride)
    stepTransposed = Storage(count: sizes.rank * sizes.channels)
    outTransposed = Storage(count: inner * sizes.featureStride)
    for part in 0..<2 {
      kernels.transpose(
        parameters.inProjection.value + part * inner * features, rows: inner, columns: features,
        to: inTransposed.base + part * sizes.channels, rowStride: sizes.gateStride)
    }
    var row = 0
    for (at, count) in sizes.projectionParts {
      kernels.transpose(
        parameters.xProjection.value + row * inner, rows: count, columns: inner,
        to: xTransposed.base + at, rowStride: sizes.projectionStride)
      row += count
    }
    kernels.transpose(
      parameters.stepWeight.value, rows: inner, columns: sizes.rank,
      to: stepTransposed.base, rowStride: sizes.channels)
    kernels.transpose(
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

/// One direction's weights for the backward products: as they lie, rows padded.
final class PaddedMamba {
  /// in_proj [x | z, N].
  let inWeight: PaddedMatrix
  /// x_proj [dt | B | C, D].
  let xWeight: PaddedMatrix
  /// dt_proj [D, rank].
  let stepWeight: PaddedMatrix
  /// out_proj [N, D].
  let outWeight: PaddedMatrix

  init(_ parameters: MambaParameters) {
    let sizes = MambaSizes(parameters)
    inWeight = PaddedMatrix(
      parameters.inProjection.value, parts: sizes.inParts, rows: sizes.gateStride,
      columns: sizes.features)
    xWeight = PaddedMatrix(
      parameters.xProjection.value, parts: sizes.projectionParts, rows: sizes.projectionStride,
      columns: sizes.inner)
    stepWeight = PaddedMatrix(
      parameters.stepWeight.value, rows: sizes.inner, columns: sizes.rank)
    outWeight = PaddedMatrix(
      parameters.outProjection.value, rows: sizes.features, columns: sizes.inner)
  }
}

/// The gradient sums of one direction, in the layouts of `PaddedMamba` and `PackedMamba`.
final class MambaGradients {
  private let sizes: MambaSizes
  private let storage: Storage
  /// [x | z, N]
  let inProjection: MutableFloatPointer
  /// [dt | B | C, D]
  let xProjection: MutableFloatPointer
  /// [D, rank]
  let step: MutableFloatPointer
  let stepBias: MutableFloatPointer
  /// [N, D]
  let outProjection: MutableFloatPointer
  /// [taps, D]
  let convolution: MutableFloatPointer
  let convolutionBias: MutableFloatPointer
  /// d/dA [states, D]
  let decay: MutableFloatPointer
  let skip: MutableFloatPointer

  /// Zeros.
  init(_ sizes: MambaSizes) {
    self.sizes = sizes
    let counts = [
      sizes.gateStride * sizes.featureStride, sizes.projectionStride * sizes.channels,
      sizes.channels * sizes.rankStride, sizes.channels, sizes.features * sizes.channels,
      sizes.taps * sizes.channels, sizes.channels, sizes.scanStates * sizes.channels,
      sizes.channels,
    ]
    storage = Storage(count: counts.reduce(0, +))
    inProjection = storage.base
    xProjection = inProjection + counts[0]
    step = xProjection + counts[1]
    stepBias = step + counts[2]
    outProjection = stepBias + counts[3]
    convolution = outProjection + counts[4]
    convolutionBias = convolution + counts[5]
    decay = convolutionBias + counts[6]
    skip = decay + counts[7]
  }

  /// Adds the sums to those of `total` and becomes zero.
  func move(to total: MambaGradients) {
    kernels.add(FloatPointer(storage.base), to: total.storage.base, count: storage.count)
    storage.buffer.update(repeating: 0)
  }

  /// Adds the sums to the parameters' gradients; `packed` holds the decays they were made with.
  func finish(_ parameters: MambaParameters, _ packed: PackedMamba) {
    let inner = sizes.inner
    var row = 0
    for (at, count) in sizes.inParts {
      for i in 0..<count {
        add(
          inProjection + (at + i) * sizes.featureStride,
          to: parameters.inProjection.gradient + row * sizes.features, sizes.features)
        row += 1
      }
    }
    row = 0
    for (at, count) in sizes.projectionParts {
      for i in 0..<count {
        add(
          xProjection + (at + i) * sizes.channels,
          to: parameters.xProjection.gradient + row * inner, inner)
        row += 1
      }
    }
    for feature in 0..<sizes.features {
      add(
        outProjection + feature * sizes.channels,
        to: parameters.outProjection.gradient + feature * inner, inner)
    }
    for channel in 0..<inner {
      add(
        step + channel * sizes.rankStride,
        to: parameters.stepWeight.gradient + channel * sizes.rank, sizes.rank)
      for tap in 0..<sizes.taps {
        parameters.convolutionWeight.gradient[channel * sizes.taps + tap] +=
          convolution[tap * sizes.channels + channel]
      }
      for n in 0..<sizes.states {
        // dA/dA_log = A
        let at = n * sizes.channels + channel
        parameters.logDecay.gradient[channel * sizes.states + n] +=
          decay[at] * (packed.decay.base[at] * 0.693_147_2)
      }
    }
    add(stepBias, to: parameters.stepBias.gradient, inner)
    add(convolutionBias, to: parameters.convolutionBias.gradient, inner)
    add(skip, to: parameters.skip.gradient, inner)
  }

  private func add(_ x: MutableFloatPointer, to y: MutableFloatPointer, _ count: Int) {
    kernels.add(FloatPointer(x), to: y, count: count)
  }
}

extension MambaSizes {
  /// The padded place and number of in_proj's rows: x, then z.
  var inParts: [(at: Int, count: Int)] { [(0, inner), (channels, inner)] }

  /// Column and width of the parts of x_proj's output: dt, B, C.
  var projectionParts: [(at: Int, count: Int)] {
    [(0, rank), (rankStride, states), (rankStride + stateStride, states)]
  }
}
