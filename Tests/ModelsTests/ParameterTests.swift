import Foundation
import Models
import Tensor
import Testing

/// Checks the contract with weight files: names, shapes and counts of parameters.
struct ParameterTests {
  @Test(arguments: [
    ("abl1", 4_108_816), ("abl2", 4_575_760), ("abl3", 2_877_704),
    ("bsrnn", 2_417_800), ("unimamba", 2_106_512),
    ("bsrnn31", 2_963_024),
  ])
  func exactCounts(preset: String, count: Int) throws {
    let model = SpeechEnhancer(configuration: try Preset.load(preset), seed: 1)
    #expect(model.parameters.parameterCount == count)
    #expect(model.outline.parameterCount == count)
  }

  @Test func countOfABlock() throws {
    let arena = ParameterArena()
    let block = BiMambaBlock(
      along: .band, features: 128, configuration: MambaConfiguration(), scope: ParameterScope(arena)
    )
    #expect(arena.parameterCount == 116_736)
    #expect(block.outline.parameterCount == 116_736)
    #expect(block.forward.deltaRank == 8)
    #expect(block.forward.innerFeatures == 128)
  }

  @Test(arguments: referenceModels)
  func namesAndShapesOfTheReference(name: String) throws {
    let file = try golden(name)
    let model = SpeechEnhancer(configuration: try referenceConfiguration(file), seed: 1)
    let expected = file.tensors.filter { $0.key.hasPrefix("param.") }
      .reduce(into: [:]) { $0[String($1.key.dropFirst(6))] = $1.value.shape }
    let found = model.parameters.parameters.reduce(into: [:]) { $0[$1.name] = $1.shape }
    #expect(expected.count > 50)
    #expect(found == expected)
  }

  @Test(arguments: ["mamba_n24_s16", "mamba_n24_s12_expand2", "mamba_n128_s16"])
  func namesAndShapesOfOneMamba(fixture: String) throws {
    let file = try golden(fixture)
    func number(_ key: String) throws -> Int {
      try #require(file.metadata[key].flatMap { Int($0) })
    }
    let arena = ParameterArena()
    let mamba = Mamba(
      features: try number("N"),
      configuration: MambaConfiguration(
        stateSize: try number("d_state"), convolutionTaps: try number("d_conv"),
        expansion: try number("expand")),
      scope: ParameterScope(arena))
    for parameter in arena.parameters {
      #expect(file.tensors["param." + parameter.name]?.shape == parameter.shape)
    }
    #expect(arena.parameters.count == 9)
    #expect(mamba.outline.parameterCount == arena.parameterCount)
  }

  @Test(arguments: [
    ("abl2", (0..<4).flatMap { ["layers.\($0).intra", "layers.\($0).cross"] }),
    ("unimamba", (0..<4).map { "layers.\($0).time" } + ["cross_mlp"]),
  ])
  func registrationFollowsTheForwardPass(preset: String, trunk: [String]) throws {
    let model = SpeechEnhancer(configuration: try Preset.load(preset), seed: 1)
    let names = model.parameters.parameters.map(\.name)
    var components: [String] = []
    for name in names {
      let parts = name.split(separator: ".")
      let component =
        parts[0] == "layers" ? parts[0...2].joined(separator: ".") : String(parts[0])
      if components.last != component { components.append(component) }
    }
    #expect(components == ["band_split"] + trunk + ["decoder"])
  }

  @Test func timeComesBeforeBands() throws {
    let model = SpeechEnhancer(configuration: try Preset.load("bsrnn"), seed: 1)
    var components: [String] = []
    for parameter in model.parameters.parameters where parameter.name.contains(".lstm.") {
      let component = parameter.name.split(separator: ".")[0...1].joined(separator: ".")
      if components.last != component { components.append(component) }
    }
    #expect(components == ["time", "band"].flatMap { path in (0..<5).map { "\(path).\($0)" } })
  }
}
