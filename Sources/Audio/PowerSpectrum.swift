import CFFTW
import Synchronization

/// The power spectrum of real signals of one length, in double precision through FFTW, with its own
/// aligned work arrays.
///
/// An instance serves one thread at a time: write `time`, call `transform`, read `power`.
public final class PowerSpectrum {
  /// Number of real samples.
  public let length: Int
  /// Number of bins, `length / 2 + 1`.
  public let binCount: Int
  /// The real samples, [length], which a transform does not change.
  public let time: UnsafeMutablePointer<Double>
  /// The powers |X[k]|², [binCount], unscaled.
  public let power: UnsafeMutablePointer<Double>
  private let spectrum: UnsafeMutablePointer<fftw_complex>
  private let plan: fftw_plan

  /// Plans transforms of `length` real samples, which are zeros initially.
  public init(length: Int) {
    precondition(length > 0, "PowerSpectrum: length \(length)")
    self.length = length
    binCount = length / 2 + 1
    guard let time = fftw_alloc_real(length), let bins = fftw_alloc_complex(binCount) else {
      preconditionFailure("PowerSpectrum: out of memory for length \(length)")
    }
    self.time = time
    spectrum = bins
    power = .allocate(capacity: binCount)
    // FFTW_ESTIMATE picks one plan in every run, so results are reproducible bit for bit.
    let made = plannerLock.withLock { _ in
      UInt(
        bitPattern: fftw_plan_dft_r2c_1d(
          Int32(length), time, bins, UInt32(FFTW_ESTIMATE) | UInt32(FFTW_PRESERVE_INPUT)))
    }
    guard let plan = fftw_plan(bitPattern: made) else {
      preconditionFailure("PowerSpectrum: FFTW cannot plan length \(length)")
    }
    self.plan = plan
    time.update(repeating: 0, count: length)
    power.initialize(repeating: 0, count: binCount)
  }

  deinit {
    plannerLock.withLock { _ in fftw_destroy_plan(plan) }
    fftw_free(time)
    fftw_free(spectrum)
    power.deallocate()
  }

  /// Transforms `time` to `power`.
  public func transform() {
    fftw_execute(plan)
    UnsafeMutableRawPointer(spectrum).withMemoryRebound(to: Double.self, capacity: 2 * binCount) {
      for k in 0..<binCount { power[k] = $0[2 * k] * $0[2 * k] + $0[2 * k + 1] * $0[2 * k + 1] }
    }
  }
}
