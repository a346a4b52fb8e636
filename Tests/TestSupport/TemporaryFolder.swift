import Foundation
import Synchronization

/// A temporary folder for one test, removed with this object.
public final class TemporaryFolder {
  /// Path of the folder.
  public let path: String

  /// Makes an empty folder.
  public init() throws {
    path =
      FileManager.default.temporaryDirectory
      .appending(path: "audio-tests-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// The path of a file in it.
  public func file(_ name: String) -> String { path + "/" + name }

  /// Makes a folder in it.
  public func makeFolder(_ name: String) throws {
    try FileManager.default.createDirectory(atPath: file(name), withIntermediateDirectories: true)
  }

  /// Writes a file into it.
  public func write(_ bytes: [UInt8], _ name: String) throws {
    try Data(bytes).write(to: URL(fileURLWithPath: file(name)))
  }

  /// Truncates a file to its first `count` bytes.
  public func truncate(_ name: String, to count: Int) throws {
    let bytes = try Data(contentsOf: URL(fileURLWithPath: file(name)))
    try write([UInt8](bytes.prefix(count)), name)
  }

  /// The length of a file.
  public func byteCount(_ name: String) throws -> Int {
    try Data(contentsOf: URL(fileURLWithPath: file(name))).count
  }
}

/// Reproducible uniform samples in ±`amplitude`.
public func noise(_ count: Int, seed: UInt64 = 1, amplitude: Float = 0.5) -> [Float] {
  var state = seed
  return (0..<count).map { _ in
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return amplitude * (Float(state >> 40) / Float(1 << 23) - 1)
  }
}

/// The float32 tensors of a safetensors file, with flat values.
public func goldenTensors(_ name: String) throws -> [String: (shape: [Int], values: [Float])] {
  let data = try Data(contentsOf: fixturesFolder.appending(path: "golden/\(name).safetensors"))
  let headerLength = data.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
  struct Entry: Decodable {
    var shape: [Int]?
    var data_offsets: [Int]?
  }
  let header = try JSONDecoder().decode(
    [String: Entry].self, from: data.subdata(in: 8..<8 + headerLength))
  return header.reduce(into: [:]) { tensors, item in
    guard let shape = item.value.shape, let offsets = item.value.data_offsets else { return }
    let bytes = [UInt8](data[8 + headerLength + offsets[0]..<8 + headerLength + offsets[1]])
    tensors[item.key] = (
      shape, bytes.withUnsafeBytes { [Float]($0.assumingMemoryBound(to: Float.self)) }
    )
  }
}

/// A counter that threads may share.
public final class Counter: Sendable {
  private let count = Mutex(0)

  /// Starts at 0.
  public init() {}

  /// The number counted so far.
  public var value: Int { count.withLock { $0 } }
  /// Adds 1.
  public func increment() { count.withLock { $0 += 1 } }
}
