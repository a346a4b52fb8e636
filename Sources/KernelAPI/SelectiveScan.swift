/// The recurrence parameters of one selective scan over D channels.
public struct ScanParameters {
  /// A·log₂e [states, D], with which exp(delta·A) is one exp2. The number of states is that of
  /// `paddedScanStates`: rows of zeros behind the true ones.
  public let a: MatrixView
  /// The skip weight D of each channel.
  public let d: FloatPointer

  /// Parameters of [states, D] and [D] that the caller keeps in memory.
  public init(a: MatrixView, d: FloatPointer) {
    self.a = a
    self.d = d
  }
}

/// The inputs of one selective scan over the rows of a tile.
public struct ScanInputs {
  /// The convolved and activated input x [rows, D], rows side by side.
  public let x: MatrixView
  /// The step sizes delta after softplus [rows, D], rows side by side.
  public let delta: MatrixView
  /// The gate z before its SiLU [rows, D].
  public let z: MatrixView
  /// B [rows, states].
  public let b: MatrixView
  /// C [rows, states], rows as far apart as those of B.
  public let c: MatrixView

  /// Inputs of equally many rows.
  public init(x: MatrixView, delta: MatrixView, z: MatrixView, b: MatrixView, c: MatrixView) {
    self.x = x
    self.delta = delta
    self.z = z
    self.b = b
    self.c = c
  }
}

/// The outputs of the backward scan.
public struct ScanGradients {
  /// d/dx [rows, D], overwritten, rows side by side.
  public let x: MatrixView
  /// d/d(delta before softplus) [rows, D], overwritten, rows side by side.
  public let delta: MatrixView
  /// d/dz [rows, D], overwritten.
  public let z: MatrixView
  /// d/dB [rows, states], overwritten.
  public let b: MatrixView
  /// d/dC [rows, states], overwritten.
  public let c: MatrixView
  /// The gated output y·SiLU(z) [rows, D], computed here again for the gradient of out_proj's
  /// weight; rows side by side.
  public let gatedOutput: MatrixView
  /// d/dA [states, D], added to.
  public let a: MatrixView
  /// d/dD of each channel, added to.
  public let d: MutableFloatPointer

  /// Gradients of equally many rows, and the two sums that the kernel adds to.
  public init(
    x: MatrixView, delta: MatrixView, z: MatrixView, b: MatrixView, c: MatrixView,
    gatedOutput: MatrixView, a: MatrixView, d: MutableFloatPointer
  ) {
    self.x = x
    self.delta = delta
    self.z = z
    self.b = b
    self.c = c
    self.gatedOutput = gatedOutput
    self.a = a
    self.d = d
  }
}

/// The steps of an interval: the scan keeps its state every so often, and backward computes the
/// steps between again.
public let scanCheckpointInterval = 16

/// Number of kept states for a sequence of `length` steps.
public func scanCheckpointCount(length: Int) -> Int {
  (length + scanCheckpointInterval - 1) / scanCheckpointInterval
}

/// States that the scan walks, four at a time: `states` rounded up.
public func paddedScanStates(_ states: Int) -> Int { (states + 3) / 4 * 4 }

/// Buffers of one thread for the selective scan, forward or backward.
///
/// The products lie a few lines beside multiples of a page: loads and stores a whole number of
/// pages apart would wait for each other.
public struct ScanScratch {
  /// Quantities of each step of an interval for one vector of channels [8, step, 16]; forward needs
  /// the first three.
  public let steps: MutableFloatPointer
  /// Four states before each step of an interval and after the last [step + 1, 4, 16].
  public let states: MutableFloatPointer
  /// exp(delta·A) of four states at each step [step, 4, 16].
  public let decays: MutableFloatPointer
  /// g·delta·x of each step and state, added up over vectors of channels [step, states, 16].
  public let productB: MutableFloatPointer
  /// dy·h, likewise.
  public let productC: MutableFloatPointer
  /// The states h after the last step, or exp(delta·A)·g of the step after [states, D].
  public let carried: MutableFloatPointer
  /// The most negative A of each channel.
  public let fastest: MutableFloatPointer

  /// The next parts of `parts`, for a scan of so many channels, and states of `paddedScanStates`.
  public init(_ parts: inout SlabCarver, channels: Int, states: Int) {
    let interval = scanCheckpointInterval * laneCount
    let besidePages = 4 * laneCount
    steps = parts.vector(8 * interval)
    self.states = parts.vector(4 * (interval + laneCount))
    decays = parts.vector(4 * interval)
    productB = parts.vector(states * interval + besidePages)
    productC = parts.vector(states * interval + besidePages)
    carried = parts.vector(states * paddedToLanes(channels))
    fastest = parts.vector(channels)
  }
}
