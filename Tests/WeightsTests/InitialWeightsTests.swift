import Files
import Foundation
import Models
import Testing
import TestSupport
import Weights

private typealias Entry = SafetensorsFile.Entry

/// Files that a run may start from, and what of them fits a model.
struct InitialWeightsTests {
  private let configuration: ModelConfiguration
  private let model: SpeechEnhancer
  private let entries: [Entry]

  init() throws {
    configuration = try ModelConfiguration(parsing: Array(tinyModel.utf8), file: "tiny")
    model = SpeechEnhancer(configuration: configuration, seed: 1)
    entries = try SafetensorsFile(
      data: WeightFile.serialized(model, program: "test 1"), path: "w"
    ).entries
  }

  /// Writes a file and compares it with the model.
  private func fit<Result>(
    _ entries: [Entry], metadata: [String: String] = [:],
    _ body: (InitialWeights, WeightFit) throws -> Result
  ) throws -> Result {
    try withTemporaryFolder { folder in
      let path = folder.file("w.safetensors")
      try SafetensorsFile(entries: entries, metadata: metadata).serialized()
        .write(to: URL(fileURLWithPath: path))
      let weights = try InitialWeights(contentsOf: path)
      return try body(weights, WeightFit(weights, model: SpeechEnhancer(layout: configuration)))
    }
  }

  private func renamed(_ name: (String) -> String) throws -> [Entry] {
    try entries.map { Entry(name: name($0.name), shape: $0.shape, values: try $0.floats()) }
  }

  private func expectCopied(_ fit: WeightFit, from values: [Float]) {
    let other = SpeechEnhancer(configuration: configuration, seed: 2)
    fit.copy(to: other)
    #expect(other.parameters.values.buffer.map(\.bitPattern) == values.map(\.bitPattern))
  }

  private var values: [Float] { Array(model.parameters.values.buffer) }

  @Test func allWeightsAreTaken() throws {
    try fit(entries) { weights, fit in
      try fit.require(of: weights, isPartial: false)
      #expect(fit.faults.isEmpty && fit.prefix.isEmpty && fit.taken == entries.map(\.name))
      expectCopied(fit, from: values)
      #expect(weights.summary == "tensors of another program")
      #expect(fit.report.count == 1 && fit.report[0].contains("(100%)"))
    }
  }

  @Test func aCheckpointGivesItsAveragedWeights() throws {
    let raw = try entries.map {
      Entry(name: $0.name, shape: $0.shape, values: try $0.floats().map { $0 + 1 })
    }
    let moments = try renamed { "adam.exp_avg.\($0)" } + renamed { "adam.exp_avg_sq.\($0)" }
    try fit(raw + moments) { weights, fit in
      try fit.require(of: weights, isPartial: false)
      #expect(weights.summary == "weights, of a checkpoint")
      let other = SpeechEnhancer(configuration: configuration, seed: 2)
      fit.copy(to: other)
      #expect(other.parameters.parameters[0].elements == (try raw[0].floats()))
    }
    let progress = ["progress": #"{"epoch":2,"step":7,"stepInEpoch":1}"#]
    try fit(raw + moments + renamed { "ema.\($0)" }, metadata: progress) { weights, fit in
      try fit.require(of: weights, isPartial: false)
      #expect(weights.summary == "averaged weights of epoch 3, step 7, of a checkpoint")
      expectCopied(fit, from: values)
    }
    // The moments alone are no weights.
    try fit(moments) { weights, fit in
      let error = #expect(throws: InitialWeightsError.self) {
        try fit.require(of: weights, isPartial: true)
      }
      #expect(error?.description.contains("it holds no weights") == true)
    }
  }

  @Test(arguments: ["module.", "model.", "state_dict.generator."])
  func oneCommonPrefixIsRecognized(prefix: String) throws {
    try fit(try renamed { prefix + $0 }) { weights, fit in
      try fit.require(of: weights, isPartial: false)
      #expect(fit.prefix == prefix && fit.report[0].contains("the prefix \"\(prefix)\""))
      expectCopied(fit, from: values)
    }
  }

  @Test func namesWithAndWithoutPrefixAreTakenByTheMajority() throws {
    let named = try renamed { $0.hasPrefix("layers") ? "module.\($0)" : $0 }
    let prefixed = named.count { $0.name.hasPrefix("module.") }
    try fit(named) { weights, fit in
      #expect(throws: InitialWeightsError.self) { try fit.require(of: weights, isPartial: false) }
      try fit.require(of: weights, isPartial: true)
      let isPrefixed = prefixed > named.count - prefixed
      #expect(fit.prefix == (isPrefixed ? "module." : ""))
      #expect(fit.taken.count == max(prefixed, named.count - prefixed))
      let text = fit.report.joined(separator: "\n")
      #expect(text.contains("left in the file: ") && text.contains("not taken from the file"))
      // The others are told of: their names need the prefix of most, or none.
      let (other, count) = isPrefixed ? ("", named.count - prefixed) : ("module.", prefixed)
      #expect(fit.otherPrefixes.map(\.prefix) == [other])
      #expect(fit.otherPrefixes.map(\.count) == [count])
      let place = other.isEmpty ? "without a prefix" : "under \"module.\""
      #expect(text.contains("of which none is taken: \(count) \(place); rename them"))
    }
  }

  /// A prefix of some names is not told as one of all.
  @Test func twoPrefixesAreBothTold() throws {
    var index = 0
    let named = try renamed { name in
      index += 1
      return (index % 3 == 0 ? "average." : "model.") + name
    }
    let most = named.count { $0.name.hasPrefix("model.") }
    try fit(named) { weights, fit in
      try fit.require(of: weights, isPartial: true)
      #expect(fit.prefix == "model." && fit.taken.count == most)
      #expect(
        fit.report[0] == "\(most) of \(named.count) names in the file have the prefix \"model.\"")
      let text = fit.report.joined(separator: "\n")
      #expect(text.contains("none is taken: \(named.count - most) under \"average.\";"), "\(text)")
    }
  }

  @Test func allNumbersButAFewAreNotAllOfThem() throws {
    var some = entries
    let least = try #require(
      some.indices.min { some[$0].shape.reduce(1, *) < some[$1].shape.reduce(1, *) })
    some.remove(at: least)
    try fit(some) { weights, fit in
      try fit.require(of: weights, isPartial: true)
      #expect(fit.report[0].contains("(99%)"), "\(fit.report[0])")
    }
  }

  @Test func partOfTheWeightsIsTakenWithReasons() throws {
    var some = entries
    some.removeLast()
    some[0] = Entry(name: some[0].name, shape: [1], values: [1])
    var broken = try some[1].floats()
    broken[0] = .nan
    some[1] = Entry(name: some[1].name, shape: some[1].shape, values: broken)
    some.append(Entry(name: "extra.weight", shape: [2, 1], values: [1, 2]))
    try fit(some) { weights, fit in
      let error = #expect(throws: InitialWeightsError.self) {
        try fit.require(of: weights, isPartial: false)
      }
      let text = error?.description ?? ""
      #expect(
        text.contains("1 missing") && text.contains("1 unexpected: extra.weight [2, 1]")
          && text.contains("1 of the wrong shape") && text.contains("1 not finite")
          && text.hasSuffix("; --init-partial takes those that fit"), "\(text)")
      try fit.require(of: weights, isPartial: true)
      #expect(fit.taken == entries.map(\.name).dropFirst(2).dropLast())
      let report = fit.report.joined(separator: "\n")
      #expect(report.contains("left in the file: 1 unexpected: extra.weight [2, 1]; 1 of the wr"))
      #expect(report.contains("not taken from the file, with the initial values of the seed: 3 te"))
      let other = SpeechEnhancer(configuration: configuration, seed: 2)
      let before = other.parameters.parameters[0].elements
      fit.copy(to: other)
      #expect(other.parameters.parameters[0].elements == before)
      #expect(other.parameters.parameters[2].elements == (try entries[2].floats()))
    }
  }

  @Test func nothingThatFitsIsAnError() throws {
    let others: [([Entry], String)] = [
      ([], "it holds no weights"),
      ([Entry(name: "layers.0.conv.weight_orig", shape: [2], values: [1, 2])], "1 unexpected"),
      ([Entry(name: entries[0].name, shape: [1], values: [1])], "1 of the wrong shape"),
    ]
    for (entries, reason) in others {
      for isPartial in [true, false] {
        try fit(entries) { weights, fit in
          let error = #expect(throws: InitialWeightsError.self) {
            try fit.require(of: weights, isPartial: isPartial)
          }
          let text = error?.description ?? ""
          #expect(
            text.contains("nothing would be taken from the file") && text.contains(reason)
              && text.hasSuffix("; give weights of that model"), "\(text)")
        }
      }
    }
  }

  /// The bytes of a file whose tensors have another type.
  private func file(dtype: String, _ bytes: (Float) -> [UInt8]) throws -> Data {
    var data: [UInt8] = []
    var fields: [SafetensorsHeader.Field] = []
    for entry in entries {
      let begin = data.count
      for value in try entry.floats() { data += bytes(value) }
      fields.append(
        .init(name: entry.name, dtype: dtype, shape: entry.shape, begin: begin, end: data.count))
    }
    return SafetensorsHeader.serialized(fields: fields, metadata: [:]) + Data(data)
  }

  private static func bytes(_ bits: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: bits.littleEndian) { Array($0) }
  }

  @Test func otherFloatingPointTypesAreConverted() throws {
    let bfloat = { (value: Float) in UInt16(truncatingIfNeeded: value.bitPattern >> 16) }
    let cases: [(String, (Float) -> [UInt8], (Float) -> Float)] = [
      ("F16", { Self.bytes(Float16($0).bitPattern) }, { Float(Float16($0)) }),
      ("BF16", { Self.bytes(bfloat($0)) }, { Float(bitPattern: UInt32(bfloat($0)) << 16) }),
      ("F64", { Self.bytes(Double($0).bitPattern) }, { $0 }),
    ]
    for (dtype, bytes, rounded) in cases {
      try withTemporaryFolder { folder in
        let path = folder.file("w.safetensors")
        try file(dtype: dtype, bytes).write(to: URL(fileURLWithPath: path))
        let weights = try InitialWeights(contentsOf: path)
        let fit = WeightFit(weights, model: SpeechEnhancer(layout: configuration))
        try fit.require(of: weights, isPartial: false)
        #expect(weights.file.convertedTypes == [dtype])
        expectCopied(fit, from: values.map(rounded))
      }
    }
    try withTemporaryFolder { folder in
      let path = folder.file("w.safetensors")
      try file(dtype: "I64") { Self.bytes(Int64($0)) }.write(to: URL(fileURLWithPath: path))
      let weights = try InitialWeights(contentsOf: path)
      let fit = WeightFit(weights, model: SpeechEnhancer(layout: configuration))
      let error = #expect(throws: InitialWeightsError.self) {
        try fit.require(of: weights, isPartial: true)
      }
      #expect(error?.description.contains("not of floating-point numbers: ") == true)
      #expect(error?.description.contains("(I64)") == true)
    }
  }

  @Test func aFolderNamesItsWeightsAndAPickleTheScript() throws {
    try withTemporaryFolder { folder in
      try folder.makeFolder("run")
      for name in [
        "step-00000004.safetensors", "best.safetensors", "step-00000008.safetensors",
        "utterances-train.safetensors", "mean-best-3.safetensors", "last-weights.safetensors",
        "history.csv",
      ] { try Data("x".utf8).write(to: URL(fileURLWithPath: folder.file("run/\(name)"))) }
      let error = #expect(throws: InitialWeightsError.self) {
        try InitialWeights(contentsOf: folder.file("run"))
      }
      #expect(
        error?.description.hasSuffix(
          "is a folder; give one of the files of weights in it: best.safetensors, "
            + "last-weights.safetensors, mean-best-3.safetensors, step-00000008.safetensors, "
            + "step-00000004.safetensors") == true, "\(String(describing: error))")
      for (name, start) in [
        ("zip.pth", "PK\u{3}\u{4}".utf8.map { $0 }), ("old.pt", [0x80, 2]), ("new.pth", [0x80, 5]),
      ] {
        let path = folder.file(name)
        try Data(start + [UInt8](repeating: 0x41, count: 90)).write(to: URL(fileURLWithPath: path))
        let error = #expect(throws: InitialWeightsError.self) {
          try InitialWeights(contentsOf: path)
        }
        let stem = name.prefix { $0 != "." }
        #expect(
          error?.description.hasSuffix(
            "python -m disttrain.torch convert \(path) \(stem).safetensors") == true, "\(name)")
      }
    }
  }

  @Test func aPackedCorpusHoldsNoWeights() throws {
    let error = #expect(throws: InitialWeightsError.self) {
      try fit([], metadata: ["format": "disttrain-corpus-3"]) { _, _ in }
    }
    #expect(error?.description.contains("disttrain-corpus-3 and holds no weights") == true)
    try fit(entries, metadata: ["format": "pt"]) { _, fit in #expect(fit.faults.isEmpty) }
  }

  @Test func aFingerprintIsThatOfTheWeightsAlone() throws {
    let one = try fit(entries, metadata: ["a": "b"]) { weights, _ in weights.fingerprint }
    let two = try fit(entries.reversed()) { weights, _ in weights.fingerprint }
    #expect(one == two && one.count == 16)
    var changed = entries
    var floats = try changed[0].floats()
    floats[0] += 1
    changed[0] = Entry(name: changed[0].name, shape: changed[0].shape, values: floats)
    let three = try fit(changed) { weights, _ in weights.fingerprint }
    #expect(three != one)
  }

  @Test func anotherFrontEndIsWarnedOf() throws {
    let text = tinyModel.replacing(
      "\"name\"", with: "\"front_end\": {\"sample_rate\": 8000, \"n_fft\": 512}, \"name\"",
      maxReplacements: 1)
    let other = try ModelConfiguration(parsing: Array(text.utf8), file: "other")
    try fit(entries, metadata: ["configuration": other.json.description]) { weights, _ in
      let warnings = weights.warnings(for: model, isPartial: true)
      #expect(warnings.count == 1 && warnings[0].contains("sample_rate 8000"), "\(warnings)")
      let same = SpeechEnhancer(layout: other)
      #expect(weights.warnings(for: same, isPartial: false).isEmpty)
      same.inputLevel = .utterance
      let level = weights.warnings(for: same, isPartial: false)
      #expect(level.count == 1 && level[0].hasSuffix("level none, here utterance"), "\(level)")
    }
  }
}
