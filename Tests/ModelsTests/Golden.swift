import Files
import Foundation
import Models
import Tensor
import Testing
import TestSupport

/// Reads a file of reference vectors.
func golden(_ name: String) throws -> SafetensorsFile {
  try SafetensorsFile(
    contentsOf: fixturesFolder.appending(path: "golden/\(name).safetensors"))
}

/// The files of whole reference models.
let referenceModels = [
  "e2e_abl1", "e2e_abl2", "e2e_abl3",
  "e2e_bsrnn",
  "e2e_unimamba",
]

/// The configuration of a tiny reference model, from the notation of its generator.
func referenceConfiguration(_ file: SafetensorsFile) throws -> ModelConfiguration {
  let text = try #require(file.metadata["config"])
  let json = try JSONValue(parsing: Array(text.utf8))
  func integer(_ value: JSONValue?) throws -> Int {
    guard case .integer(let number) = try #require(value) else {
      throw ConfigurationError.notJSON(file: "fixture", reason: "no integer")
    }
    return number
  }
  func mamba() throws -> MambaConfiguration {
    let mamba = json["mamba"]
    return MambaConfiguration(
      stateSize: try integer(mamba?["d_state"]), convolutionTaps: try integer(mamba?["d_conv"]),
      expansion: try integer(mamba?["expand"]))
  }
  let trunk: any TrunkConfiguration
  switch try #require(json["kind"]?.string) {
  case "bsrnn":
    let recurrent = try #require(file.tensors["param.time.0.lstm.weight_hh_l0"]).shape
    let features = try integer(json["N"])
    trunk = LSTMTrunkConfiguration(expansion: recurrent[1] / features)
  case "unimamba": trunk = UniMambaTrunkConfiguration(mamba: try mamba())
  default:
    guard case .array(let blocks) = try #require(json["blocks"]) else {
      throw ConfigurationError.notJSON(file: "fixture", reason: "no blocks")
    }
    let paths = try blocks.map { try #require($0.string.flatMap(SequenceAxis.init(path:))) }
    trunk = BiMambaTrunkConfiguration(paths: paths, mamba: try mamba())
  }
  return try ModelConfiguration(
    name: try #require(file.metadata["preset"]) + "-tiny", title: "Tiny reference model",
    bands: try #require(json["bands"]?.integers), features: try integer(json["N"]),
    layers: try integer(json["layers"]),
    trunk: trunk,
    decoder: MaskDecoderConfiguration(
      expansions: try #require(json["e"]?.integers), maskTaps: try integer(json["taps"])))
}
