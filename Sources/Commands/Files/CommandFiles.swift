import ArgumentParser
import Corpora
import Files
import Foundation
import Platform
import RunFiles

/// A command that reads or writes files that its user names.
package protocol FileCommand: ParsableCommand {
  /// Whether ranks may run it together. Then `ParallelCommand` looks at the files, on rank 0.
  var isParallel: Bool { get }

  /// All files that the user names, by what the command does with them.
  func files() -> CommandFiles
}

extension FileCommand {
  package var isParallel: Bool { false }
}

/// Why a command would destroy a file that it needs.
package enum OutputClash: Error, Equatable, CustomStringConvertible {
  /// An output is a file that the command reads; `input` names its option.
  case isInput(path: String, output: String, input: String)
  /// Two outputs are one file.
  case isOutput(path: String, output: String, other: String)
  /// No file system takes a name as long as that of the output.
  case tooLong(path: String, output: String, byteCount: Int)
  /// The output has the name of a file that the run in its folder has or may have.
  case isOfRun(path: String, output: String)

  /// One sentence that names the file and the options.
  package var description: String {
    switch self {
    case .isInput(let path, let output, let input):
      "\(path): this file belongs to the input of the command (\(input)) and would be replaced; "
        + "give another name for \(output)"
    case .isOutput(let path, let output, let other):
      "\(path): two outputs would be this file, \(output) and \(other); give them different names"
    case .tooLong(let path, let output, let byteCount):
      "\(path): the name has \(byteCount) bytes, and file systems take "
        + "\(CommandFiles.longestName); give a shorter one for \(output)"
    case .isOfRun(let path, let output):
      "\(path): a run has a file of this name; give another name for \(output)"
    }
  }
}

/// The files that a command reads and those that it writes.
///
/// `validate` refuses a command that would replace one of its inputs, or write two outputs into one
/// file. Files are compared by their identity: a link, another spelling and a hard link are the
/// same file.
package struct CommandFiles {
  /// Something that the command reads.
  private struct Input {
    /// The option, for messages.
    let name: String
    let path: String
    /// Whether a folder is one of a run, and not of recordings.
    let isRun: Bool
    /// Files of the run that the command may replace.
    let exceptions: Set<RunFolder.Name>
  }

  /// The longest name of a file, in bytes.
  package static let longestName = 255

  private var inputs: [Input] = []
  /// Runs whose corpora belong to the input.
  private var runsOfCorpora: [String] = []
  private var outputs: [(name: String, path: String)] = []

  /// No files.
  package init() {}

  /// Adds a file or a folder of recordings that `name`, an option, gives.
  package mutating func read(_ name: String, _ path: String?) {
    guard let path, !path.isEmpty else { return }
    inputs.append(Input(name: name, path: path, isRun: false, exceptions: []))
  }

  /// Adds files that are read.
  package mutating func read(_ name: String, _ paths: [String]) {
    for path in paths { read(name, path) }
  }

  /// Adds a run folder, whose files are read.
  package mutating func read(_ name: String, runs: [String]) {
    for path in runs {
      inputs.append(Input(name: name, path: path, isRun: true, exceptions: []))
    }
  }

  /// Adds the corpora that runs were trained on, as far as they are where they were.
  package mutating func read(corporaOf runs: [String]) { runsOfCorpora += runs }

  /// Adds weights. The other files of their run belong to the input, too, but for test scores,
  /// which are written beside the weights that they judge.
  package mutating func read(_ name: String, weights path: String) {
    read(name, path)
    inputs.append(
      Input(
        name: name, path: PathText.folder(path), isRun: true,
        exceptions: [.testScores, .noisyTestScores]))
  }

  /// Adds a file that `name`, an option, has the command write.
  package mutating func write(_ name: String, _ path: String?) {
    guard let path, !path.isEmpty else { return }
    outputs.append((name, path))
  }

  /// Adds files that are written into a folder.
  package mutating func write(_ name: String, into folder: String?, _ files: [String]) {
    guard let folder, !folder.isEmpty else { return }
    for file in files { write(name, "\(folder)/\(file)") }
  }

  /// The paths of the inputs and those of the outputs.
  package var paths: (inputs: [String], outputs: [String]) {
    (inputs.map(\.path), outputs.map(\.path))
  }

  /// Throws if an output is one of the inputs or another output.
  package func validate() throws(OutputClash) {
    try requireNames()
    try requireDistinctOutputs()
    for output in outputs {
      // A file that is not there is no input, and devices are written to, not replaced.
      guard let status = FileIdentity.status(output.path.utf8),
        status.isRegular || status.isFolder, !Self.isDevice(output.path)
      else { continue }
      let identity = FileIdentity(status)
      for input in inputs + corpora(besides: output.path)
      where Self.contains(input, identity) {
        throw .isInput(path: output.path, output: output.name, input: input.name)
      }
    }
  }

  /// The corpora of the runs. They are looked for only if the output, which is there, is no page:
  /// the events of a long run take a second to read.
  private func corpora(besides output: String) -> [Input] {
    if PathText.fileExtension(output) == "html" { return [] }
    return runsOfCorpora.flatMap { run in
      MetricsFile.events(at: RunFolder(run).metrics, of: RunEvent.Start.self).compactMap { event in
        guard case .start(let start)? = event.event, let data = start.data else { return nil }
        return Input(name: "the corpus of \(run)", path: data, isRun: false, exceptions: [])
      }
    }
  }

  private func requireNames() throws(OutputClash) {
    for output in outputs {
      let count = PathText.name(output.path).utf8.count
      if count > Self.longestName {
        throw .tooLong(path: output.path, output: output.name, byteCount: count)
      }
    }
    for run in inputs where run.isRun {
      for output in outputs where RunFolder.isOwn(PathText.name(output.path)) {
        let names = run.exceptions.map(\.rawValue)
        guard !names.contains(PathText.name(output.path)),
          let folder = FileIdentity.status(PathText.folder(output.path).utf8),
          let own = FileIdentity.status(run.path.utf8), FileIdentity(folder) == FileIdentity(own),
          FileIdentity.status(output.path.utf8) == nil
        else { continue }
        throw .isOfRun(path: output.path, output: output.name)
      }
    }
  }

  private static func isDevice(_ path: String) -> Bool {
    path.hasPrefix("/dev/") || path.hasPrefix("/proc/")
  }

  private func requireDistinctOutputs() throws(OutputClash) {
    var known: [String: String] = [:]
    for output in outputs where !Self.isDevice(output.path) {
      let place = Self.place(output.path)
      if let other = known[place] {
        throw .isOutput(path: output.path, output: output.name, other: other)
      }
      known[place] = output.name
    }
  }

  /// Whether the file or folder of that identity is what `input` reads, or part of it.
  private static func contains(_ input: Input, _ identity: FileIdentity) -> Bool {
    guard let status = FileIdentity.status(input.path.utf8) else { return false }
    if FileIdentity(status) == identity { return true }
    if !status.isFolder { return false }
    if input.isRun {
      return runFiles(input).contains { FileIdentity.status($0).map(FileIdentity.init) == identity }
    }
    return FolderWalk.contains([identity], in: Array(input.path.utf8), isTaken: isOfCorpus)
  }

  /// The files that a run has written, by the bytes of their paths.
  private static func runFiles(_ input: Input) -> [[UInt8]] {
    let folder = RunFolder(input.path)
    let names = RunFolder.Name.allCases.filter { !input.exceptions.contains($0) }
    var files = names.map { folder.file($0) } + folder.checkpoints().map(\.url)
    files += folder.keptEpochs.map(folder.weights(epoch:))
    for name in [RunFolder.Name.nonFinite, .tensorBoard] {
      let inside = folder.file(name)
      let entries = try? FileManager.default.contentsOfDirectory(
        atPath: inside.path(percentEncoded: false))
      files += (entries ?? []).map { inside.appending(path: $0) }
    }
    return files.map { Array($0.path(percentEncoded: false).utf8) }
  }

  /// Ends of the names of files that make a corpus.
  private static let endings = [
    ".wav", ".flac", ".w64", ".rf64", ".aif", ".aiff", ".aifc", ".au", ".caf", ".sph", ".ogg",
    ".opus", ".mp3", "manifest.csv", "manifest.json",
  ].map { Array($0.utf8) }

  private static func isOfCorpus(_ name: [UInt8]) -> Bool {
    let name = name.map { (0x41...0x5a).contains($0) ? $0 | 0x20 : $0 }
    return endings.contains { name.suffix($0.count).elementsEqual($0) }
  }

  /// The path of a file that may not be there yet, with the links in its folder's path resolved.
  private static func place(_ path: String) -> String {
    let url = URL(fileURLWithPath: path).standardizedFileURL
    let folder = url.deletingLastPathComponent().resolvingSymlinksInPath()
    return folder.appending(path: url.lastPathComponent).path(percentEncoded: false)
  }
}
