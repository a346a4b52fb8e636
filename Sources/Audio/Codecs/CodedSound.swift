import CSndfile
import Foundation

/// A signal's way through a format of libsndfile, in memory. Nothing is taken out or checked here
/// but whether libsndfile does what it is asked.
package enum CodedSound {
  /// The name and version of libsndfile, `libsndfile-1.2.0`.
  package static let libraryVersion = String(cString: sf_version_string())

  /// Samples that libsndfile gets at once. The samples that Vorbis gives depend on it: the first
  /// block is extrapolated backwards.
  private static let blockLength = 8192

  /// The samples as libsndfile decodes them after encoding: all that come.
  ///
  /// - Parameter code: the code of container and encoding, another one than `format.code` in tests.
  package static func throughLibrary(
    _ samples: [Float], _ format: CodecFormat, quality: Double, sampleRate: Int, code: Int? = nil
  ) throws(CodecError) -> [Float] {
    let bytes = try encode(
      samples, format, quality: quality, sampleRate: sampleRate, code: code ?? format.code)
    func failure(_ reason: String) -> CodecError {
      .failed(format, library: libraryVersion, reason: reason)
    }
    let sound: SoundHandle
    do throws(WaveFileError) {
      sound = try SoundHandle(AudioSource(bytes), path: format.rawValue)
    } catch { throw failure(error.reason) }
    guard sound.sampleRate == sampleRate, sound.channelCount == 1 else {
      throw failure("its sample rate is \(sound.sampleRate) Hz now")
    }
    let decoded = sound.readAll()
    if sound.hasFailed { throw failure("the samples from \(decoded.count) on are not decoded") }
    return decoded
  }

  /// The bytes of the file that holds the samples.
  private static func encode(
    _ samples: [Float], _ format: CodecFormat, quality: Double, sampleRate: Int, code: Int
  ) throws(CodecError) -> [UInt8] {
    let bytes = EncodedBytes()
    let box = TargetBox(bytes)
    var header = SF_INFO(
      frames: 0, samplerate: Int32(sampleRate), channels: 1, format: Int32(code), sections: 0,
      seekable: 0)
    let opened = openSound(
      SFM_WRITE, &header, TargetBox.callbacks, user: Unmanaged.passUnretained(box).toOpaque())
    guard case .open(let stream) = opened else {
      throw .unavailable(format, library: libraryVersion, reason: opened.refusal)
    }
    var reason: String?
    if !setQuality(quality, format, of: stream) { reason = "it refuses the quality" }
    for start in stride(from: 0, to: samples.count, by: blockLength) where reason == nil {
      let count = min(blockLength, samples.count - start)
      let written = samples.withUnsafeBufferPointer {
        sf_writef_float(stream, $0.baseAddress.map { $0 + start }, sf_count_t(count))
      }
      if written != count { reason = String(cString: sf_strerror(stream)) }
    }
    // libsndfile writes the last samples and the length here, through the box.
    let fault = withExtendedLifetime(box) { sf_close(stream) }
    if fault != 0, reason == nil { reason = String(cString: sf_error_number(fault)) }
    if let reason { throw .failed(format, library: libraryVersion, reason: reason) }
    return bytes.bytes
  }

  /// Sets the quality. Returns false if libsndfile refuses.
  private static func setQuality(
    _ quality: Double, _ format: CodecFormat, of stream: OpaquePointer
  ) -> Bool {
    // LAME's worst quality is V9.999; it refuses V10.
    var quality = format == .mp3 ? max(quality, 0.0001) : quality
    return sf_command(
      stream, Int32(SFC_SET_VBR_ENCODING_QUALITY), &quality, Int32(MemoryLayout<Double>.size))
      == SF_TRUE
  }
}

/// The bytes of an encoder in memory.
private final class EncodedBytes: EncoderTarget {
  private(set) var bytes: [UInt8] = []
  var position = 0

  var byteCount: Int { bytes.count }

  func write(_ new: UnsafeRawBufferPointer) -> Int {
    let end = position + new.count
    if bytes.count < end { bytes.append(contentsOf: repeatElement(0, count: end - bytes.count)) }
    bytes.withUnsafeMutableBytes {
      UnsafeMutableRawBufferPointer(rebasing: $0[position..<end]).copyMemory(from: new)
    }
    position = end
    return new.count
  }
}
