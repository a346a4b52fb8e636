import Foundation
import KernelAPI

/// The sizes of a Mamba, and of its rows inside a tile, where everything is padded to vectors.
struct MambaSizes {
  /// N.
  let features: Int
  /// D.
  let inner: Int
  let states: Int
  let taps: Int
  /// dt_rank.
  let rank: Int

  init(_ parameters: MambaParameters) {
    inner = parameters.inProjection.shape[0] / 2
    features = parameters.inProjection.shape[1]
    taps = parameters.convolution.weight.shape[2]
    rank = parameters.deltaProjection.weight.shape[1]
    states = parameters.aLog.shape[1]
  }

  /// D with padding.
  var channels: Int { paddedToLanes(inner) }
  /// Width of in_proj's output [x | z], each padded.
  var inWidth: Int { 2 * channels }
  /// Width of x_proj's output [delta | B | C], each padded.
  var xWidth: Int { paddedToLanes(rank) + 2 * paddedToLanes(states) }

  /// Column and width of the parts of in_proj's output: x, z.
  var inParts: [(at: Int, count: Int)] { [(0, inner), (channels, inner)] }
  /// Column and width of the parts of x_proj's output: delta, B, C.
  var xParts: [(at: Int, count: Int)] {
    let b = paddedToLanes(rank)
    return [(0, rank), (b, states), (b + paddedToLanes(states), states)]
  }
}

/// One direction's weights, transposed and padded for the forward kernels; the tiles share them.
struct PackedMamba {
  /// [N, x | z].
  let inProjection: PaddedMatrix
  /// [D, delta | B | C].
  let xProjection: PaddedMatrix
  /// [dt_rank, D].
  let deltaProjection: PaddedMatrix
  /// [D, N].
  let outProjection: PaddedMatrix
  private let deltaBiasVector: PaddedMatrix
  private let convolutionWeight: PaddedMatrix
  private let convolutionBias: PaddedMatrix
  private let scaledA: PaddedMatrix
  private let d: PaddedMatrix

  init(_ parameters: MambaParameters, _ sizes: MambaSizes) {
    func transposed(
      _ parameter: Parameter, _ rows: Int, _ columns: Int, parts: [(at: Int, count: Int)]? = nil
    ) -> PaddedMatrix {
      PaddedMatrix(transposing: parameter.value, parts: parts, rows: rows, columns: columns)
    }
    func vector(_ parameter: Parameter) -> PaddedMatrix {
      PaddedMatrix(parameter.value, count: sizes.inner)
    }
    inProjection = transposed(
      parameters.inProjection, sizes.inWidth, sizes.features, parts: sizes.inParts)
    xProjection = transposed(
      parameters.xProjection, sizes.xWidth, sizes.inner, parts: sizes.xParts)
    deltaProjection = transposed(parameters.deltaProjection.weight, sizes.inner, sizes.rank)
    outProjection = transposed(parameters.outProjection, sizes.features, sizes.inner)
    convolutionWeight = transposed(parameters.convolution.weight, sizes.inner, sizes.taps)
    convolutionBias = vector(parameters.convolution.bias)
    deltaBiasVector = vector(parameters.deltaProjection.bias)
    d = vector(parameters.d)
    let aLog = parameters.aLog.value
    scaledA = PaddedMatrix(rows: paddedScanStates(sizes.states), columns: sizes.inner) {
      n, channel in
      guard n < sizes.states else { return 0 }
      let a = -exp(Double(aLog[channel * sizes.states + n]))
      // The scan's exp2 keeps no other NaN than the plain one.
      return a.isNaN ? .nan : Float(a * MathConstants.log2E)
    }
  }

  var deltaBias: FloatPointer { FloatPointer(deltaBiasVector.view.base) }
  var convolution: ConvolutionWeights {
    ConvolutionWeights(weight: convolutionWeight.view, bias: convolutionBias.view.base)
  }
  var scan: ScanParameters { ScanParameters(a: scaledA.view, d: d.view.base) }
}

/// One direction's weights for the backward products: as they lie, rows padded.
struct PaddedMamba {
  /// [x | z, N].
  let inProjection: PaddedMatrix
  /// [delta | B | C, D].
  let xProjection: PaddedMatrix
  /// [D, dt_rank].
  let deltaProjection: PaddedMatrix
  /// [N, D].
  let outProjection: PaddedMatrix

  init(_ parameters: MambaParameters, _ sizes: MambaSizes) {
    inProjection = PaddedMatrix(
      parameters.inProjection.value, parts: sizes.inParts, rows: sizes.inWidth,
      columns: sizes.features)
    xProjection = PaddedMatrix(
      parameters.xProjection.value, parts: sizes.xParts, rows: sizes.xWidth, columns: sizes.inner)
    deltaProjection = PaddedMatrix(
      parameters.deltaProjection.weight.value, rows: sizes.inner, columns: sizes.rank)
    outProjection = PaddedMatrix(
      parameters.outProjection.value, rows: sizes.features, columns: sizes.inner)
  }
}

/// The gradient sums of one direction, in the layouts of `PaddedMamba` and `PackedMamba`.
struct MambaSums {
  /// [x | z, N].
  let inProjection: MatrixView
  /// [delta | B | C, D].
  let xProjection: MatrixView
  /// [D, dt_rank].
  let deltaProjection: MatrixView
  let deltaBias: MutableFloatPointer
  /// [N, D].
  let outProjection: MatrixView
  /// [taps, D] and [D].
  let convolution: ConvolutionGradients
  /// d/dA [states, D].
  let a: MatrixView
  let d: MutableFloatPointer
  private let sizes: MambaSizes

  init(_ parts: inout SlabCarver, _ sizes: MambaSizes) {
    self.sizes = sizes
    inProjection = parts.matrix(rows: sizes.inWidth, columns: sizes.features)
    xProjection = parts.matrix(rows: sizes.xWidth, columns: sizes.inner)
    deltaProjection = parts.matrix(rows: sizes.inner, columns: sizes.rank)
    deltaBias = parts.vector(sizes.inner)
    outProjection = parts.matrix(rows: sizes.features, columns: sizes.inner)
    convolution = ConvolutionGradients(
      weight: parts.matrix(rows: sizes.taps, columns: sizes.inner), bias: parts.vector(sizes.inner))
    a = parts.matrix(rows: paddedScanStates(sizes.states), columns: sizes.inner)
    d = parts.vector(sizes.inner)
  }

  /// Adds the sums to the parameters' gradients; `packed` holds the A that they were made with.
  func finish(_ parameters: MambaParameters, _ packed: PackedMamba) {
    func add(_ sums: MatrixView, parts: [(at: Int, count: Int)], to parameter: Parameter) {
      var gradient = parameter.gradient
      for (at, count) in parts {
        sums.rows(from: at, count: count).add(to: gradient)
        gradient += count * sums.columns
      }
    }
    add(inProjection, parts: sizes.inParts, to: parameters.inProjection)
    add(xProjection, parts: sizes.xParts, to: parameters.xProjection)
    deltaProjection.add(to: parameters.deltaProjection.weight.gradient)
    outProjection.add(to: parameters.outProjection.gradient)
    for (sum, parameter) in [
      (deltaBias, parameters.deltaProjection.bias),
      (convolution.bias, parameters.convolution.bias), (d, parameters.d),
    ] { kernels.add(sum, to: parameter.gradient, count: sizes.inner) }
    let scaledA = packed.scan.a
    for channel in 0..<sizes.inner {
      for tap in 0..<sizes.taps {
        parameters.convolution.weight.gradient[channel * sizes.taps + tap] +=
          convolution.weight.row(tap)[channel]
      }
      for n in 0..<sizes.states {
        // dA/dA_log = A
        parameters.aLog.gradient[channel * sizes.states + n] +=
          a.row(n)[channel] * (scaledA.row(n)[channel] * Float(MathConstants.ln2))
      }
    }
  }
}
