import Files
import Foundation
import Models
import Testing

private typealias Entry = SafetensorsFile.Entry

struct WeightFileTests {
  private let configuration: ModelConfiguration
  private let model: SpeechEnhancer

  init() throws {
    configuration = try referenceConfiguration(golden("e2e_abl3"))
    model = SpeechEnhancer(configuration: configuration, seed: 1)
  }

  private func parsed(_ data: Data) throws -> SafetensorsFile {
    try SafetensorsFile(data: data, path: "w.safetensors")
  }

  /// Loads a changed copy of the model's weights into a fresh model and returns the error.
  private func fault(
    metadata: [String: String] = [:], changing change: (inout [Entry]) throws -> Void
  ) throws -> WeightFileError? {
    var entries = try parsed(WeightFile.serialized(model, program: "test 1")).entries
    try change(&entries)
    let file = SafetensorsFile(entries: entries, metadata: metadata)
    let other = SpeechEnhancer(configuration: configuration, seed: 2)
    let before = Array(other.parameters.values.buffer)
    let weights = try WeightFile(parsed(file.serialized()), path: "w.safetensors")
    let error = #expect(throws: WeightFileError.self) { try weights.load(into: other) }
    // A failed load changes no weight.
    #expect(other.parameters.values.buffer.elementsEqual(before))
    return error
  }

  private func unfit(
    _ faults: [WeightFileError.Fault], writtenFor: String? = nil
  ) -> WeightFileError {
    .unfit(
      path: "w.safetensors", model: "abl3-tiny", writtenFor: writtenFor, faults: faults)
  }

  /// The level that the weights were trained on travels with them; another version's is refused.
  @Test func keepsTheLevelOfSignals() throws {
    let model = SpeechEnhancer(configuration: configuration, seed: 1)
    #expect(try parsed(WeightFile.serialized(model, program: "t")).metadata["level"] == nil)
    model.inputLevel = .utterance
    let file = try parsed(WeightFile.serialized(model, program: "t"))
    let weights = try WeightFile(file, path: "w")
    #expect(weights.level == .utterance)
    #expect(try weights.model(model.configuration).inputLevel == .utterance)
    let other = SafetensorsFile(entries: file.entries, metadata: ["level": "loud"])
    let error = #expect(throws: WeightFileError.self) { try WeightFile(other, path: "w") }
    #expect(error?.description.hasPrefix("w: the level \"loud\"") == true)
  }

  @Test func roundTripIsBitExact() throws {
    let data = WeightFile.serialized(model, program: "test 1")
    let file = try WeightFile(parsed(data), path: "w.safetensors")
    let written = try #require(file.configuration)
    #expect(written == configuration)
    let other = SpeechEnhancer(configuration: written, seed: 2)
    #expect(WeightFile.serialized(other, program: "test 1") != data)
    try file.load(into: other)
    #expect(
      other.parameters.values.buffer.map(\.bitPattern)
        == model.parameters.values.buffer.map(\.bitPattern))
    #expect(WeightFile.serialized(other, program: "test 1") == data)
  }

  @Test func metadataNamesProgramAndConfiguration() throws {
    let file = try parsed(WeightFile.serialized(model, program: "test 1"))
    #expect(file.metadata["program"] == "test 1")
    #expect(file.metadata["format"] == "pt")
    #expect(file.metadata["configuration"] == configuration.json.description)
    #expect(file.entries.map(\.name) == model.parameters.parameters.map(\.name))
  }

  @Test func readsFromDisk() throws {
    let url = FileManager.default.temporaryDirectory
      .appending(path: "weights-\(UUID().uuidString).safetensors")
    try WeightFile.serialized(model, program: "test 1").write(to: url)
    defer { try? FileManager.default.removeItem(at: url) }
    #expect(try WeightFile(contentsOf: url).configuration == configuration)
    let absent = url.path + ".absent"
    #expect(
      throws: WeightFileError.invalid(
        .unreadable(path: absent, reason: "there is no such file"))
    ) { try WeightFile(contentsOf: URL(fileURLWithPath: absent)) }
  }

  @Test(arguments: referenceModels)
  func loadsWeightsOfPyTorchAmongOtherTensors(name: String) throws {
    let file = try golden(name)
    let model = SpeechEnhancer(configuration: try referenceConfiguration(file), seed: 1)
    let weights = try WeightFile(file, path: "golden")
    #expect(weights.configuration == nil)
    try weights.load(into: model, prefix: "param.")
    for parameter in model.parameters.parameters {
      #expect(try file.tensors["param." + parameter.name]?.floats() == parameter.elements)
    }
  }

  @Test func loadsAFileWithoutMetadataInAnyOrder() throws {
    let entries = try parsed(WeightFile.serialized(model, program: "test 1")).entries
    let file = SafetensorsFile(entries: entries.sorted { $0.name > $1.name })
    let other = SpeechEnhancer(configuration: configuration, seed: 2)
    try WeightFile(parsed(file.serialized()), path: "w").load(into: other)
    #expect(other.parameters.values.buffer.elementsEqual(model.parameters.values.buffer))
  }

  @Test func damagedWeightsAreRefused() throws {
    let whole = WeightFile.serialized(model, program: "test 1")
    for (place, group) in [(whole.count - 1, "\"weights\""), (whole.count / 2, "\"weights\"")] {
      var data = whole
      data[place] ^= 1
      let error = #expect(throws: WeightFileError.self) {
        try WeightFile(parsed(data), path: "w.safetensors")
      }
      #expect(
        error?.description.hasPrefix(
          "w.safetensors: the file is damaged: the checksum of ") == true)
      #expect(error?.description.contains(group) == true)
    }
    var data = whole
    let name = try #require(data.range(of: Data("\"program\":\"test 1".utf8)))
    data[name.upperBound - 1] = UInt8(ascii: "2")
    let error = #expect(throws: WeightFileError.self) {
      try WeightFile(parsed(data), path: "w.safetensors")
    }
    #expect(error?.description.contains("the checksum of its header") == true)
  }

  @Test func missingTensorsAreNamed() throws {
    let error = try fault { $0.removeAll { $0.name.hasSuffix("A_log") } }
    let names = model.parameters.parameters.filter { $0.name.hasSuffix("A_log") }
    #expect(names.count == 8)
    #expect(error == unfit(names.map { .missing(name: $0.name, shape: [8, 4]) }))
    #expect(error?.description.contains("layers.0.intra.fwd.A_log [8, 4]") == true)
  }

  @Test func unexpectedTensorsAreNamed() throws {
    let error = try fault { $0.append(Entry(name: "extra", shape: [2], values: [1, 2])) }
    #expect(error == unfit([.unexpected(name: "extra", shape: [2])]))
  }

  @Test func wrongShapesAreNamed() throws {
    let error = try fault {
      let index = try #require($0.firstIndex { $0.name == "decoder.fc1.0.weight" })
      $0[index] = Entry(name: $0[index].name, shape: [8, 16], values: try $0[index].floats())
    }
    #expect(
      error
        == unfit([
          .wrongShape(name: "decoder.fc1.0.weight", expected: [16, 8], found: [8, 16])
        ]))
  }

  @Test(arguments: [Float.nan, .infinity, -.infinity])
  func valuesThatAreNotFiniteAreNamed(value: Float) throws {
    let error = try fault {
      var values = try $0[0].floats()
      values[1] = value
      $0[0] = Entry(name: $0[0].name, shape: $0[0].shape, values: values)
    }
    #expect(error == unfit([.notFinite(name: "band_split.norms.0.weight", count: 1)]))
  }

  @Test func otherTypesAreNamed() throws {
    // Unchanged bytes that the header declares to be 32-bit integers, in a file without checksums.
    let whole = try parsed(WeightFile.serialized(model, program: "test 1"))
    var data = SafetensorsFile(
      entries: whole.entries, metadata: ["configuration": configuration.json.description]
    ).serialized()
    let name = try #require(data.range(of: Data("\"layers.0.intra.norm.bias\"".utf8)))
    let place = try #require(data[name.upperBound...].range(of: Data("\"dtype\":\"F".utf8)))
    data[place.upperBound - 1] = UInt8(ascii: "I")
    let file = try WeightFile(parsed(data), path: "w.safetensors")
    let error = #expect(throws: WeightFileError.self) { try file.load(into: model) }
    #expect(
      error
        == unfit(
          [.wrongType(name: "layers.0.intra.norm.bias", dtype: "I32")], writtenFor: "abl3-tiny"))
  }

  @Test func allFaultsComeTogether() throws {
    let error = try fault(
      metadata: ["configuration": Preset.load("abl1").json.description]
    ) {
      $0.removeFirst()
      $0[0] = Entry(name: $0[0].name, shape: [1], values: [1])
      $0.append(Entry(name: "extra", shape: [], values: [1]))
    }
    #expect(
      error
        == unfit(
          [
            .missing(name: "band_split.norms.0.weight", shape: [4]),
            .wrongShape(name: "band_split.norms.0.bias", expected: [4], found: [1]),
            .unexpected(name: "extra", shape: []),
          ], writtenFor: "abl1"))
    #expect(
      error?.description
        == "w.safetensors: the weights do not fit the model \"abl3-tiny\" (they were written for "
        + "\"abl1\"): 1 missing: band_split.norms.0.weight [4]; 1 unexpected: extra []; "
        + "1 of the wrong shape: band_split.norms.0.bias [1] instead of [4]")
  }

  @Test func weightsOfAnotherPresetAreListedBriefly() throws {
    let large = SpeechEnhancer(configuration: try Preset.load("abl1"), seed: 1)
    let file = try WeightFile(
      parsed(WeightFile.serialized(large, program: "test 1")), path: "w.safetensors")
    let error = #expect(throws: WeightFileError.self) { try file.load(into: model) }
    let description = try #require(error).description
    #expect(description.contains("more") && description.count < 3000)
  }

  @Test(arguments: ["{", "{\"name\": 1}"]) func brokenConfigurationsAreNamed(text: String) throws {
    let file = SafetensorsFile(entries: [], metadata: ["configuration": text])
    let error = #expect(throws: WeightFileError.self) {
      try WeightFile(parsed(file.serialized()), path: "w.safetensors")
    }
    #expect(error?.description.contains("the configuration in w.safetensors") == true)
  }
}
