import ArgumentParser
import Commands
import Foundation

/// Compares what pages of documentation name with the program, its sources and the repository.
struct DocumentationCheck {
  /// How much was compared, by kind: a check that finds nothing proves nothing.
  private(set) var counts: [Kind: Int] = [:]
  private(set) var problems: [Problem] = []

  enum Kind: String, CaseIterable { case command, flag, message, link, path, script }

  struct Problem: CustomStringConvertible, Equatable {
    let kind: Kind
    let place: String
    let text: String
    var description: String { "\(place): \(text)" }
  }

  private let repository: DocumentedRepository
  private let messages: SourceMessages
  /// Sections of the page of messages whose tables quote none of this program.
  private let foreignSections: Set<String> = ["Messages of other programs", "Without a message"]

  init(_ repository: DocumentedRepository, _ messages: SourceMessages) {
    self.repository = repository
    self.messages = messages
  }

  /// Checks all that `page` names. Messages are quoted in troubleshooting.md only.
  mutating func check(_ page: MarkdownPage) {
    checkFences(page)
    checkLinks(page)
    for span in page.codeSpans {
      checkPath(span, page)
      checkFlags(span, page)
    }
    if page.path.hasSuffix("troubleshooting.md") { checkMessages(page) }
  }

  private mutating func require(
    _ condition: Bool, _ kind: Kind, _ page: MarkdownPage, _ line: Int, _ text: String
  ) {
    counts[kind, default: 0] += 1
    if !condition {
      problems.append(Problem(kind: kind, place: "\(page.path):\(line)", text: text))
    }
  }

  // MARK: Commands

  private mutating func checkFences(_ page: MarkdownPage) {
    for fence in page.fences where ["bash", "sh"].contains(fence.language) {
      for command in ShellText.commands(fence.text, line: fence.line) {
        if let arguments = ShellText.arguments(ofProgramIn: command.words) {
          let reason = Self.refusal(of: arguments)
          require(
            reason == nil, .command, page, command.line,
            "disttrain \(arguments.joined(separator: " ")): \(reason ?? "")")
        } else {
          checkScript(command.words, page, command.line)
        }
      }
    }
  }

  /// Why the program's parser does not understand the arguments; nil if it does.
  static func refusal(of arguments: [String]) -> String? {
    do {
      _ = try DistTrainCommand.parseAsRoot(arguments)
      // launch parses the rest only when it runs.
      if arguments.first == "launch", let end = arguments.firstIndex(of: "--") {
        return refusal(of: Array(arguments[(end + 1)...]))
      }
      return nil
    } catch {
      // Help and version are no mistakes.
      if DistTrainCommand.exitCode(for: error) == .success { return nil }
      return DistTrainCommand.message(for: error)
    }
  }

  /// A script of the repository must be there and know the flags that it is given.
  private mutating func checkScript(_ words: [String], _ page: MarkdownPage, _ line: Int) {
    let interpreters: Set<String> = ["bash", "python3", "sbatch", "source", "srun", "sh"]
    guard
      let place = words.firstIndex(where: { !$0.contains("=") && !interpreters.contains($0) })
    else { return }
    let name = words[place]
    guard repository.isInside(name) else { return }
    let text = repository.text(of: name)
    require(text != nil, .script, page, line, "\(name) does not exist")
    guard let text else { return }
    for word in words[(place + 1)...] {
      guard let flag = Self.flag(word) else { continue }
      let isKnown = text.contains(flag) || passesOptionsOn(text) && repository.flags.contains(flag)
      require(isKnown, .flag, page, line, "\(name) has no \(flag)")
    }
  }

  /// Whether a script gives its arguments to disttrain.
  private func passesOptionsOn(_ script: String) -> Bool {
    script.contains("\"$@\"") || script.contains("argv") || script.contains("$*")
  }

  private static func flag(_ word: String) -> String? {
    guard word.hasPrefix("--"), word.count > 2 else { return nil }
    let name = word.prefix { $0.isLetter || $0.isNumber || "-_".contains($0) }
    return name.count > 2 ? String(name) : nil
  }

  // MARK: Flags in running text

  /// Flags in code font are of a command of this program, of a script, or of a tool in `toolFlags`.
  private mutating func checkFlags(_ span: MarkdownPage.Span, _ page: MarkdownPage) {
    guard let command = ShellText.commands([span.text]).first else { return }
    var words = command.words
    if let arguments = ShellText.arguments(ofProgramIn: words) { words = arguments }
    guard let first = words.first else { return }
    let names = repository.commandFlags.keys.filter { name in
      words.starts(with: name.split(separator: " ").map(String.init))
    }
    if let name = names.max(by: { $0.count < $1.count }) {
      for flag in words.prefix(while: { $0 != "--" }).compactMap(Self.flag) {
        let isKnown = repository.commandFlags[name]?.contains(flag) == true
        require(isKnown, .flag, page, span.line, "disttrain \(name) has no \(flag)")
      }
    } else if repository.isInside(first), words.count > 1 {
      checkScript(words, page, span.line)
    } else if first.hasPrefix("--") {
      for flag in words.compactMap(Self.flag) {
        let isKnown =
          repository.flags.contains(flag) || Self.toolFlags.contains(flag)
          || repository.isInScript(flag)
        require(isKnown, .flag, page, span.line, "no command and no script has \(flag)")
      }
    }
  }

  /// Flags of mpirun, srun, swift and others that the pages name.
  private static let toolFlags: Set<String> = [
    "--bind-to", "--exclusive", "--filter", "--mca", "--mpi", "--oversubscribe",
    "--report-bindings",
    "--xunit-output",
  ]

  // MARK: Links and paths

  private mutating func checkLinks(_ page: MarkdownPage) {
    for link in page.links {
      let target = link.text.split(separator: " ").first.map(String.init) ?? ""
      if target.contains("://") || target.hasPrefix("mailto:") { continue }
      let parts = target.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
      let file = String(parts[0])
      let path =
        file.isEmpty ? page.path : DocumentedRepository.resolve(file, from: page.path)
      require(
        repository.has(path), .link, page, link.line, "the link leads to \(path): no such file")
      guard parts.count == 2, repository.has(path) else { continue }
      let anchors = file.isEmpty ? page.anchors : repository.anchors(of: path)
      require(
        anchors.contains(String(parts[1])), .link, page, link.line,
        "the link leads to \(target): no such heading")
    }
  }

  /// Files in code font: those of the repository by path or name, those that the program or a
  /// script writes by name.
  private mutating func checkPath(_ span: MarkdownPage.Span, _ page: MarkdownPage) {
    let name = span.text
    let isPlain = name.allSatisfy {
      $0.isASCII && ($0.isLetter || $0.isNumber || "._-/*+".contains($0))
    }
    guard isPlain, name.contains(where: \.isLetter), !Self.isPlaceholder(name) else { return }
    if repository.isInside(name) {
      require(repository.has(name), .path, page, span.line, "\(name) does not exist")
      return
    }
    let file = name.split(separator: "/").last.map(String.init) ?? name
    guard let dot = file.lastIndex(of: "."), dot != file.startIndex, !file.hasPrefix("*") else {
      return
    }
    let ending = String(file[file.index(after: dot)...])
    switch ending {
    case "swift", "py", "sh", "sbatch", "tsv", "example", "md", "svg", "png":
      let isThere =
        repository.has(DocumentedRepository.resolve(name, from: page.path))
        || repository.hasFile(named: name) || ending != "swift" && repository.isWritten(file)
        || Self.foreignFiles.contains(name)
      require(isThere, .path, page, span.line, "no file is named \(name)")
    case "csv", "json", "jsonl", "html":
      require(
        repository.hasFile(named: name) || repository.isWritten(file), .path, page, span.line,
        "no file is named \(name), and nothing writes one")
    default: return
    }
  }

  /// Files of other projects.
  private static let foreignFiles: Set<String> = ["module.py"]

  /// Names with a part in capitals, such as `FILE-noisy.csv`.
  private static func isPlaceholder(_ name: String) -> Bool {
    let known: Set<String> = [
      "README", "CHANGELOG", "CONTRIBUTING", "NOTES", "LICENSE", "ATTRIBUTION",
    ]
    return name.split { !$0.isLetter }.contains { part in
      part.allSatisfy(\.isUppercase) && !known.contains(String(part))
    }
  }

  // MARK: Messages

  private mutating func checkMessages(_ page: MarkdownPage) {
    for row in page.rows where !foreignSections.contains(row.section) {
      for quotation in MarkdownPage.codeSpans(of: row.cells.first ?? "") {
        require(
          messages.contain(quotation), .message, page, row.line,
          "no message of the program is \"\(quotation)\"")
      }
    }
  }
}
