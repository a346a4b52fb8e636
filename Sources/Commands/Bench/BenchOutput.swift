import ArgumentParser
import Audio
import Evaluation
import Files
import Forecast
import Foundation
import Models
import Platform

/// Where the benchmarks' figures go.
struct BenchOutput: ParsableArguments {
  @Option(help: ArgumentHelp("Also write the figures there, as JSON.", valueName: "file"))
  var json: String?
  @Option(
    help: ArgumentHelp(
      "Name of this build in the JSON file, such as a commit.", valueName: "text"))
  var label: String?

  /// Measures the figures of a benchmark that needs no ranks, prints them and writes the file.
  ///
  /// - Throws: the error of `measure`; or `AtomicFileError`, before anything is measured if the
  ///   JSON file cannot be written.
  func report<Figures: Encodable & CustomStringConvertible>(
    _ kind: String, _ measure: () throws -> Figures
  ) throws {
    try validateFolder()
    let machine = BenchmarkMachine.current()
    begin(machine)
    try end(kind, machine, measure())
  }

  /// Throws, before anything is measured, if the JSON file cannot be written.
  func validateFolder() throws(AtomicFileError) {
    if let json { try Self.validateFolder(of: json) }
  }

  /// Throws if the file at `path` cannot be written, as when there is no such folder.
  static func validateFolder(of path: String) throws(AtomicFileError) {
    try AtomicFile.requireWritable(path)
  }

  /// Warns of what keeps the figures down; `printed` is a warning that is out already.
  func begin(_ machine: BenchmarkMachine, printed: String? = nil) {
    for warning in machine.warnings where warning != printed {
      Console.error("disttrain: warning: \(warning)")
    }
  }

  /// Subject of the figures.
  private func head(_ machine: BenchmarkMachine) -> String {
    "\(Program.nameAndVersion)\(label.map { " (\($0))" } ?? "")\n\(machine.line)"
  }

  /// Prints the figures and writes the file.
  func end(
    _ kind: String, _ machine: BenchmarkMachine, _ figures: some Encodable & CustomStringConvertible
  ) throws {
    try Console.results {
      guard let json else { return }
      let file = BenchmarkFile(kind: kind, label: label, machine: machine, figures: figures)
      try AtomicFile.write(try file.json(), to: URL(fileURLWithPath: json))
    } print: {
      Console.line("\(head(machine))\n\(figures.description)")
    }
  }

  /// The model of that name or file, whose bands have to be the bins of its front end,
  /// which crops of `cropSeconds` must not be too short for.
  static func model(
    _ preset: String, cropSeconds: Double? = nil
  ) throws -> ModelConfiguration {
    let model = try Preset.load(preset)
    try model.requireFrontEnd(cropSeconds: cropSeconds)
    return model
  }
}
