/// Changes the sample rate of a whole signal through libsoxr, at its default "high quality"
/// (20-bit precision, linear phase). The result is aligned in time with the source.
package struct Resampler: Sendable {
  private typealias OneShot =
    @convention(c) @Sendable (
      Double, Double, UInt32, UnsafePointer<Float>, Int, UnsafeMutablePointer<Int>,
      UnsafeMutablePointer<Float>, Int, UnsafeMutablePointer<Int>, OpaquePointer?, OpaquePointer?,
      OpaquePointer?
    ) -> UnsafePointer<CChar>?

  private let oneShot: OneShot

  /// Loads the library; throws `CorpusLibraryError.missing` without it.
  package init() throws(CorpusLibraryError) {
    let library = try DynamicLibrary("libsoxr.so.0", package: "libsoxr0")
    oneShot = try library.function("soxr_oneshot", as: OneShot.self)
  }

  /// `waveform` at `sampleRate` hertz, `ceil(count · sampleRate / waveform.sampleRate)` samples;
  /// `path` is for the error's text.
  package func resample(
    _ waveform: Waveform, to sampleRate: Int, path: String
  ) throws(CorpusLibraryError) -> [Float] {
    let source = waveform.samples
    if waveform.sampleRate == sampleRate || source.isEmpty { return source }
    let capacity = (source.count * sampleRate + waveform.sampleRate - 1) / waveform.sampleRate
    var result = [Float](repeating: 0, count: capacity)
    var consumed = 0
    var produced = 0
    let failure = oneShot(
      Double(waveform.sampleRate), Double(sampleRate), 1, source, source.count, &consumed, &result,
      capacity, &produced, nil, nil, nil)
    if let failure { throw .failed(path: path, reason: String(cString: failure)) }
    // A last sample that lies beyond the source stays silent.
    guard produced >= capacity - 1 else {
      throw .failed(path: path, reason: "resampled to \(produced) of \(capacity) samples")
    }
    return result
  }
}
