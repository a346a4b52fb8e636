import CFFTW
import Synchronization

/// Forward and inverse FFT of real signals of one length in double precision through FFTW, with its
/// own aligned work arrays.
///
/// An instance serves one thread at a time: write `time`, call `forward`, read `spectrum`; or write
/// `spectrum`, call `inverse`, read `time`. Both transforms are unscaled, so a round trip
/// multiplies by the length; `inverse` destroys `spectrum`.
package final class DoubleFourierTransform {
  /// Number of real samples.
  package let length: Int
  /// Number of complex bins, `length / 2 + 1`.
  package let binCount: Int
  /// The real samples, [length], which `forward` does not change.
  package let time: UnsafeMutablePointer<Double>
  /// The bins as pairs (re, im), [binCount, 2].
  package let spectrum: UnsafeMutablePointer<Double>
  private let forwardPlan: fftw_plan
  private let inversePlan: fftw_plan

  /// Plans transforms of `length` real samples.
  package init(length: Int) {
    precondition(
      length > 0 && length <= Int(Int32.max), "DoubleFourierTransform: length \(length)")
    self.length = length
    binCount = length / 2 + 1
    guard let time = fftw_alloc_real(length), let bins = fftw_alloc_complex(binCount) else {
      preconditionFailure("DoubleFourierTransform: out of memory for length \(length)")
    }
    self.time = time
    spectrum = UnsafeMutableRawPointer(bins).assumingMemoryBound(to: Double.self)
    // FFTW_ESTIMATE picks one plan in every run, so results are reproducible bit for bit.
    let plans = plannerLock.withLock { _ in
      (
        UInt(
          bitPattern: fftw_plan_dft_r2c_1d(
            Int32(length), time, bins, UInt32(FFTW_ESTIMATE) | UInt32(FFTW_PRESERVE_INPUT))),
        UInt(bitPattern: fftw_plan_dft_c2r_1d(Int32(length), bins, time, UInt32(FFTW_ESTIMATE)))
      )
    }
    guard let forward = fftw_plan(bitPattern: plans.0),
      let inverse = fftw_plan(bitPattern: plans.1)
    else { preconditionFailure("DoubleFourierTransform: FFTW cannot plan length \(length)") }
    forwardPlan = forward
    inversePlan = inverse
  }

  deinit {
    plannerLock.withLock { _ in
      fftw_destroy_plan(forwardPlan)
      fftw_destroy_plan(inversePlan)
    }
    fftw_free(time)
    fftw_free(spectrum)
  }

  /// Transforms `time` to `spectrum`, unscaled.
  package func forward() { fftw_execute(forwardPlan) }

  /// Transforms `spectrum` to `time`, unscaled. Destroys `spectrum`.
  package func inverse() { fftw_execute(inversePlan) }
}
