import ArgumentParser
import Commands
import Foundation

/// The repository that the documentation describes, and the options of its program.
struct DocumentedRepository {
  /// Paths of all files, and of the folders that hold them, from the root.
  let files: Set<String>
  private let folders: Set<String>
  /// Names in the sources and scripts, such as those of files that the program writes.
  private let writtenNames: Set<String>
  private let texts: [String: String]
  private let pageAnchors: [String: Set<String>]
  /// Options of each command, by its name without `disttrain`.
  let commandFlags: [String: Set<String>]
  let flags: Set<String>

  /// Folders that hold what the documentation speaks of.
  private static let roots = [
    ".ci", "Benchmarks", "Sources", "Tests", "docs", "hostfiles", "python", "scripts", "slurm",
  ]

  /// A repository of these files. `texts` are those of scripts and Markdown, by path.
  init(files: Set<String>, texts: [String: String], sources: [String]) {
    self.files = files
    self.texts = texts
    folders = Set(
      files.flatMap { file in
        let parts = file.split(separator: "/")
        return (1..<max(1, parts.count)).map { parts[..<$0].joined(separator: "/") }
      })
    var names: Set<String> = []
    for text in sources + texts.filter({ !$0.key.hasSuffix(".md") }).values {
      for word in text.split(whereSeparator: { !Self.isOfName($0) }) where word.contains(".") {
        names.insert(String(word))
      }
    }
    writtenNames = names
    pageAnchors = texts.filter { $0.key.hasSuffix(".md") }.reduce(into: [:]) { anchors, page in
      anchors[page.key] = MarkdownPage(path: page.key, text: page.value).anchors
    }
    var commandFlags: [String: Set<String>] = [:]
    Self.collectFlags(of: DistTrainCommand.self, name: "", into: &commandFlags)
    flags = commandFlags.values.reduce(into: []) { $0.formUnion($1) }
    self.commandFlags = commandFlags.filter { !$0.key.isEmpty }
  }

  private static func isOfName(_ character: Character) -> Bool {
    character.isLetter || character.isNumber || "._-+".contains(character)
  }

  /// The repository in the folder `root`, and the Swift and C sources in it.
  static func read(_ root: URL) throws -> (
    repository: DocumentedRepository, pages: [MarkdownPage], messages: SourceMessages
  ) {
    let manager = FileManager.default
    var files: Set<String> = []
    for name in try manager.contentsOfDirectory(atPath: root.path(percentEncoded: false)) {
      if roots.contains(name) {
        let folder = root.appending(path: name).path(percentEncoded: false)
        for case let path as String in manager.enumerator(atPath: folder) ?? .init() {
          var isFolder: ObjCBool = false
          _ = manager.fileExists(atPath: "\(folder)/\(path)", isDirectory: &isFolder)
          if !isFolder.boolValue { files.insert("\(name)/\(path)") }
        }
      } else if !name.hasPrefix(".") || name == ".swift-format" {
        var isFolder: ObjCBool = false
        _ = manager.fileExists(
          atPath: root.appending(path: name).path(percentEncoded: false), isDirectory: &isFolder)
        if !isFolder.boolValue { files.insert(name) }
      }
    }
    var texts: [String: String] = [:]
    var sources: [String] = []
    var messages = SourceMessages()
    let readable: Set<String> = ["md", "sh", "py", "sbatch", "tsv", "example", "swift", "c", "h"]
    for file in files.sorted() {
      let ending = URL(filePath: file).pathExtension
      let isScript = file == ".ci/run"
      guard readable.contains(ending) || isScript else { continue }
      let text = try String(contentsOf: root.appending(path: file), encoding: .utf8)
      let isSource = file.hasPrefix("Sources/")
      if isSource { sources.append(text) }
      if isSource, ending == "swift" { messages.addSwift(text) }
      if isSource, ending == "c" || ending == "h" { messages.addC(text) }
      if !["swift", "c", "h"].contains(ending) { texts[file] = text }
    }
    let pages = texts.filter { $0.key.hasSuffix(".md") }.sorted { $0.key < $1.key }
      .map { MarkdownPage(path: $0.key, text: $0.value) }
    return (
      DocumentedRepository(files: files, texts: texts, sources: sources), pages, messages
    )
  }

  /// Options of a command and those below it, as its help lists them.
  private static func collectFlags(
    of command: ParsableCommand.Type, name: String, into flags: inout [String: Set<String>]
  ) {
    let help = DistTrainCommand.helpMessage(for: command, columns: 10_000)
    flags[name] = ["--help", "--version"]
    for line in help.split(separator: "\n") where line.hasPrefix("  -") {
      for word in line.split(whereSeparator: { " ,/".contains($0) }) {
        if !word.hasPrefix("-") { break }
        flags[name]?.insert(String(word))
      }
    }
    for subcommand in command.configuration.subcommands {
      let word = subcommand.configuration.commandName ?? ""
      let full = name.isEmpty ? word : "\(name) \(word)"
      collectFlags(of: subcommand, name: full, into: &flags)
      // A group such as bench stands for the options of all its commands.
      let below = flags[full] ?? []
      flags[name]?.formUnion(below)
    }
  }

  /// `path`, a link in the page `page`, from the root.
  static func resolve(_ path: String, from page: String) -> String {
    var parts = page.split(separator: "/").dropLast().map(String.init)
    for part in path.split(separator: "/") {
      switch part {
      case ".": continue
      case "..": _ = parts.popLast()
      default: parts.append(String(part))
      }
    }
    return parts.joined(separator: "/")
  }

  /// Whether the path begins in a folder of the repository.
  func isInside(_ path: String) -> Bool {
    let parts = path.split(separator: "/", omittingEmptySubsequences: false)
    return parts.count > 1 && Self.roots.contains(String(parts[0]))
  }

  /// Whether there is such a file or folder; `*` stands for any characters.
  func has(_ path: String) -> Bool {
    let path = path.hasSuffix("/") ? String(path.dropLast()) : path
    if path.isEmpty || files.contains(path) || folders.contains(path) { return true }
    return path.contains("*") && files.contains { Self.matches($0, path) }
  }

  /// Whether a file in any folder has this name, or this end of its path.
  func hasFile(named name: String) -> Bool {
    files.contains { Self.matches($0, name) || Self.matches($0, "*/\(name)") }
  }

  /// Whether the sources or scripts name such a file, which is then one that they write.
  func isWritten(_ name: String) -> Bool { writtenNames.contains(name) }

  /// Whether a script has this option.
  func isInScript(_ flag: String) -> Bool {
    texts.contains { !$0.key.hasSuffix(".md") && $0.value.contains(flag) }
  }

  /// The text of a script or page.
  func text(of path: String) -> String? {
    texts[path] ?? (has(path) ? "" : nil)
  }

  func anchors(of page: String) -> Set<String> { pageAnchors[page] ?? [] }

  private static func matches(_ path: String, _ pattern: String) -> Bool {
    let parts = pattern.components(separatedBy: "*")
    if parts.count == 1 { return path == pattern }
    var rest = Substring(path)
    for (index, part) in parts.enumerated() {
      if part.isEmpty { continue }
      if index == 0 {
        if !rest.hasPrefix(part) { return false }
        rest = rest.dropFirst(part.count)
      } else if index == parts.count - 1 {
        return rest.hasSuffix(part)
      } else if let range = rest.range(of: part) {
        rest = rest[range.upperBound...]
      } else {
        return false
      }
    }
    return true
  }
}
