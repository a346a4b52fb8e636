import Audio
import Platform

/// A decoder of ITU-T G.722 at 64 kbit/s, the format of telephone prompts, through spandsp; one
/// byte gives two samples at 16 kHz.
package struct G722Decoder: Sendable {
  private typealias Initialise =
    @convention(c) @Sendable (OpaquePointer?, Int32, Int32) -> OpaquePointer?
  private typealias Decode =
    @convention(c) @Sendable (
      OpaquePointer, UnsafeMutablePointer<Int16>, UnsafePointer<UInt8>, Int32
    )
    -> Int32
  private typealias Release = @convention(c) @Sendable (OpaquePointer) -> Int32

  private let initialise: Initialise
  private let decode: Decode
  private let release: Release

  /// Loads the library.
  ///
  /// - Throws: `DynamicLibraryError.missing` if it is not installed.
  package init() throws(DynamicLibraryError) {
    let library = try DynamicLibrary("libspandsp.so.2", package: "libspandsp2")
    initialise = try library.function("g722_decode_init", as: Initialise.self)
    decode = try library.function("g722_decode", as: Decode.self)
    release = try library.function("g722_decode_release", as: Release.self)
  }

  /// The samples of an encoded stream at 16 kHz.
  ///
  /// - Throws: `DynamicLibraryError.failed`, with `path` as the name of the recording.
  package func samples(of bytes: [UInt8], path: String) throws(DynamicLibraryError) -> [Float] {
    if bytes.isEmpty { return [] }
    guard let state = initialise(nil, 64_000, 0) else {
      throw .failed(path: path, reason: "spandsp has no memory for its state")
    }
    defer { _ = release(state) }
    var integers = [Int16](repeating: 0, count: 2 * bytes.count)
    let count = decode(state, &integers, bytes, Int32(bytes.count))
    guard count == integers.count else {
      throw .failed(
        path: path,
        reason: NumberText.count(bytes.count, "byte") + " gave "
          + NumberText.count(count, "sample") + " and not \(integers.count)")
    }
    return integers.map { Float($0) / 32_768 }
  }
}
