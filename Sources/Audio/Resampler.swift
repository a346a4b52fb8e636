import Platform

/// Changes the sample rate of a whole signal through libsoxr, with linear phase, so that the result
/// is aligned in time with the source.
package struct Resampler: Sendable {
  /// The filter's response.
  package enum Quality: Sendable {
    /// libsoxr's "high quality": at a third of the rate the response is flat within 0.1 dB up to
    /// 0.931 of the new Nyquist frequency, 3 dB down at 0.950, and 127 dB down from 1 upwards.
    case high
    /// libsoxr's "low quality", the default of `soxr_oneshot`: 0.1 dB down at 0.732 of the new
    /// Nyquist frequency, 3 dB at 0.811, and 102 dB from 1 upwards.
    case low
  }

  /// The struct `soxr_quality_spec_t` of soxr.h. Swift lays out the fields one after another as C
  /// does, all of them eight bytes long.
  private struct Specification {
    var precision: Double
    var phaseResponse: Double
    var passbandEnd: Double
    var stopbandBegin: Double
    var reserved: UInt = 0
    var flags: UInt = 0

    /// The numbers of the library's recipe SOXR_HQ (version 0.1.3), copied here so that another
    /// version of the library cannot change the corpus: 20 bits, linear phase, roll-off of less
    /// than 0.01 dB.
    static let high = Specification(
      precision: 20, phaseResponse: 50, passbandEnd: 0.9137436532733066, stopbandBegin: 1)
  }

  private typealias OneShot =
    @convention(c) @Sendable (
      Double, Double, UInt32, UnsafePointer<Float>, Int, UnsafeMutablePointer<Int>,
      UnsafeMutablePointer<Float>, Int, UnsafeMutablePointer<Int>, UnsafeRawPointer?,
      UnsafeRawPointer?, UnsafeRawPointer?
    ) -> UnsafePointer<CChar>?

  private let oneShot: OneShot
  private let quality: Quality

  /// Loads the library.
  ///
  /// - Throws: `DynamicLibraryError.missing` if it is not installed.
  package init(_ quality: Quality) throws(DynamicLibraryError) {
    let library = try DynamicLibrary("libsoxr.so.0", package: "libsoxr0")
    oneShot = try library.function("soxr_oneshot", as: OneShot.self)
    self.quality = quality
  }

  /// The waveform at `sampleRate` hertz, `ceil(count · sampleRate / waveform.sampleRate)` samples.
  ///
  /// - Throws: `DynamicLibraryError.failed`, with `path` as the name of the recording.
  package func resample(
    _ waveform: Waveform, to sampleRate: Int, path: String
  ) throws(DynamicLibraryError) -> [Float] {
    let source = waveform.samples
    if waveform.sampleRate == sampleRate || source.isEmpty { return source }
    let capacity = (source.count * sampleRate + waveform.sampleRate - 1) / waveform.sampleRate
    var result = [Float](repeating: 0, count: capacity)
    var consumed = 0
    var produced = 0
    var specification = Specification.high
    let failure = withUnsafePointer(to: &specification) { specification in
      oneShot(
        Double(waveform.sampleRate), Double(sampleRate), 1, source, source.count, &consumed,
        &result, capacity, &produced, nil, quality == .high ? UnsafeRawPointer(specification) : nil,
        nil)
    }
    if let failure { throw .failed(path: path, reason: String(cString: failure)) }
    // A last sample beyond the source stays zero.
    guard produced >= capacity - 1 else {
      throw .failed(
        path: path, reason: "resampled to \(produced) of \(NumberText.count(capacity, "sample"))")
    }
    return result
  }
}
