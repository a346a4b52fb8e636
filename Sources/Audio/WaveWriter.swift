import Platform

/// Writes a mono WAV or FLAC file piece by piece, in memory that does not grow with it.
///
/// The file has the bytes that `WaveFile.write` would give it, and appears under its name when
/// `finish` has returned; without that nothing of it stays. What had the name before is there
/// until then.
public final class WaveWriter {
  private let file: UnfinishedFile
  private let encoder: SoundEncoder
  private let path: String
  private let sampleCount: Int
  private var appended = 0

  /// Starts a file of `sampleCount` samples at `sampleRate` hertz.
  ///
  /// Throws when the extension of `path` is neither .wav nor .flac, when the format cannot hold the
  /// samples, and when the folder cannot be written.
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
    file = try UnfinishedFile(path: path)
    encoder = try SoundEncoder(
      to: file, path: path, sampleRate: sampleRate, encoding: encoding)
  }

  /// Adds samples. Throws when one is not finite, and when the disk refuses.
  public func append(_ samples: [Float]) throws(WaveFileError) {
    do {
      try encoder.append(samples)
    } catch {
      // The disk's reason says more than the encoder's.
      try file.check()
      throw error
    }
    try file.check()
    appended += samples.count
  }

  /// Completes the file and gives it its name. Throws when the disk refuses.
  public func finish() throws(WaveFileError) {
    precondition(
      appended == sampleCount, "WaveWriter: \(appended) samples for \(path), not \(sampleCount)")
    encoder.finish()
    try file.publish()
  }
}

extension WaveFile {
  /// Bytes of samples that a WAV file's 32-bit sizes can count, the rest of the file taken off.
  static let largestDataChunk = Int(UInt32.max) - 1024
}
