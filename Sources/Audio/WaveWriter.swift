import Platform

/// Writes a mono WAV or FLAC file piece by piece, in memory that does not grow with the file.
///
/// The file has the bytes that `WaveFile.write` would write, and appears under its name when
/// `finish` has returned; until then a file that had the name before stays. Without `finish`
/// nothing is left.
public final class WaveWriter {
  private let file: EncodedFile
  private let encoder: SoundEncoder
  private let path: String
  private let sampleCount: Int
  private var appended = 0

  /// Number of samples so far that exceed full scale and were clamped to it; 0 for floats.
  public var clippedCount: Int { encoder.clippedCount }

  /// Starts a file of `sampleCount` samples at `sampleRate` hertz.
  ///
  /// - Throws: `WaveFileError` if the extension of `path` is neither .wav nor .flac, the format
  ///   cannot hold the samples, or the folder cannot be written.
  public init(
    path: String, sampleRate: Int, sampleCount: Int, encoding: WaveFile.Encoding = .pcm16
  ) throws(WaveFileError) {
    precondition(sampleCount >= 0, "WaveWriter: \(sampleCount) samples")
    let byteCount = sampleCount * (encoding == .pcm16 ? 2 : 4)
    if path.lowercased().hasSuffix(".wav"), byteCount > WaveFile.largestDataChunk {
      let hours = WaveFile.largestDataChunk / (byteCount / sampleCount) / sampleRate / 3600
      throw .unsupportedFormat(
        path: path,
        reason: "a .wav file holds 4 GiB, which is \(NumberText.count(hours, "hour")) of these "
          + "samples; use " + (encoding == .pcm16 ? ".flac" : "16-bit samples"))
    }
    self.path = path
    self.sampleCount = sampleCount
    file = try EncodedFile(path: path)
    encoder = try SoundEncoder(
      to: file, path: path, sampleRate: sampleRate, encoding: encoding)
  }

  /// Adds samples.
  ///
  /// - Throws: `WaveFileError` if a sample is not finite or the disk cannot be written.
  public func append(_ samples: [Float]) throws(WaveFileError) {
    do {
      try encoder.append(samples)
    } catch {
      // The reason of the file system is more precise than the encoder's.
      try file.check()
      throw error
    }
    try file.check()
    appended += samples.count
  }

  /// Completes the file and gives it its name.
  ///
  /// - Throws: `WaveFileError.unwritable`.
  public func finish() throws(WaveFileError) {
    precondition(
      appended == sampleCount, "WaveWriter: \(appended) samples for \(path), not \(sampleCount)")
    encoder.finish()
    try file.publish()
  }
}

extension WaveFile {
  /// Largest number of bytes of samples that the 32-bit sizes of a WAV file allow beside the rest
  /// of the file.
  static let largestDataChunk = Int(UInt32.max) - 1024
}
