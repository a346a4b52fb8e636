/// An open audio file, whose header has been compared with the length of the file.
final class WaveReader {
  let path: String
  let info: WaveInfo
  private let source: AudioSource
  private let handle: SoundHandle
  /// All samples of a stream that does not say its length, and so has to be decoded to be counted.
  private let decoded: [Float]?

  /// Opens the file at `path`, or a file in memory with the given bytes.
  init(path: String, bytes: [UInt8]? = nil) throws(WaveFileError) {
    let source = if let bytes { AudioSource(bytes) } else { try AudioSource(path: path) }
    if source.byteCount == 0 { throw .empty(path: path) }
    let handle = try Self.open(source, path: path)
    let decoded = handle.frameCount > 1 << 40 ? handle.readAll() : nil
    self.handle = handle
    self.decoded = decoded
    info = WaveInfo(
      sampleCount: decoded.map { $0.count / handle.channelCount } ?? handle.frameCount,
      sampleRate: handle.sampleRate, channelCount: handle.channelCount, isPCM16: handle.isPCM16)
    self.path = path
    self.source = source
    if decoded != nil, handle.hasFailed {
      throw .undecodable(path: path, index: info.sampleCount, sampleCount: nil)
    }
    if info.sampleCount <= 0 { throw .empty(path: path) }
  }

  /// Opens a file whose format is known and that holds the samples that its header promises.
  private static func open(
    _ source: AudioSource, path: String
  ) throws(WaveFileError) -> SoundHandle {
    guard let header = AudioHeader(source) else {
      if let failure = source.failure { throw .unreadable(path: path, reason: failure) }
      if let contents = ForeignContents.description(source) {
        throw .foreign(path: path, contents: contents)
      }
      throw .unreadable(path: path, reason: "it is none of \(AudioHeader.formats)")
    }
    if case .ogg = header, !OggEnd.isThere(source) { throw .endMissing(path: path) }
    guard case .extent(let extent) = header else { return try SoundHandle(source, path: path) }
    source.patches = extent.patches
    let opened = Result { () throws(WaveFileError) in try SoundHandle(source, path: path) }
    // Checked first, since libsndfile refuses some files that were cut without saying why.
    let frameCount = (try? opened.get())?.frameCount
    try requireWhole(extent, byteCount: source.byteCount, frameCount: frameCount, path: path)
    return try opened.get()
  }

  /// Throws `WaveFileError.truncated` if the header promises more than the file holds; `frameCount`
  /// is the length that libsndfile has made of it.
  private static func requireWhole(
    _ extent: SampleExtent, byteCount: Int, frameCount: Int?, path: String
  ) throws(WaveFileError) {
    guard case .bytes(let promised) = extent.promise else { return }
    let found = max(0, byteCount - extent.offset)
    // Writers that count a padding, and forget it, are no reason for a refusal: no whole frame is
    // missing, or one byte. A block of a codec may be thousands of samples.
    let missing = promised - found
    if missing <= 0 { return }
    if let bytesPerFrame = extent.bytesPerFrame, missing < max(2, bytesPerFrame) { return }
    // A damaged header may say that there are no channels.
    if let bytesPerFrame = extent.bytesPerFrame, bytesPerFrame > 0 {
      throw .truncated(
        path: path, expected: promised / bytesPerFrame, found: found / bytesPerFrame)
    }
    guard let frameCount, frameCount > 0, frameCount < 1 << 40, found > 0 else {
      throw .truncatedBytes(path: path, expected: promised, found: found)
    }
    // A codec of constant bit rate.
    let expected = Double(frameCount) * (Double(promised) / Double(found))
    throw .truncated(path: path, expected: Int(min(expected, 1e18)), found: frameCount)
  }

  func requireMono(sampleRate: Int?) throws(WaveFileError) {
    if info.channelCount != 1 {
      throw .multiChannel(path: path, channelCount: info.channelCount)
    }
    if let sampleRate { try info.require(sampleRate: sampleRate, path: path) }
  }

  /// Samples `range` of all channels, interleaved.
  func read(
    _ range: Range<Int>, acceptsNonFinite: Bool = false
  ) throws(WaveFileError) -> [Float] {
    guard range.lowerBound >= 0, range.upperBound <= info.sampleCount else {
      throw .outOfRange(path: path, range: range, sampleCount: info.sampleCount)
    }
    if range.isEmpty { return [] }
    let samples = try samples(range)
    if !acceptsNonFinite, let bad = samples.firstIndex(where: { !$0.isFinite }) {
      throw .nonFinite(path: path, index: range.lowerBound + bad / info.channelCount)
    }
    return samples
  }

  private func samples(_ range: Range<Int>) throws(WaveFileError) -> [Float] {
    let channels = info.channelCount
    if let decoded {
      return Array(decoded[range.lowerBound * channels..<range.upperBound * channels])
    }
    guard range.lowerBound == 0 || handle.seek(to: range.lowerBound) else {
      throw fault(at: range.lowerBound)
    }
    let samples = handle.read(range.count)
    if samples.count < range.count * channels {
      throw fault(at: range.lowerBound + samples.count / channels)
    }
    return samples
  }

  /// The reason for which sample `index` cannot be read: the end of the file is not there, or
  /// something before it is damaged.
  private func fault(at index: Int) -> WaveFileError {
    if let failure = source.failure { return .unreadable(path: path, reason: failure) }
    let count = info.sampleCount
    var first = index
    var isEndThere = false
    do {
      first = try SoundHandle(source, path: path).readAll().count / info.channelCount
      let end = try SoundHandle(source, path: path)
      isEndThere = end.seek(to: count - 1) && end.read(1).count == info.channelCount
    } catch {
      return error
    }
    if isEndThere {
      let place = first < count ? first : index
      return .undecodable(path: path, index: place, sampleCount: count)
    }
    return .truncated(path: path, expected: count, found: first)
  }
}
