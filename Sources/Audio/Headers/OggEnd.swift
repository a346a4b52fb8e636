/// The end of an Ogg stream.
enum OggEnd {
  /// Whether the last page is whole, as that of a file that was cut seldom is. Its mark as the last
  /// one is not asked for: many whole files lack it.
  static func isThere(_ source: AudioSource) -> Bool {
    // A page has at most 65,307 bytes; text that taggers append is short.
    let count = min(source.byteCount, 131_072)
    guard let tail = source.bytes(at: source.byteCount - count, count: count) else { return false }
    let mark = Array("OggS".utf8)
    for start in stride(from: count - 27, through: 0, by: -1)
    where tail[start] == mark[0] && Array(tail[start..<start + 4]) == mark && tail[start + 4] == 0 {
      let segments = Int(tail[start + 26])
      let table = start + 27
      guard table + segments <= count else { return false }
      let end = tail[table..<table + segments].reduce(table + segments) { $0 + Int($1) }
      return end <= count
    }
    return false
  }
}
