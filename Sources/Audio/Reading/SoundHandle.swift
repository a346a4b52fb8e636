import CSndfile

/// A file that libsndfile decodes from a source.
final class SoundHandle {
  /// Number of samples of a channel according to libsndfile; the largest possible one if the
  /// stream does not say.
  let frameCount: Int
  let sampleRate: Int
  let channelCount: Int
  let isPCM16: Bool
  private let handle: OpaquePointer
  /// The user data of the callbacks, to which libsndfile keeps a pointer.
  private let source: AudioSource

  /// Opens `source`, from its first byte.
  init(_ source: AudioSource, path: String) throws(WaveFileError) {
    source.rewind()
    self.source = source
    var header = SF_INFO()
    let opened = openSound(
      SFM_READ, &header, AudioSource.callbacks, user: Unmanaged.passUnretained(source).toOpaque())
    guard case .open(let handle) = opened else {
      throw .unreadable(path: path, reason: source.failure ?? Self.reason(opened.refusal))
    }
    self.handle = handle
    frameCount = Int(header.frames)
    sampleRate = Int(header.samplerate)
    channelCount = Int(header.channels)
    isPCM16 = Int(header.format) & Int(SF_FORMAT_SUBMASK) == Int(SF_FORMAT_PCM_16)
  }

  deinit { sf_close(handle) }

  /// The reason of libsndfile for not opening a file, in words for people.
  private static func reason(_ text: String) -> String {
    let known = [
      ("SF_INFO", "its header makes no sense"), ("unimplemented", "its encoding is not supported"),
      ("not recognised", "its format is not recognised"),
    ]
    return known.first { text.contains($0.0) }?.1 ?? text
  }

  /// Moves to sample `index`. Returns false if that is not possible.
  func seek(to index: Int) -> Bool {
    sf_seek(handle, sf_count_t(index), SEEK_SET) == sf_count_t(index)
  }

  /// Up to `count` further samples of all channels, interleaved; fewer at the end and where a
  /// sample cannot be decoded.
  ///
  /// Memory follows what is there: a damaged header may promise any number.
  func read(_ count: Int) -> [Float] {
    if count <= Self.blockLength { return readBlock(count) }
    var samples: [Float] = []
    while samples.count / channelCount < count {
      let block = readBlock(min(Self.blockLength, count - samples.count / channelCount))
      if block.isEmpty { break }
      samples += block
    }
    return samples
  }

  /// Samples of a channel for which memory is taken at once: 65 s at 16 kHz.
  private static let blockLength = 1 << 20

  private func readBlock(_ count: Int) -> [Float] {
    [Float](unsafeUninitializedCapacity: count * channelCount) { buffer, filled in
      let delivered = sf_readf_float(handle, buffer.baseAddress, sf_count_t(count))
      filled = max(0, Int(delivered)) * channelCount
    }
  }

  /// All further samples that can be decoded.
  func readAll() -> [Float] {
    var samples: [Float] = []
    while true {
      let block = read(65_536)
      if block.isEmpty { return samples }
      samples += block
    }
  }

  /// Whether the last read met something that is damaged.
  var hasFailed: Bool { sf_error(handle) != 0 }
}
