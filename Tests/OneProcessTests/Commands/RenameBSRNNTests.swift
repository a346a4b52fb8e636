import Audio
import Files
import Foundation
import Models
import ProgramTestSupport
import Testing
import TestSupport

/// `scripts/rename-bsrnn-weights.py`: the published BSRNN's weights under the names of `bsrnn31`.
@Suite struct RenameBSRNNTests {
  /// A tensor of the published model, and what it is called here.
  private struct Name {
    let published: String
    let ours: String
    let shape: [Int]
  }

  /// Every tensor of the published code at N = 64 and L = 5, in the order of its state_dict.
  private static let names: [Name] = {
    let features = 64
    let bands =
      [2] + [Int](repeating: 3, count: 10) + [Int](repeating: 8, count: 12)
      + [Int](repeating: 16, count: 7) + [17]
    var names: [Name] = []
    func affine(_ published: String, _ ours: String, _ shape: [Int]) {
      names.append(Name(published: "\(published).weight", ours: "\(ours).weight", shape: shape))
      names.append(Name(published: "\(published).bias", ours: "\(ours).bias", shape: [shape[0]]))
    }
    for (k, width) in bands.enumerated() {
      affine("band_split.norm\(k + 1)", "band_split.norms.\(k)", [2 * width])
      affine("band_split.fc\(k + 1)", "band_split.fcs.\(k)", [features, 2 * width])
    }
    for (letter, path, directions) in [("t", "time", [""]), ("k", "band", ["", "_reverse"])] {
      for i in 0..<5 {
        affine("norm_\(letter)\(i + 1)", "\(path).\(i).norm", [features])
        for direction in directions {
          for (part, shape) in [
            ("weight_ih_l0", [8 * features, features]),
            ("weight_hh_l0", [8 * features, 2 * features]),
            ("bias_ih_l0", [8 * features]), ("bias_hh_l0", [8 * features]),
          ] {
            names.append(
              Name(
                published: "lstm_\(letter)\(i + 1).\(part)\(direction)",
                ours: "\(path).\(i).lstm.\(part)\(direction)", shape: shape))
          }
        }
        affine(
          "fc_\(letter)\(i + 1)", "\(path).\(i).fc", [features, 2 * directions.count * features])
      }
    }
    for (k, width) in bands.enumerated() {
      affine("mask_decoder.norm\(k + 1)", "decoder.norms.\(k)", [features])
      affine("mask_decoder.fc1\(k + 1)", "decoder.fc1.\(k)", [4 * features, features])
      affine("mask_decoder.fc2\(k + 1)", "decoder.fc2.\(k)", [12 * width, 4 * features])
    }
    return names
  }()

  /// Random values, different for every tensor.
  private static func values(_ name: Name) -> [Float] {
    var random = Random(seed: 4, stream: name.published)
    return (0..<name.shape.reduce(1, *)).map { _ in random.uniform(in: -0.2, 0.2) }
  }

  private func write(_ names: [Name], prefix: String = "", to path: String) throws {
    let entries = names.map {
      SafetensorsFile.Entry(
        name: prefix + $0.published, shape: $0.shape, values: Self.values($0))
    }
    try SafetensorsFile(entries: entries).serialized().write(to: URL(fileURLWithPath: path))
  }

  private func rename(
    _ input: String, in folder: URL, environment: [String: String] = [:]
  ) throws -> SubprocessOutcome {
    let script = fixturesFolder.deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "scripts/rename-bsrnn-weights.py").standardizedFileURL
    return try Subprocess.run(
      "/usr/bin/env", ["python3", script.path(percentEncoded: false), input, "out.safetensors"],
      environment: ProcessInfo.processInfo.environment.merging(environment) { $1 },
      folder: folder, timeLimit: 60)
  }

  private func expectOurs(in folder: URL) throws {
    let model = SpeechEnhancer(configuration: try Preset.load("bsrnn31"), seed: 1)
    let path = URL(fileURLWithPath: folder.file("out.safetensors"))
    try WeightFile(contentsOf: path).load(into: model)
    let parameters = model.parameters.parameters
    #expect(Set(parameters.map(\.name)) == Set(Self.names.map(\.ours)))
    let byName = Dictionary(uniqueKeysWithValues: parameters.map { ($0.name, $0) })
    for name in Self.names {
      let parameter = try #require(byName[name.ours])
      let isSame = parameter.shape == name.shape && parameter.elements == Self.values(name)
      #expect(isSame, "\(name.published) is not \(name.ours)")
    }
  }

  @Test(arguments: ["", "module.", "generator.module."])
  func everyTensorFindsItsPlace(prefix: String) throws {
    try withTemporaryFolder { folder in
      try write(Self.names.shuffled(), prefix: prefix, to: folder.file("in.safetensors"))
      let outcome = try rename("in.safetensors", in: folder)
      #expect(outcome.status == 0 && outcome.errors == "", "\(outcome)")
      #expect(
        outcome.output == "renamed 410 tensors: 31 bands, 5 layers, 64 features\n", "\(outcome)")
      try expectOurs(in: folder)
      #expect(try folder.names(in: "") == ["in.safetensors", "out.safetensors"])
    }
  }

  @Test func theProgramTakesThem() throws {
    try withTemporaryFolder { folder in
      try write(Self.names, to: folder.file("in.safetensors"))
      #expect(try rename("in.safetensors", in: folder).status == 0)
      let speech = Array(try recording("g01_vb_p232_014_noisy_deg").prefix(8000))
      try WaveFile.write(speech, sampleRate: 16_000, to: folder.file("in.wav"))
      let enhance = ["enhance", "--weights", "out.safetensors", "in.wav", "out.wav", "--preset"]
      let outcome = try disttrain(enhance + ["bsrnn31"], folder: folder)
      #expect(outcome.status == 0 && outcome.errors == "", "\(outcome)")
      // They do not fit a model with another layout of bands.
      expectError(
        try disttrain(enhance + ["bsrnn"], folder: folder), "do not fit the model \"bsrnn\"")
    }
  }

  /// A module `torch` with what the script asks of it stands in for the real one.
  @Test(arguments: ["state_dict", "generator", nil])
  func filesOfTorchAreUnwrapped(container: String?) throws {
    try withTemporaryFolder { folder in
      try write(Self.names, prefix: "module.", to: folder.file("in.safetensors"))
      try """
      import array, json, struct
      float32 = "float32"
      class Tensor:
        def __init__(self, shape, data): self.shape, self.data = shape, data
        def detach(self): return self
        def to(self, kind): assert kind == float32; return self
        def flatten(self): return self
        def tolist(self): return list(self.data)
      def is_tensor(x): return isinstance(x, Tensor)
      def load(path, map_location, weights_only):
        assert map_location == "cpu" and weights_only
        whole = open(path, "rb").read()
        size = struct.unpack("<Q", whole[:8])[0]
        found = {}
        for name, entry in json.loads(whole[8:8 + size]).items():
          if name != "__metadata__":
            begin, end = entry["data_offsets"]
            data = array.array("f", whole[8 + size + begin:8 + size + end])
            found[name] = Tensor(entry["shape"], data)
        container = \(container.map { "\"\($0)\"" } ?? "None")
        return {"epoch": 3, container: found, "optimizer": {"state": {}}} if container else found
      """.write(toFile: folder.file("torch.py"), atomically: true, encoding: .utf8)
      try FileManager.default.moveItem(
        atPath: folder.file("in.safetensors"), toPath: folder.file("gene_epoch_99_0.012"))
      let outcome = try rename(
        "gene_epoch_99_0.012", in: folder,
        environment: ["PYTHONPATH": folder.path(percentEncoded: false)])
      #expect(outcome.status == 0 && outcome.errors == "", "\(outcome)")
      try expectOurs(in: folder)
    }
  }

  private func expectRefused(_ outcome: SubprocessOutcome, _ texts: String...) {
    #expect(outcome.status == 1 && outcome.output == "", "\(outcome)")
    #expect(outcome.errors.hasPrefix("rename-bsrnn-weights.py: error: "), "\(outcome)")
    #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome)")
    for text in texts { #expect(outcome.errors.contains(text), "\(outcome)") }
  }

  @Test func whatCannotBePlacedIsNamed() throws {
    try withTemporaryFolder { folder in
      let path = folder.file("in.safetensors")
      let foreign = ["layers.0.weight_orig", "lstm_t1.weight_ih_l1", "norm_t0.weight", "fc10.bias"]
      try write(
        Self.names + foreign.map { Name(published: $0, ours: "", shape: [3]) }, to: path)
      expectRefused(
        try rename("in.safetensors", in: folder), "in.safetensors has 4 tensors that",
        "fc10.bias, layers.0.weight_orig, lstm_t1.weight_ih_l1, norm_t0.weight")

      let absent = ["lstm_k3.bias_hh_l0_reverse", "mask_decoder.fc112.weight", "norm_t5.bias"]
      try write(Self.names.filter { !absent.contains($0.published) }, to: path)
      expectRefused(
        try rename("in.safetensors", in: folder), "lacks 3 tensors",
        "band.2.lstm.bias_hh_l0_reverse, decoder.fc1.11.weight, time.4.norm.bias")

      try write(
        [Name(published: "module.norm_t1.bias", ours: "", shape: [64])] + Self.names, to: path)
      expectRefused(try rename("in.safetensors", in: folder), "two tensors for time.0.norm.bias")
      #expect(try folder.names(in: "") == ["in.safetensors"])
    }
  }

  @Test func filesThatAreNoneAreRefused() throws {
    try withTemporaryFolder { folder in
      expectRefused(
        try rename("absent.safetensors", in: folder), "absent.safetensors: No such file")
      try write(Self.names, to: folder.file("in.safetensors"))
      let whole = try Data(contentsOf: folder.appending(path: "in.safetensors"))
      for count in [0, 7, 100, whole.count - 1] {
        try whole.prefix(count).write(to: folder.appending(path: "in.safetensors"))
        expectRefused(
          try rename("in.safetensors", in: folder), "in.safetensors is no whole safetensors file")
      }
      try "raise ImportError".write(
        toFile: folder.file("torch.py"), atomically: true, encoding: .utf8)
      try whole.write(to: folder.appending(path: "in.pt"))
      expectRefused(
        try rename(
          "in.pt", in: folder, environment: ["PYTHONPATH": folder.path(percentEncoded: false)]),
        "in.pt", "torch", "install it")
      #expect(!(try folder.names(in: "").contains("out.safetensors")))
    }
  }
}
