import Files
import Foundation
import Testing
import TestSupport

/// Limits of the differences of an operation's outputs and gradients, relative to the largest
/// element: a few times what was measured over all cases, 1.3e-6 and 4.8e-6.
enum Tolerance {
  static let output = 3e-6
  static let gradient = 2e-5
  /// Floor of a gradient's absolute error: what the difference quotients leave of an exact zero.
  static let difference = 1e-10
  /// Limit of the `Double` reference: the reference vectors are rounded to float32.
  static let reference = 2e-7
}

/// Compares an operation with its `Double` reference, and its gradients with differences of it:
/// by every element, or by as many random elements of each array as are affordable. `floor` is an
/// absolute error that every gradient may have.
func expectMatchesReference(
  _ subject: some OperationCase, seed: UInt64 = 1, everyElement: Bool = false,
  floor: Double = Tolerance.difference,
  sourceLocation: SourceLocation = #_sourceLocation
) throws {
  let values = subject.randomValues(seed: seed)
  let upstream = subject.randomUpstream(seed: seed)
  let exact = values.mapValues { $0.map(Double.init) }
  let evaluation = try subject.evaluate(values, upstream: upstream)
  expectClose(
    evaluation.out, subject.reference(exact).map(Float.init), Tolerance.output, "out",
    sourceLocation: sourceLocation)
  let exactUpstream = upstream.map(Double.init)
  for array in subject.arrays {
    let gradient = try #require(evaluation.gradients[array.name])
    let largest = gradient.reduce(0) { max($0, abs(Double($1))) }
    for index in subject.sampledIndices(array, workLimit: everyElement ? .max : 40_000_000) {
      let expected = subject.referenceDerivative(
        of: array.name, at: index, exact, upstream: exactUpstream)
      let error = abs(Double(gradient[index]) - expected)
      let allowed = Tolerance.gradient * max(largest, abs(expected)) + floor
      #expect(
        error <= allowed, "\(array.name)[\(index)]: \(gradient[index]), not \(expected)",
        sourceLocation: sourceLocation)
    }
  }
}

/// Compares an operation with reference vectors, and its `Double` reference and the differences of
/// that with the same vectors: all three witnesses have to agree.
func expectMatchesGolden(
  _ subject: some OperationCase, _ file: SafetensorsFile,
  sourceLocation: SourceLocation = #_sourceLocation
) throws {
  var values: [String: [Float]] = [:]
  for array in subject.arrays {
    let entry = try #require(file.tensors[array.name], sourceLocation: sourceLocation)
    #expect(entry.shape == array.shape, "\(array.name)", sourceLocation: sourceLocation)
    values[array.name] = try entry.floats()
  }
  let named = file.tensors.keys.filter { $0.hasPrefix("param.") || $0.hasPrefix("in.") }
  #expect(Set(named) == Set(values.keys).union(["in.gout"]), sourceLocation: sourceLocation)

  let upstream = try #require(file.tensors["in.gout"]).floats()
  let out = try #require(file.tensors["out"])
  #expect(out.shape == subject.outputShape, sourceLocation: sourceLocation)
  let expected = try out.floats()
  let evaluation = try subject.evaluate(values, upstream: upstream)
  expectClose(
    evaluation.out, expected, Tolerance.output, "out", sourceLocation: sourceLocation)
  let exact = values.mapValues { $0.map(Double.init) }
  expectClose(
    subject.reference(exact).map(Float.init), expected, Tolerance.reference, "reference out",
    sourceLocation: sourceLocation)

  let exactUpstream = upstream.map(Double.init)
  for array in subject.arrays {
    let gradient = try #require(file.tensors["grad.\(array.name)"]).floats()
    expectClose(
      try #require(evaluation.gradients[array.name]), gradient, Tolerance.gradient,
      "grad.\(array.name)", sourceLocation: sourceLocation)
    let indices = subject.sampledIndices(array, workLimit: 10_000_000)
    let differences = indices.map {
      subject.referenceDerivative(of: array.name, at: $0, exact, upstream: exactUpstream)
    }
    let largest = gradient.reduce(0) { max($0, abs(Double($1))) }
    for (index, difference) in zip(indices, differences) {
      #expect(
        abs(difference - Double(gradient[index])) <= Tolerance.reference * largest
          + Tolerance.difference,
        "reference grad.\(array.name)[\(index)]", sourceLocation: sourceLocation)
    }
  }
}

/// Reads a file of reference vectors.
func golden(_ name: String) throws -> SafetensorsFile {
  try SafetensorsFile(contentsOf: fixturesFolder.appending(path: "golden/\(name).safetensors"))
}

extension SafetensorsFile {
  /// A list of integers from the metadata, written as JSON.
  func integers(_ key: String) throws -> [Int] {
    let value = try JSONValue(parsing: Array(try #require(metadata[key]).utf8))
    if case .integer(let number) = value { return [number] }
    return try #require(value.integers)
  }

  /// An integer from the metadata.
  func integer(_ key: String) throws -> Int { try #require(integers(key).first) }
}
