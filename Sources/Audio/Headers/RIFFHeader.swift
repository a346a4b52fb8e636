/// The header of WAV files: RIFF, its big-endian form RIFX, and RF64 and BW64 with 64-bit lengths.
enum RIFFHeader {
  /// The extent of the `data` chunk; nil if there is none.
  static func extent(_ source: AudioSource, at start: Int) -> SampleExtent? {
    guard let head = source.bytes(at: start, count: 12), head.suffix(4).elementsEqual("WAVE".utf8)
    else { return nil }
    let isBigEndian = head.prefix(4).elementsEqual("RIFX".utf8)
    let walk = ChunkWalk(
      source: source, isBigEndian: isBigEndian, lengthBytes: 4, isPadded: true)
    func number(_ offset: Int, _ count: Int) -> Int? {
      source.bytes(at: offset, count: count).map {
        isBigEndian ? HeaderNumber.big($0) : HeaderNumber.little($0)
      }
    }
    var bytesPerFrame: Int?
    var longSizes: Int?
    var position: Int? = start + 12
    while let offset = position, let chunk = walk.chunk(at: offset) {
      if chunk.isNamed("fmt "), let tag = number(chunk.offset, 2) {
        // Other codecs have blocks of many samples: a frame of theirs has no size.
        let isPlain = [1, 3, 6, 7, 0xFFFE].contains(tag)
        bytesPerFrame = isPlain ? number(chunk.offset + 12, 2).flatMap { $0 > 0 ? $0 : nil } : nil
      } else if chunk.isNamed("ds64"), chunk.byteCount >= 24 {
        longSizes = chunk.offset
      } else if chunk.isNamed("data") {
        var extent: SampleExtent
        if let longSizes, chunk.byteCount == 0xFFFF_FFFF {
          extent = self.extent(source, chunk, longSizes: longSizes, number(longSizes + 8, 8) ?? 0)
        } else {
          extent = self.extent(source, chunk, walk, isBigEndian)
        }
        if head.prefix(4).elementsEqual("BW64".utf8) {
          // RF64 under another name, which libsndfile 1.2.0 does not know.
          extent.patches.append(AudioSource.Patch(offset: start, bytes: Array("RF64".utf8)))
        }
        extent.bytesPerFrame = bytesPerFrame
        return extent
      }
      position = walk.next(chunk)
    }
    return nil
  }

  /// The extent of a `data` chunk with a length of its own.
  private static func extent(
    _ source: AudioSource, _ chunk: ChunkWalk.Chunk, _ walk: ChunkWalk, _ isBigEndian: Bool
  ) -> SampleExtent {
    let found = source.byteCount - chunk.offset
    let isUnknown =
      chunk.byteCount == 0
      ? found > 0 && !walk.isChunks(from: chunk.offset)
      : found < chunk.byteCount && HeaderNumber.isUnknown32(chunk.byteCount)
    guard isUnknown else {
      return SampleExtent(offset: chunk.offset, promise: .bytes(chunk.byteCount))
    }
    let length = min(found, 0xFFFF_FFFE)
    let bytes =
      isBigEndian
      ? HeaderNumber.bigBytes(length, count: 4) : HeaderNumber.littleBytes(length, count: 4)
    return SampleExtent(
      offset: chunk.offset, promise: .toEnd,
      patches: [AudioSource.Patch(offset: chunk.offset - 4, bytes: bytes)])
  }

  /// The extent of a `data` chunk whose length, `byteCount`, is in the chunk `ds64`.
  private static func extent(
    _ source: AudioSource, _ chunk: ChunkWalk.Chunk, longSizes: Int, _ byteCount: Int
  ) -> SampleExtent {
    let found = source.byteCount - chunk.offset
    guard found > 0, byteCount == 0 || HeaderNumber.isUnknown64(byteCount) else {
      return SampleExtent(offset: chunk.offset, promise: .bytes(byteCount))
    }
    // libsndfile refuses a length of the whole file that is unknown, too.
    let sizes =
      HeaderNumber.littleBytes(source.byteCount - 8, count: 8)
      + HeaderNumber.littleBytes(found, count: 8)
    return SampleExtent(
      offset: chunk.offset, promise: .toEnd,
      patches: [AudioSource.Patch(offset: longSizes, bytes: sizes)])
  }
}
