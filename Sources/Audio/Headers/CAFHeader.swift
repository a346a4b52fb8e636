/// The header of Apple's Core Audio Format.
enum CAFHeader {
  /// The extent of the `data` chunk; nil if there is none.
  static func extent(_ source: AudioSource, at start: Int) -> SampleExtent? {
    let walk = ChunkWalk(source: source, isBigEndian: true, lengthBytes: 8, isPadded: false)
    var bytesPerFrame: Int?
    var position: Int? = start + 8
    while let offset = position, let chunk = walk.chunk(at: offset) {
      if chunk.isNamed("desc"), let packet = source.bytes(at: chunk.offset + 16, count: 8) {
        let (bytes, frames) = (HeaderNumber.big(packet[..<4]), HeaderNumber.big(packet[4...]))
        bytesPerFrame = frames == 1 && bytes > 0 ? bytes : nil
      } else if chunk.isNamed("data") {
        var extent = self.extent(source, chunk, walk)
        extent.bytesPerFrame = bytesPerFrame
        return extent
      }
      position = walk.next(chunk)
    }
    return nil
  }

  private static func extent(
    _ source: AudioSource, _ chunk: ChunkWalk.Chunk, _ walk: ChunkWalk
  ) -> SampleExtent {
    // The samples follow the number of edits.
    let offset = min(chunk.offset + 4, source.byteCount)
    let promised = chunk.byteCount - 4
    let found = source.byteCount - offset
    let isUnknown =
      promised <= 0
      ? found > 0 && !walk.isChunks(from: offset) : HeaderNumber.isUnknown64(chunk.byteCount)
    guard isUnknown else { return SampleExtent(offset: offset, promise: .bytes(max(0, promised))) }
    return SampleExtent(
      offset: offset, promise: .toEnd,
      patches: [
        AudioSource.Patch(
          offset: chunk.offset - 8,
          bytes: HeaderNumber.bigBytes(source.byteCount - chunk.offset, count: 8))
      ])
  }
}
