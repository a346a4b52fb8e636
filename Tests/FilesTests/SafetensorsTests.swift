import Files
import Foundation
import Testing
import TestSupport

/// The bytes of a file with this header and as many data bytes.
private func bytes(header: String, dataBytes: Int = 0) -> Data {
  var data = withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Data($0) }
  data.append(contentsOf: Array(header.utf8))
  data.append(Data(repeating: 0x3f, count: dataBytes))
  return data
}

/// Metadata and awkward tensors: odd names, no axes, no elements, special values.
private let awkward = SafetensorsFile(
  entries: [
    .init(
      name: "b.weight", shape: [2, 3],
      values: [1, -0.0, .infinity, .leastNonzeroMagnitude, -2.5, 3]),
    .init(name: "a", shape: [], values: [Float(bitPattern: 0x7fc1_2345)]),
    .init(name: "leer", shape: [0, 4], values: []),
    .init(name: "größe \"\\\n\u{1}", shape: [1], values: [7]),
  ],
  metadata: ["zeta": "{\"x\": 1}", "alpha": "tab\tünï"])

struct SafetensorsTests {
  @Test func roundTripKeepsEveryBit() throws {
    let read = try SafetensorsFile(data: awkward.serialized(), path: "memory")
    #expect(read.metadata == awkward.metadata)
    #expect(read.entries.map(\.name) == awkward.entries.map(\.name))
    for (entry, original) in zip(read.entries, awkward.entries) {
      #expect(entry.shape == original.shape)
      #expect(try entry.floats().map(\.bitPattern) == original.floats().map(\.bitPattern))
    }
    #expect(try read.tensors["a"]?.floats().first?.bitPattern == 0x7fc1_2345)
    #expect(read.serialized() == awkward.serialized())
  }

  @Test func bytesAreThoseOfTheFormat() throws {
    let file = SafetensorsFile(
      entries: [
        .init(name: "z", shape: [2], values: [1, 2]), .init(name: "a", shape: [], values: [3]),
      ], metadata: ["k2": "b", "k1": "a"])
    let header =
      #"{"__metadata__":{"k1":"a","k2":"b"},"a":{"data_offsets":[8,12],"dtype":"F32","shape":[]},"#
      + #""z":{"data_offsets":[0,8],"dtype":"F32","shape":[2]}}"#
    let padding = String(repeating: " ", count: (8 - header.utf8.count % 8) % 8)
    var expected = bytes(header: header + padding)
    for value in [Float(1), 2, 3] {
      withUnsafeBytes(of: value.bitPattern.littleEndian) { expected.append(contentsOf: $0) }
    }
    #expect(file.serialized() == expected)
    #expect((header.utf8.count + padding.utf8.count) % 8 == 0)
  }

  @Test func headerAloneIsThatOfTheWholeFile() throws {
    let url = fixturesFolder.appending(path: "golden/bandsplit_tiny.safetensors")
    let file = try SafetensorsFile(contentsOf: url)
    let header = try SafetensorsHeader(contentsOf: url)
    #expect(header.metadata == file.metadata)
    #expect(header.fields.map(\.name) == file.entries.map(\.name))
    #expect(header.fields.map(\.shape) == file.entries.map(\.shape))
    let size = try Data(contentsOf: url).count
    #expect(header.fields.last.map { header.dataStart + $0.end } == size)
    #expect(throws: SafetensorsError.self) {
      try SafetensorsHeader(contentsOf: url.appending(path: "nothing"))
    }
  }

  @Test func readsAFileOfThePythonPackage() throws {
    let file = try SafetensorsFile(
      contentsOf: fixturesFolder.appending(path: "golden/bandsplit_tiny.safetensors"))
    #expect(file.metadata["seed"] != nil)
    let weight = try #require(file.tensors["param.fcs.0.weight"])
    #expect(try weight.floats().count == weight.shape.reduce(1, *))
    #expect(try weight.floats().allSatisfy { $0.isFinite && abs($0) < 10 })
    #expect(file.entries.count == file.tensors.count)
  }

  @Test func readsASliceOfALargerBuffer() throws {
    var buffer = Data(repeating: 9, count: 5)
    buffer.append(awkward.serialized())
    let file = try SafetensorsFile(data: buffer[5...], path: "slice")
    #expect(try file.tensors["b.weight"]?.floats().last == 3)
  }

  @Test func readsUnalignedUnsortedData() throws {
    let header =
      #"{"b":{"dtype":"F32","shape":[1],"data_offsets":[1,5]},"#
      + #""a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#
    let file = try SafetensorsFile(data: bytes(header: header, dataBytes: 5), path: "x")
    #expect(file.entries.map(\.name) == ["a", "b"])
    #expect(try file.tensors["b"]?.floats() == [Float(bitPattern: 0x3f3f_3f3f)])
  }

  @Test(arguments: ["BF16", "F16", "I16"]) func otherTypesAreNamed(dtype: String) throws {
    let header = "{\"w\":{\"dtype\":\"\(dtype)\",\"shape\":[3],\"data_offsets\":[0,6]}}"
    let file = try SafetensorsFile(data: bytes(header: header, dataBytes: 6), path: "x")
    let error = SafetensorsError.unsupportedType(path: "x", tensor: "w", dtype: dtype)
    #expect(throws: error) { try file.tensors["w"]?.floats() }
    #expect(error.description.contains("\"w\"") && error.description.contains(dtype))
  }
}

// MARK: - Rejection

extension SafetensorsTests {
  /// A header whose only tensor `w` has this text for an entry.
  private static func entry(_ text: String) -> String { "{\"w\":\(text)}" }

  static let damaged: [(String, Int, SafetensorsError)] = [
    (
      entry(#"{"dtype":"F32","shape":[2],"data_offsets":[0,8]}"#), 7,
      .offsetsOutOfRange(path: "x", tensor: "w", begin: 0, end: 8, dataBytes: 7)
    ),
    (
      entry(#"{"dtype":"F32","shape":[2],"data_offsets":[8,0]}"#), 8,
      .offsetsOutOfRange(path: "x", tensor: "w", begin: 8, end: 0, dataBytes: 8)
    ),
    (
      entry(#"{"dtype":"F32","shape":[2],"data_offsets":[-8,0]}"#), 8,
      .offsetsOutOfRange(path: "x", tensor: "w", begin: -8, end: 0, dataBytes: 8)
    ),
    (
      entry(#"{"dtype":"F32","shape":[3],"data_offsets":[0,8]}"#), 8,
      .sizeMismatch(path: "x", tensor: "w", shape: [3], dtype: "F32", bytes: 8)
    ),
    (
      entry(#"{"dtype":"F4","shape":[3],"data_offsets":[0,1]}"#), 1,
      .sizeMismatch(path: "x", tensor: "w", shape: [3], dtype: "F4", bytes: 1)
    ),
    (
      entry(#"{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}"#), 8,
      .impossibleShape(path: "x", tensor: "w", shape: "[-2]")
    ),
    (
      entry(#"{"dtype":"F32","shape":[-2,-1],"data_offsets":[0,8]}"#), 8,
      .impossibleShape(path: "x", tensor: "w", shape: "[-2,-1]")
    ),
    (
      entry(#"{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}"#), 0,
      .impossibleShape(path: "x", tensor: "w", shape: "[4294967296,4294967296]")
    ),
    (
      entry(#"{"dtype":"F32","shape":[2.5],"data_offsets":[0,8]}"#), 8,
      .impossibleShape(path: "x", tensor: "w", shape: "[2.5]")
    ),
    (
      entry(#"{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,8]}"#), 8,
      .impossibleShape(path: "x", tensor: "w", shape: "[1e+20]")
    ),
    (
      entry(#"{"dtype":"F32","shape":2,"data_offsets":[0,8]}"#), 8,
      .malformedEntry(path: "x", tensor: "w", reason: "it has no \"shape\" list")
    ),
    (
      entry(#"{"shape":[2],"data_offsets":[0,8]}"#), 8,
      .malformedEntry(path: "x", tensor: "w", reason: "it has no \"dtype\" string")
    ),
    (
      entry(#"{"dtype":"F32","shape":[2],"data_offsets":[0,8,8]}"#), 8,
      .malformedEntry(
        path: "x", tensor: "w", reason: "it has no \"data_offsets\" of two integers")
    ),
    (
      entry(#"{"dtype":"F32","shape":[2],"data_offsets":[0,8],"extra":1}"#), 8,
      .malformedEntry(path: "x", tensor: "w", reason: "it has an unknown field \"extra\"")
    ),
    (entry("[]"), 0, .malformedEntry(path: "x", tensor: "w", reason: "it is no object")),
    (
      entry(#"{"dtype":"Q7","shape":[2],"data_offsets":[0,8]}"#), 8,
      .unsupportedType(path: "x", tensor: "w", dtype: "Q7")
    ),
    (
      #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"#
        + #""b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}"#, 12,
      .offsetsNotContiguous(path: "x", tensor: "b", begin: 4, expected: 8)
    ),
    (
      #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"#
        + #""b":{"dtype":"F32","shape":[1],"data_offsets":[12,16]}}"#, 16,
      .offsetsNotContiguous(path: "x", tensor: "b", begin: 12, expected: 8)
    ),
    (
      entry(#"{"dtype":"F32","shape":[1],"data_offsets":[0,4]}"#), 9,
      .trailingBytes(path: "x", bytes: 5)
    ),
    ("[]", 0, .headerNotJSON(path: "x", reason: "it does not begin with \"{\"")),
    (" {}", 0, .headerNotJSON(path: "x", reason: "it does not begin with \"{\"")),
    ("", 0, .headerNotJSON(path: "x", reason: "it does not begin with \"{\"")),
    (
      "{\"a\":", 0,
      .headerNotJSON(path: "x", reason: "line 1, column 6: the file ends here")
    ),
    (
      #"{"__metadata__":{"k":1}}"#, 0,
      .malformedEntry(path: "x", tensor: "__metadata__", reason: "\"k\" is no string")
    ),
    (
      #"{"__metadata__":"text"}"#, 0,
      .malformedEntry(path: "x", tensor: "__metadata__", reason: "it is no object")
    ),
  ]

  @Test(arguments: damaged)
  func everyFaultHasItsError(header: String, dataBytes: Int, expected: SafetensorsError) {
    #expect(throws: expected) {
      try SafetensorsFile(data: bytes(header: header, dataBytes: dataBytes), path: "x")
    }
    #expect(expected.description.hasPrefix("x: "))
    #expect(!expected.description.hasSuffix("."))
  }

  /// Foundation keeps one of two entries of a name; the data of the other belong to nobody.
  @Test(arguments: [("[0,4]", "[4,8]"), ("[4,8]", "[0,4]")])
  func nameThatOccursTwiceIsDamage(first: String, second: String) {
    let header =
      "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":\(first)},"
      + "\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":\(second)}}"
    let error = #expect(throws: SafetensorsError.self) {
      try SafetensorsFile(data: bytes(header: header, dataBytes: 8), path: "x")
    }
    #expect(error?.description.contains("x: the file is damaged") == true)
  }

  @Test func headerOfDeepListsDoesNotExhaustTheStack() {
    let header = "{\"a\":" + String(repeating: "[", count: 1_000_000)
    #expect(throws: SafetensorsError.self) {
      try SafetensorsFile(data: bytes(header: header), path: "x")
    }
  }

  @Test(arguments: [3, 1 << 40, UInt64(Int64.max), UInt64(Int64.max) + 1, UInt64.max])
  func hugeHeaderLengthIsRejectedUnread(length: UInt64) {
    var data = withUnsafeBytes(of: length.littleEndian) { Data($0) }
    data.append(contentsOf: [0x7b, 0x7d])
    #expect(
      throws: SafetensorsError.headerBeyondFile(path: "x", headerBytes: length, fileBytes: 10)
    ) { try SafetensorsFile(data: data, path: "x") }
  }

  @Test func absentFilesAndFoldersAreNamed() throws {
    let absent = fixturesFolder.appending(path: "absent.safetensors")
    #expect(
      throws: SafetensorsError.unreadable(path: absent.path, reason: "there is no such file")
    ) { try SafetensorsFile(contentsOf: absent) }
    #expect(
      throws: SafetensorsError.unreadable(
        path: fixturesFolder.path, reason: "it is a folder, not a file")
    ) { try SafetensorsFile(contentsOf: fixturesFolder) }
  }
}

// MARK: - Fuzzing

extension SafetensorsTests {
  @Test func everyTruncationIsAnError() {
    let whole = awkward.serialized()
    for length in 0..<whole.count {
      #expect(throws: SafetensorsError.self, "\(length) bytes") {
        try SafetensorsFile(data: whole.prefix(length), path: "x")
      }
    }
  }

  @Test func noBitFlipCrashes() throws {
    let whole = awkward.serialized()
    var rejected = 0
    for bit in 0..<whole.count * 8 {
      var damaged = whole
      damaged[bit / 8] ^= 1 << UInt8(bit % 8)
      rejected += readAll(damaged) ? 0 : 1
    }
    // Flips in the data and in letters of names go unnoticed; those in the structure do not.
    #expect(rejected > whole.count)
  }

  @Test func noScrambledHeaderCrashes() throws {
    let whole = try Data(
      contentsOf: fixturesFolder.appending(path: "golden/bimamba_intra.safetensors"))
    let headerBytes = whole.prefix(2).reversed().reduce(0) { $0 << 8 | Int($1) }
    let alphabet = Array("{}[]\":,0123456789-eE.\\u \u{0}ÿdtype".utf8)
    var random = Random(seed: 7, stream: "scrambled headers")
    var rejected = 0
    for _ in 0..<2000 {
      var damaged = whole
      for _ in 0...Int.random(in: 0..<6, using: &random) {
        let place = 8 + Int.random(in: 0..<headerBytes, using: &random)
        switch Int.random(in: 0..<3, using: &random) {
        case 0: damaged[place] = alphabet.randomElement(using: &random) ?? 0
        case 1: damaged.remove(at: place)
        default: damaged.insert(alphabet.randomElement(using: &random) ?? 0, at: place)
        }
      }
      rejected += readAll(damaged) ? 0 : 1
    }
    #expect(rejected > 1000)
  }

  /// Whether the bytes are a file all of whose tensors are float32.
  private func readAll(_ data: Data) -> Bool {
    do {
      for entry in try SafetensorsFile(data: data, path: "x").entries { _ = try entry.floats() }
      return true
    } catch {
      return false
    }
  }
}
