import Audio
import Files
import Foundation
import Platform

/// An open file with many recordings.
///
/// The file is read and not mapped. If it has lost its end, or its server is gone, a read returns
/// fewer bytes or an error, which can be reported; access to a mapped page would kill the process
/// with SIGBUS and without a message. Every block is read whole and compared with its checksum.
///
/// Each instance serves one thread.
final class PackedFile {
  let path: String
  private let descriptor: Int32
  /// Bytes of the blocks that were read last.
  private var scratch = UnsafeMutableRawBufferPointer(start: nil, count: 0)
  /// Their checksums, as the file has them.
  private var checksums: [UInt32] = []

  init(path: String, byteCount: Int) throws(WaveFileError) {
    self.path = path
    descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      if errno == ENOENT || errno == ENOTDIR { throw .missing(path: path) }
      throw .unreadable(path: path, reason: String(cString: strerror(errno)))
    }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      throw .unreadable(path: path, reason: String(cString: strerror(errno)))
    }
    // The comparison also finds an incomplete copy on another machine.
    guard Int(status.st_size) == byteCount else {
      throw .unreadable(
        path: path,
        reason: "it has \(NumberText.count(Int(status.st_size), "byte")) on this machine, but had "
          + "\(byteCount) when the corpus was inspected")
    }
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
    scratch.deallocate()
  }

  /// Samples `range` of the recording.
  ///
  /// - Throws: `WaveFileError` if the file cannot be read, a block with some of the samples is
  ///   damaged, or a sample is not finite.
  func samples(
    _ range: Range<Int>, of stretch: PackedRecording, acceptsNonFinite: Bool
  ) throws(WaveFileError) -> [Float] {
    if range.isEmpty { return [] }
    let blocks =
      range.lowerBound / stretch.blockSampleCount..<(range.upperBound - 1)
      / stretch.blockSampleCount + 1
    let bytes = try read(blocks, of: stretch)
    if let block = firstDamage(bytes, blocks, of: stretch, from: blocks.lowerBound) {
      throw .damaged(path: stretch.label, block: block, range: stretch.samples(ofBlock: block))
    }
    let lead = range.lowerBound - blocks.lowerBound * stretch.blockSampleCount
    let width = stretch.encoding.byteCount
    let wanted = UnsafeRawBufferPointer(
      rebasing: bytes.dropFirst(lead * width).prefix(range.count * width))
    let samples = [Float](unsafeUninitializedCapacity: range.count) { target, count in
      switch stretch.encoding {
      case .int16:
        let scale: Float = 1 / 32_768
        for i in 0..<range.count {
          let sample = wanted.load(fromByteOffset: 2 * i, as: Int16.self)
          target[i] = Float(Int16(littleEndian: sample)) * scale
        }
      case .float32:
        for i in 0..<range.count {
          let bits = wanted.load(fromByteOffset: 4 * i, as: UInt32.self)
          target[i] = Float(bitPattern: UInt32(littleEndian: bits))
        }
      }
      count = range.count
    }
    if stretch.encoding == .float32, !acceptsNonFinite,
      let bad = samples.firstIndex(where: { !$0.isFinite })
    {
      throw .nonFinite(path: stretch.label, index: range.lowerBound + bad)
    }
    return samples
  }

  /// Numbers of the blocks of the recording that do not match their checksums.
  func damagedBlocks(of stretch: PackedRecording) throws(WaveFileError) -> [Int] {
    var damaged: [Int] = []
    // Reading some megabytes at a time bounds the memory, since a recording may have any length.
    for start in stride(from: 0, to: stretch.blockCount, by: 64) {
      var blocks = start..<min(start + 64, stretch.blockCount)
      let bytes = try read(blocks, of: stretch)
      var rest = bytes
      while let block = firstDamage(rest, blocks, of: stretch, from: start) {
        damaged.append(block)
        blocks = block + 1..<blocks.upperBound
        rest = UnsafeRawBufferPointer(
          rebasing: bytes.dropFirst((block + 1 - start) * stretch.blockByteCount))
      }
    }
    return damaged
  }

  /// The first of `blocks`, whose bytes are `bytes`, that does not match its checksum, of which the
  /// first that was read is that of block `first`.
  private func firstDamage(
    _ bytes: UnsafeRawBufferPointer, _ blocks: Range<Int>, of stretch: PackedRecording,
    from first: Int
  ) -> Int? {
    var rest = bytes[...]
    return blocks.first { block in
      let own = rest.prefix(stretch.blockByteCount)
      rest = rest.dropFirst(own.count)
      return CRC32C(UnsafeRawBufferPointer(rebasing: own)).value != checksums[block - first]
    }
  }

  /// Reads the bytes of some blocks, which stay valid until the next call, and their checksums.
  private func read(
    _ blocks: Range<Int>, of stretch: PackedRecording
  ) throws(WaveFileError) -> UnsafeRawBufferPointer {
    let width = stretch.encoding.byteCount
    let first = blocks.lowerBound * stretch.blockSampleCount
    let sampleCount = min(blocks.upperBound * stretch.blockSampleCount, stretch.sampleCount) - first
    let byteCount = sampleCount * width
    if scratch.count < byteCount {
      scratch.deallocate()
      scratch = .allocate(byteCount: byteCount, alignment: 64)
    }
    checksums = [UInt32](repeating: 0, count: blocks.count)
    let table = stretch.checksumsOffset + 4 * blocks.lowerBound
    let found = try checksums.withUnsafeMutableBytes { target in
      Result { () throws(WaveFileError) in try fill(target, at: table, of: stretch) }
    }.get()
    guard found == 4 * blocks.count else {
      throw .unreadable(path: stretch.label, reason: "its checksums are beyond the end of the file")
    }
    for index in checksums.indices { checksums[index] = UInt32(littleEndian: checksums[index]) }
    let bytes = UnsafeMutableRawBufferPointer(rebasing: scratch.prefix(byteCount))
    let filled = try fill(bytes, at: stretch.offset + first * width, of: stretch)
    if filled < byteCount {
      throw .truncated(
        path: stretch.label, expected: stretch.sampleCount, found: first + filled / width)
    }
    return UnsafeRawBufferPointer(bytes)
  }

  /// Fills `target` from `offset` on, and returns the number of bytes up to the end of the file.
  private func fill(
    _ target: UnsafeMutableRawBufferPointer, at offset: Int, of stretch: PackedRecording
  ) throws(WaveFileError) -> Int {
    var filled = 0
    while filled < target.count {
      let count = pread(
        descriptor, target.baseAddress.map { $0 + filled }, target.count - filled,
        off_t(offset + filled))
      if count < 0 && errno == EINTR { continue }
      if count < 0 {
        throw .unreadable(path: stretch.label, reason: String(cString: strerror(errno)))
      }
      if count == 0 { break }
      filled += count
    }
    return filled
  }
}
