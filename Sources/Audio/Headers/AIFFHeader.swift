/// The header of AIFF and AIFF-C files.
enum AIFFHeader {
  /// The extent of the `SSND` chunk; nil if there is none.
  static func extent(_ source: AudioSource, at start: Int) -> SampleExtent? {
    let walk = ChunkWalk(source: source, isBigEndian: true, lengthBytes: 4, isPadded: true)
    var bytesPerFrame: Int?
    var extent: SampleExtent?
    var position: Int? = start + 12
    while let offset = position, let chunk = walk.chunk(at: offset) {
      if chunk.isNamed("COMM") {
        bytesPerFrame = self.bytesPerFrame(source, chunk)
      } else if chunk.isNamed("SSND"), let gap = source.bytes(at: chunk.offset, count: 4) {
        extent = self.extent(source, chunk, walk, gap: HeaderNumber.big(gap))
      }
      position = walk.next(chunk)
    }
    extent?.bytesPerFrame = bytesPerFrame
    return extent
  }

  private static func extent(
    _ source: AudioSource, _ chunk: ChunkWalk.Chunk, _ walk: ChunkWalk, gap: Int
  ) -> SampleExtent {
    // The samples follow two numbers, of which the first is the length of a gap.
    let offset = min(chunk.offset + 8 + gap, source.byteCount)
    let promised = chunk.byteCount - (offset - chunk.offset)
    let found = source.byteCount - offset
    let isUnknown =
      promised <= 0
      ? found > 0 && !walk.isChunks(from: offset)
      : found < promised && HeaderNumber.isUnknown32(chunk.byteCount)
    guard isUnknown else { return SampleExtent(offset: offset, promise: .bytes(max(0, promised))) }
    let length = min(source.byteCount - chunk.offset, 0xFFFF_FFFE)
    return SampleExtent(
      offset: offset, promise: .toEnd,
      patches: [
        AudioSource.Patch(
          offset: chunk.offset - 4, bytes: HeaderNumber.bigBytes(length, count: 4))
      ])
  }

  /// Bytes of a frame; nil for codecs with blocks of many samples.
  private static func bytesPerFrame(_ source: AudioSource, _ chunk: ChunkWalk.Chunk) -> Int? {
    guard let channels = source.bytes(at: chunk.offset, count: 2).map(HeaderNumber.big),
      let bits = source.bytes(at: chunk.offset + 6, count: 2).map(HeaderNumber.big),
      channels > 0, bits > 0
    else { return nil }
    guard chunk.byteCount >= 22, let codec = source.bytes(at: chunk.offset + 18, count: 4) else {
      return channels * ((bits + 7) / 8)
    }
    return switch String(decoding: codec, as: UTF8.self).lowercased() {
    case "ulaw", "alaw": channels
    case "none", "twos", "sowt", "raw ", "in24", "in32", "fl32", "fl64": channels * ((bits + 7) / 8)
    default: nil
    }
  }
}
