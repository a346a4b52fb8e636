import Files
import Foundation
import Synchronization

/// A known chirp's way through a codec, from which the codec's delay is measured.
///
/// A library that writes and reads the delay into the file (Opus's pre-skip, LAME's tag, Vorbis's
/// granule positions) leaves none, and libsndfile 1.2.0 is one. Another may leave LAME's 576 and
/// the decoder's 529 samples, so this is measured and not assumed.
struct CodecProbe: Equatable, Sendable {
  /// Number of samples by which the output lags behind the input; negative if its begin is missing.
  let delay: Int
  /// The checksum of the decoded chirp: that of everything that computes it, libsndfile, encoder,
  /// decoder and their code for this processor.
  let checksum: CRC32C

  /// Largest delay in either direction that is looked for, in samples.
  private static let reach = 4096
  /// Quality at which the chirp is coded: good enough to know it again, and with the coding noise
  /// in which versions differ.
  private static let quality = 0.5

  /// Measures the codec `coded` of a format.
  ///
  /// - Throws: `CodecError`, also if the chirp does not come back.
  init(
    _ format: CodecFormat, sampleRate: Int, through coded: Codec.Coded
  ) throws(CodecError) {
    let chirp = Self.chirp(sampleRate: sampleRate)
    let decoded = try Codec.run(
      coded, chirp, format, quality: Self.quality, sampleRate: sampleRate)
    checksum = decoded.withUnsafeBytes { CRC32C($0) }
    guard let delay = Self.lag(of: decoded, behind: chirp) else {
      throw .failed(
        format, library: CodedSound.libraryVersion, reason: "a test signal comes back as another")
    }
    self.delay = delay
  }

  /// A chirp of 8,192 samples from 2.5% to 60% of the Nyquist frequency, with peak 0.5 and faded in
  /// and out, between two silences of `reach` samples.
  private static func chirp(sampleRate: Int) -> [Float] {
    let count = 8192
    let silence = [Float](repeating: 0, count: reach)
    return silence
      + (0..<count).map { n in
        let time = Double(n)
        let turns = 0.0125 * time + 0.2875 * time * time / (2 * Double(count))
        let fade = min(1, min(time, Double(count) - time) / 512)
        return Float(0.5 * fade * sin(2 * .pi * turns))
      } + silence
  }

  /// The lag of the greatest correlation; nil if it is below half of what an equal signal has.
  private static func lag(of output: [Float], behind input: [Float]) -> Int? {
    let transform = RealFourierTransform(length: 2 * input.count)
    let output = output.prefix(input.count + reach)
    func spectrum(_ samples: some Collection<Float>) -> [Float] {
      transform.time.update(repeating: 0, count: transform.length)
      for (n, value) in samples.enumerated() { transform.time[n] = value }
      transform.forward()
      return Array(UnsafeBufferPointer(start: transform.spectrum, count: 2 * transform.binCount))
    }
    let (x, y) = (spectrum(input), spectrum(output))
    for bin in 0..<transform.binCount {
      let (re, im) = (2 * bin, 2 * bin + 1)
      transform.spectrum[re] = x[re] * y[re] + x[im] * y[im]
      transform.spectrum[im] = x[re] * y[im] - x[im] * y[re]
    }
    transform.inverse()
    let lags = Array(-reach...reach)
    let values = lags.map { transform.time[$0 < 0 ? transform.length + $0 : $0] }
    guard let best = values.indices.max(by: { values[$0] < values[$1] }) else { return nil }
    func energy(_ samples: some Sequence<Float>) -> Double {
      samples.reduce(0) { $0 + Double($1) * Double($1) }
    }
    let largest = (energy(input) * energy(output)).squareRoot()
    return Double(values[best]) > 0.5 * largest ? lags[best] : nil
  }
}

/// The results of the installed library by format and rate. The delay is that of framing and
/// filters, which a quality does not change, so one measurement serves all qualities.
private let probes = Mutex<[String: CodecProbe]>([:])

extension CodecProbe {
  /// The probe of the installed library, measured at the first use of the format at this rate in
  /// the process.
  static func ofLibrary(_ format: CodecFormat, sampleRate: Int) throws(CodecError) -> CodecProbe {
    let key = "\(format.rawValue) \(sampleRate)"
    // The lock is held meanwhile: encoders fill global tables at their first use.
    let result: Result<CodecProbe, CodecError> = probes.withLock { probes in
      if let probe = probes[key] { return .success(probe) }
      do throws(CodecError) {
        let probe = try CodecProbe(format, sampleRate: sampleRate, through: Codec.library)
        probes[key] = probe
        return .success(probe)
      } catch { return .failure(error) }
    }
    return try result.get()
  }
}
