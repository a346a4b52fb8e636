import Foundation
import Testing
import TestSupport

/// The object files of the two kernel targets.
///
/// Both are compiled from one source into one program. A symbol that is weak in both, such as a
/// specialisation of a generic function of the standard library, would be merged by the linker: it
/// keeps either copy, and on a machine without AVX-512 the other one may not run. So the two share
/// no code, and AVX-512 code shares none with any other target.
struct KernelObjectsTests {
  private struct Symbol: Hashable {
    let name: String
    /// As nm prints it: W and V are weak, u is unique, upper case is global.
    let kind: Character
  }

  /// Symbols that the objects of a target define and offer to the linker.
  private func exported(_ target: String) throws -> Set<Symbol> {
    let folder = MPIRun.productsFolder.appending(path: "\(target).build")
    let objects = try FileManager.default.contentsOfDirectory(
      at: folder, includingPropertiesForKeys: nil
    ).map { $0.path(percentEncoded: false) }.filter { $0.hasSuffix(".o") }.sorted()
    try #require(!objects.isEmpty, "no objects in \(folder.path)")
    let outcome = try Subprocess.run(
      "/usr/bin/env", ["nm", "--defined-only", "--extern-only", "--format=posix"] + objects,
      timeLimit: 30)
    try #require(outcome.status == 0, "\(outcome)")
    var symbols: Set<Symbol> = []
    for line in outcome.output.split(separator: "\n") {
      // "name kind value size"; names of type references contain spaces and single letters, and
      // the hexadecimal numbers may be one of a to f.
      let fields = line.split(separator: " ")
      guard
        let kind = fields.dropFirst().last(where: {
          $0.count == 1 && $0.first.map { $0.isLetter && !("a"..."f").contains($0) } == true
        })
      else { continue }
      symbols.insert(Symbol(name: String(fields[0]), kind: Character(String(kind))))
    }
    return symbols
  }

  /// Data that every Swift module carries alike: the version of reflection metadata, references
  /// to types and to protocols of other modules.
  private func isSharedData(_ symbol: Symbol) -> Bool {
    symbol.kind == "V"
      && (symbol.name == "__swift_reflection_version" || symbol.name.hasPrefix("got.")
        || symbol.name.hasPrefix("symbolic"))
  }

  /// All other targets that were built, but for tests and what only they use.
  private func others() throws -> [String] {
    try FileManager.default.contentsOfDirectory(
      atPath: MPIRun.productsFolder.path(percentEncoded: false)
    )
    .filter { $0.hasSuffix(".build") }.map { String($0.dropLast(6)) }
    .filter { !$0.contains("Test") && !["KernelsAVX512", "MPIProbe", "Drill"].contains($0) }
    .filter { try hasObjects($0) }
    .sorted()
  }

  private func hasObjects(_ target: String) throws -> Bool {
    try FileManager.default.contentsOfDirectory(
      atPath: MPIRun.productsFolder.appending(path: "\(target).build").path(percentEncoded: false)
    ).contains { $0.hasSuffix(".o") }
  }

  @Test func shareNoCode() throws {
    let wide = try exported("KernelsAVX512")
    #expect(wide.contains { $0.name.contains("matrixProduct") && $0.kind == "T" })
    let others = try others()
    #expect(Set(others).isSuperset(of: ["KernelsAVX2", "KernelAPI", "Tensor", "Models"]))
    for other in others {
      let shared = wide.intersection(try exported(other)).filter { !isSharedData($0) }
      #expect(shared.map(\.name).sorted() == [], "\(other)")
    }
  }
}
