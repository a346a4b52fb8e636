import Files
import Models
import Platform
import Tensor

/// Weights of a file that fit a model in name and shape, and those that do not.
package struct WeightFit {
  /// The prefix that all names in the file have in front of the model's, such as `module.`.
  package let prefix: String
  /// Prefixes under which other names of the file are parameters' names, with their numbers, the
  /// most frequent first: of each only those under `prefix` are taken.
  package let otherPrefixes: [(prefix: String, count: Int)]
  /// The parameters that are taken, in the model's order.
  package let taken: [String]
  /// Faults of the file's tensors and of the model's parameters that are not taken.
  package let faults: [WeightFileError.Fault]
  private let model: SpeechEnhancer
  private let values: [(parameter: Int, floats: [Float])]
  /// Number of tensors of the file, and of those whose names begin with `prefix`.
  private let tensorCount: (all: Int, prefixed: Int)

  /// Compares the tensors of `weights` with the parameters of `model`, whose memory is not used.
  package init(_ weights: InitialWeights, model: SpeechEnhancer) {
    let parameters = model.parameters.parameters
    let names = Set(parameters.map(\.name))
    let prefixes = Self.prefixes(weights.tensors.map(\.name), names)
    let prefix = prefixes.first?.prefix ?? ""
    self.prefix = prefix
    otherPrefixes = Array(prefixes.dropFirst())
    tensorCount = (
      weights.tensors.count, weights.tensors.count { $0.name.hasPrefix(prefix) }
    )
    let tensors = Dictionary(weights.tensors.map { ($0.name, $0.entry) }) { first, _ in first }
    var values: [(parameter: Int, floats: [Float])] = []
    var faults: [WeightFileError.Fault] = []
    for (index, parameter) in parameters.enumerated() {
      let name = prefix + parameter.name
      guard let entry = tensors[name] else {
        faults.append(.missing(name: parameter.name, shape: parameter.shape))
        continue
      }
      guard entry.shape == parameter.shape else {
        faults.append(.wrongShape(name: name, expected: parameter.shape, found: entry.shape))
        continue
      }
      guard let floats = entry.convertedFloats() else {
        faults.append(.wrongType(name: name, dtype: entry.dtype))
        continue
      }
      let broken = floats.count { !$0.isFinite }
      if broken > 0 {
        faults.append(.notFinite(name: name, count: broken))
      } else {
        values.append((index, floats))
      }
    }
    for (name, entry) in weights.tensors
    where !name.hasPrefix(prefix) || !names.contains(String(name.dropFirst(prefix.count))) {
      faults.append(.unexpected(name: name, shape: entry.shape))
    }
    self.model = model
    self.values = values
    self.faults = faults
    taken = values.map { parameters[$0.parameter].name }
  }

  /// Prefixes under which `found` are among `names`, with their numbers: the most frequent first,
  /// of several the shortest.
  private static func prefixes(
    _ found: [String], _ names: Set<String>
  ) -> [(prefix: String, count: Int)] {
    var counts: [String: Int] = [:]
    for name in found {
      var start = name.startIndex
      while true {
        if names.contains(String(name[start...])) {
          counts[String(name[..<start]), default: 0] += 1
        }
        guard let dot = name[start...].firstIndex(of: ".") else { break }
        start = name.index(after: dot)
      }
    }
    return counts.map { (prefix: $0.key, count: $0.value) }.sorted { one, other in
      one.count == other.count
        ? (one.prefix.count, one.prefix) < (other.prefix.count, other.prefix)
        : one.count > other.count
    }
  }

  /// Copies the weights that fit into the parameters of `target`, a model like the one compared
  /// with.
  package func copy(to target: SpeechEnhancer) {
    for (index, floats) in values {
      let parameter = target.parameters.parameters[index]
      parameter.value.update(from: floats, count: parameter.count)
    }
  }

  /// Throws unless the file holds what the start of a run needs.
  ///
  /// - Parameters:
  ///   - weights: the file.
  ///   - isPartial: whether some of the weights are enough.
  /// - Throws: `InitialWeightsError.unfit` with the first faults of each kind, or `.nothingFits`.
  package func require(
    of weights: InitialWeights, isPartial: Bool
  ) throws(InitialWeightsError) {
    let path = weights.file.path
    let name = model.configuration.name
    if taken.isEmpty {
      let clauses = WeightFileError.clauses(faults, limit: 3)
      let other = weights.file.configuration.map(\.name).flatMap { $0 == name ? nil : $0 }
      throw .nothingFits(
        path: path, model: name, writtenFor: other,
        reasons: weights.tensors.isEmpty
          ? "it holds no weights" : clauses.joined(separator: "; "))
    }
    if !isPartial && !faults.isEmpty {
      throw .unfit(
        .unfit(
          path: path, model: name, writtenFor: weights.file.configuration?.name, faults: faults))
    }
  }

  /// Lines for the log about what is taken, and about what is left on both sides.
  package var report: [String] {
    let parameters = model.parameters.parameters
    let takenSet = Set(taken)
    let numbers = values.reduce(0) { $0 + $1.floats.count }
    var lines: [String] = []
    if !prefix.isEmpty { lines.append(prefixText) }
    let all = model.parameters.parameterCount
    // All but a few are not 100%.
    let share = NumberText.percent(
      numbers == all ? 1 : min(0.99, Double(numbers) / Double(max(1, all))))
    lines.append(
      "taken: \(taken.count) of \(NumberText.count(parameters.count, "tensor")), "
        + "\(NumberText.grouped(numbers)) of \(NumberText.grouped(all)) numbers (\(share))"
        + (faults.isEmpty ? "" : ": " + components(takenSet)))
    if !otherPrefixes.isEmpty {
      let found = otherPrefixes.map { other in
        "\(other.count) "
          + (other.prefix.isEmpty ? "without a prefix" : "under \"\(other.prefix)\"")
      }
      lines.append(
        "more names of the model's parameters are in the file, of which none is taken: "
          + ItemList.text(found, limit: 8) + "; rename them to take them")
    }
    let left = faults.filter { if case .missing = $0 { false } else { true } }
    if !left.isEmpty {
      lines.append(
        "left in the file: " + WeightFileError.clauses(left, limit: 32).joined(separator: "; "))
    }
    let initial = parameters.filter { !takenSet.contains($0.name) }
    if !initial.isEmpty {
      lines.append(
        "not taken from the file, with the initial values of the seed: "
          + NumberText.count(initial.count, "tensor") + ": "
          + ItemList.text(initial.map { "\($0.name) \($0.shape)" }, limit: 32))
    }
    return lines
  }

  private var prefixText: String {
    let (all, prefixed) = tensorCount
    return prefixed == all
      ? "the names in the file have the prefix \"\(prefix)\""
      : "\(prefixed) of \(NumberText.count(all, "name")) in the file have the prefix \"\(prefix)\""
  }

  /// Numbers of tensors that are taken and that there are, by component of the model.
  private func components(_ taken: Set<String>) -> String {
    var order: [String] = []
    var counts: [String: (taken: Int, all: Int)] = [:]
    for parameter in model.parameters.parameters {
      let component = ModelSummary.component(of: parameter.name)
      if counts[component] == nil { order.append(component) }
      counts[component, default: (0, 0)].all += 1
      if taken.contains(parameter.name) { counts[component, default: (0, 0)].taken += 1 }
    }
    let texts = order.compactMap { name -> String? in
      guard let count = counts[name], count.taken > 0 else { return nil }
      return "\(name) \(count.taken)/\(count.all)"
    }
    return ItemList.text(texts, limit: 32)
  }
}

extension InitialWeights {
  /// Warnings about a file that was written for a model that computes otherwise than `model` with
  /// the same weights: another front end, another level of the signals, or other settings without
  /// weights.
  package func warnings(for model: SpeechEnhancer, isPartial: Bool) -> [String] {
    guard let own = file.configuration else { return [] }
    var differences = model.configuration.differences(from: own).filter {
      // Some weights of another architecture are taken on purpose.
      !isPartial || $0.key.hasPrefix("front_end")
    }.map { "\($0.key) \($0.other ?? "as by default"), here \($0.own ?? "as by default")" }
    if file.level != model.inputLevel {
      differences.append("level \(file.level.rawValue), here \(model.inputLevel.rawValue)")
    }
    if differences.isEmpty { return [] }
    return [
      "\(file.path) was written for another model than it is used for: "
        + differences.joined(separator: "; ")
    ]
  }
}
