import CZlib
import Foundation

/// An encoder of pictures with indexed colours as PNG files (ISO/IEC 15948), in memory.
enum PNG {
  /// A colour as red, green and blue.
  struct Colour {
    let red: UInt8
    let green: UInt8
    let blue: UInt8
  }

  /// Bytes of the file of a picture with `width` × `height` pixels, row by row from the top, each
  /// an index into `palette`, which has at most 256 colours.
  static func encode(width: Int, height: Int, pixels: [UInt8], palette: [Colour]) -> [UInt8] {
    precondition(
      width > 0 && height > 0 && pixels.count == width * height
        && (1...256).contains(palette.count),
      "PNG: \(pixels.count) pixels for \(width) × \(height), \(palette.count) colours")
    var rows: [UInt8] = []
    rows.reserveCapacity((width + 1) * height)
    for row in 0..<height {
      // Filter 0, because neighbouring indices of a palette do not predict each other.
      rows.append(0)
      rows += pixels[row * width..<(row + 1) * width]
    }
    let size = bigEndian(width) + bigEndian(height)
    return [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]
      // 8 bits per pixel, colours from a palette, the only compression and filter method, no
      // interlace.
      + chunk("IHDR", size + [8, 3, 0, 0, 0])
      + chunk("PLTE", palette.flatMap { [$0.red, $0.green, $0.blue] })
      + chunk("IDAT", compressed(rows)) + chunk("IEND", [])
  }

  private static func chunk(_ name: String, _ content: [UInt8]) -> [UInt8] {
    let body = Array(name.utf8) + content
    let checksum = crc32(0, body, UInt32(body.count))
    return bigEndian(content.count) + body + bigEndian(Int(checksum))
  }

  private static func bigEndian(_ value: Int) -> [UInt8] {
    [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
  }

  private static func compressed(_ bytes: [UInt8]) -> [UInt8] {
    var size = compressBound(UInt(bytes.count))
    var target = [UInt8](repeating: 0, count: Int(size))
    let status = compress2(&target, &size, bytes, UInt(bytes.count), 9)
    precondition(status == Z_OK, "PNG: zlib's status \(status)")
    return Array(target.prefix(Int(size)))
  }
}
