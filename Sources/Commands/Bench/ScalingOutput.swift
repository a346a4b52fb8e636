import ArgumentParser
import Corpora
import Files
import Forecast
import Foundation
import Platform

/// Where tables and pictures of scaling go.
struct ScalingOutput: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Also write the figures into this folder, as JSON, CSV and SVG.", valueName: "folder"))
  var output: String?
  @Option(
    help: ArgumentHelp("Name of this build in the JSON file, such as a commit.", valueName: "text"))
  var label: String?

  /// Makes the folder, before anything is measured.
  func makeFolder() throws {
    if let output { try OutputFolder.make(output) }
  }

  /// Prints the figures and writes them as `name`.json, .csv and .svg.
  func end(
    _ name: String, _ figures: some Encodable & CustomStringConvertible, csv: String,
    _ picture: ScalingPicture
  ) throws {
    guard let output else { return Console.line(figures.description) }
    let folder = URL(fileURLWithPath: output)
    let file = BenchmarkFile(
      kind: name, label: label, machine: BenchmarkMachine.current(), figures: figures)
    try AtomicFile.write(try file.json(), to: folder.appending(path: "\(name).json"))
    try AtomicFile.write(csv, to: folder.appending(path: "\(name).csv"))
    try AtomicFile.write(picture.svg, to: folder.appending(path: "\(name).svg"))
    Console.line(figures.description)
    Console.line("")
    Console.line("written: \(output)/\(name).json, .csv and .svg")
  }
}
