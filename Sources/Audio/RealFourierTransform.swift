import CFFTW
import Synchronization

/// The lock of FFTW's planner, for both precisions: planning is not thread-safe, but executing a
/// plan is.
let plannerLock = Mutex<Void>(())

/// Forward and inverse FFT of real signals of one length through FFTW, with its own aligned work
/// arrays.
///
/// An instance serves one thread at a time: write `time`, call `forward`, read `spectrum`; or write
/// `spectrum`, call `inverse`, read `time`. The forward transform is unscaled; `inverse` divides by
/// the length and destroys `spectrum`.
public final class RealFourierTransform {
  /// Number of real samples.
  public let length: Int
  /// Number of complex bins, `length / 2 + 1`.
  public let binCount: Int
  /// The real samples, [length].
  public let time: UnsafeMutablePointer<Float>
  /// The bins as pairs (re, im), [binCount, 2].
  public let spectrum: UnsafeMutablePointer<Float>
  private let forwardPlan: fftwf_plan
  private let inversePlan: fftwf_plan

  /// Plans transforms of `length` real samples.
  public init(length: Int) {
    precondition(length > 0, "RealFourierTransform: length \(length)")
    self.length = length
    binCount = length / 2 + 1
    guard let time = fftwf_alloc_real(length), let bins = fftwf_alloc_complex(binCount) else {
      preconditionFailure("RealFourierTransform: out of memory for length \(length)")
    }
    self.time = time
    spectrum = UnsafeMutableRawPointer(bins).assumingMemoryBound(to: Float.self)
    // FFTW_ESTIMATE picks one plan in every run, so results are reproducible bit for bit.
    let plans = plannerLock.withLock { _ in
      (
        UInt(bitPattern: fftwf_plan_dft_r2c_1d(Int32(length), time, bins, UInt32(FFTW_ESTIMATE))),
        UInt(bitPattern: fftwf_plan_dft_c2r_1d(Int32(length), bins, time, UInt32(FFTW_ESTIMATE)))
      )
    }
    guard let forward = fftwf_plan(bitPattern: plans.0),
      let inverse = fftwf_plan(bitPattern: plans.1)
    else { preconditionFailure("RealFourierTransform: FFTW cannot plan length \(length)") }
    forwardPlan = forward
    inversePlan = inverse
  }

  deinit {
    plannerLock.withLock { _ in
      fftwf_destroy_plan(forwardPlan)
      fftwf_destroy_plan(inversePlan)
    }
    fftwf_free(time)
    fftwf_free(spectrum)
  }

  /// Transforms `time` to `spectrum`, unscaled.
  public func forward() { fftwf_execute(forwardPlan) }

  /// Transforms `spectrum` to `time`, divided by the length. Destroys `spectrum`.
  public func inverse() {
    fftwf_execute(inversePlan)
    let scale = 1 / Float(length)
    for i in 0..<length { time[i] *= scale }
  }
}
