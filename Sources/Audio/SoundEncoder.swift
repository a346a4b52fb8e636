import CSndfile
import Foundation
import Platform

/// An encoder of mono samples to the bytes of a WAV or FLAC file, piece by piece. The bytes do not
/// depend on the division into pieces.
///
/// libsndfile writes through callbacks, so that every disk error is found in one place, with its
/// errno, and not inside an encoder's last flush.
final class SoundEncoder {
  private let path: String
  private let encoding: WaveFile.Encoding
  /// The user data of the callbacks, to which libsndfile keeps a pointer.
  private let box: TargetBox
  private var handle: OpaquePointer?
  private var sampleCount = 0
  /// Number of samples above full scale that were clamped to it. A sample of exactly 1, which
  /// becomes 32,767, is none.
  private(set) var clippedCount = 0

  /// An encoder of the format that the extension of `path` and the encoding determine.
  init(
    to target: any EncoderTarget, path: String, sampleRate: Int, encoding: WaveFile.Encoding
  ) throws(WaveFileError) {
    let container: Int
    switch (URL(fileURLWithPath: path).pathExtension.lowercased(), encoding) {
    case ("wav", _): container = SF_FORMAT_WAV
    case ("flac", .pcm16): container = SF_FORMAT_FLAC
    case ("flac", .float32):
      throw .unsupportedFormat(path: path, reason: "FLAC holds no float samples; use .wav")
    default: throw .unsupportedFormat(path: path, reason: "the name must end in .wav or .flac")
    }
    let sample = encoding == .pcm16 ? SF_FORMAT_PCM_16 : SF_FORMAT_FLOAT
    var header = SF_INFO(
      frames: 0, samplerate: Int32(sampleRate), channels: 1, format: Int32(container | sample),
      sections: 0, seekable: 0)
    self.path = path
    self.encoding = encoding
    box = TargetBox(target)
    let opened = openSound(
      SFM_WRITE, &header, TargetBox.callbacks, user: Unmanaged.passUnretained(box).toOpaque())
    guard case .open(let stream) = opened else {
      throw .unwritable(path: path, reason: opened.refusal)
    }
    handle = stream
    // The peak chunk contains the time of day: without it equal samples give equal bytes.
    sf_command(handle, Int32(SFC_SET_ADD_PEAK_CHUNK), nil, Int32(SF_FALSE))
  }

  deinit { finish() }

  /// Encodes further samples.
  ///
  /// - Throws: `WaveFileError` if a sample is not finite or the target does not take the bytes.
  func append(_ samples: [Float]) throws(WaveFileError) {
    precondition(handle != nil, "SoundEncoder: appended to \(path), which is finished")
    if let bad = samples.firstIndex(where: { !$0.isFinite }) {
      throw .nonFinite(path: path, index: sampleCount + bad)
    }
    let delivered: sf_count_t
    switch encoding {
    case .pcm16:
      let integers = samples.map(WaveFile.pcm16)
      clippedCount += samples.count { $0.magnitude > 1 }
      delivered = sf_writef_short(handle, integers, sf_count_t(integers.count))
    case .float32:
      delivered = sf_writef_float(handle, samples, sf_count_t(samples.count))
    }
    guard delivered == samples.count else {
      throw .unwritable(
        path: path, reason: "libsndfile refused \(NumberText.count(samples.count, "sample"))")
    }
    sampleCount += samples.count
  }

  /// Writes buffered samples, and completes the header. The target records whether this failed.
  func finish() {
    if handle != nil { sf_close(handle) }
    handle = nil
  }
}
