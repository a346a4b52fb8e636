import Foundation

/// The commands of a code block, as far as examples in documentation use the shell.
enum ShellText {
  /// A command: its words, without redirections, and the number of its line.
  struct Command: Equatable {
    let line: Int
    let words: [String]
  }

  /// The commands of the lines, of which the first has the number `line`.
  static func commands(_ lines: [String], line first: Int = 1) -> [Command] {
    var commands: [Command] = []
    var joined = ""
    var start = first
    for (index, line) in lines.enumerated() {
      if joined.isEmpty { start = first + index }
      if line.hasSuffix("\\") {
        joined += line.dropLast() + " "
        continue
      }
      var reader = Reader(text: Array(joined + line))
      commands += reader.commands().map { Command(line: start, words: $0) }
      joined = ""
    }
    return commands
  }

  /// The arguments of disttrain if the words start it, alone or with `VAR=x`, `mpirun …` or
  /// `srun …` before it; nil if they start something else.
  static func arguments(ofProgramIn words: [String]) -> [String]? {
    guard
      let place = words.firstIndex(where: { $0 == "disttrain" || $0.hasSuffix("/disttrain") })
    else { return nil }
    let before = words[..<place].drop { word in
      word == "do" || word == "then" || word == "time"
        || word.prefix { $0 != "=" }.allSatisfy { $0.isLetter || $0.isNumber || $0 == "_" }
          && word.contains("=")
    }
    guard before.isEmpty || ["mpirun", "srun", "mpiexec"].contains(before.first) else { return nil }
    return Array(words[(place + 1)...])
  }

  private struct Reader {
    let text: [Character]
    var index = 0
    var words: [String] = []
    var word: String?
    var found: [[String]] = []

    mutating func commands() -> [[String]] {
      while index < text.count {
        let character = text[index]
        index += 1
        switch character {
        case " ", "\t": endWord()
        case "#" where word == nil: index = text.count
        case "'", "\"": readQuoted(character)
        case "$": word = (word ?? "") + substitution()
        case "\\" where index < text.count:
          word = (word ?? "") + String(text[index])
          index += 1
        case ">", "<": readRedirection()
        case "&" where index < text.count && text[index] == ">":
          index += 1
          readRedirection()
        case ";", "|", "&": endCommand()
        default: word = (word ?? "") + String(character)
        }
      }
      endCommand()
      return found
    }

    private mutating func endWord() {
      if let word { words.append(word) }
      word = nil
    }

    private mutating func endCommand() {
      endWord()
      if !words.isEmpty { found.append(words) }
      words = []
    }

    private mutating func readQuoted(_ quote: Character) {
      var content = word ?? ""
      while index < text.count, text[index] != quote {
        index += 1
        content +=
          text[index - 1] == "$" && quote == "\"" ? substitution() : String(text[index - 1])
      }
      index += 1
      word = content
    }

    /// A variable or the output of a command, after its dollar sign: taken to be 1.
    private mutating func substitution() -> String {
      guard index < text.count else { return "$" }
      let pairs: [Character: Character] = ["(": ")", "{": "}"]
      if let end = pairs[text[index]] {
        let start = text[index]
        var depth = 0
        repeat {
          if text[index] == start { depth += 1 }
          if text[index] == end { depth -= 1 }
          index += 1
        } while index < text.count && depth > 0
        return "1"
      }
      let begin = index
      while index < text.count, text[index].isLetter || text[index].isNumber || text[index] == "_" {
        index += 1
      }
      return index == begin ? "$" : "1"
    }

    /// Skips a redirection and its target, which belong to no word.
    private mutating func readRedirection() {
      if word?.allSatisfy(\.isNumber) == true { word = nil }
      endWord()
      while index < text.count, "><& ".contains(text[index]) { index += 1 }
      while index < text.count, !" \t;|&".contains(text[index]) { index += 1 }
    }
  }
}
