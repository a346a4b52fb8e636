import ArgumentParser
import Platform

/// The words of a command line, before the parser reads them.
package enum CommandWords {
  /// `words` with each negative number that follows an option joined to it: `--lr -1` becomes
  /// `--lr=-1`. The parser takes a word with a hyphen for an option and would say that the value is
  /// missing; so the option itself refuses the number, and says what it takes.
  package static func joined(_ words: [String]) -> [String] {
    var result: [String] = []
    for (index, word) in words.enumerated() {
      if word == "--" { return result + words[index...] }
      if let last = result.last, last.hasPrefix("--"), last.count > 2, !last.contains("="),
        word.hasPrefix("-"), Double(word) != nil
      {
        result[result.count - 1] = "\(last)=\(word)"
      } else {
        result.append(word)
      }
    }
    return result
  }

  /// A sentence about the first of `words` that should be a command and is none; nil if there is
  /// no such word.
  package static func unknownCommand(in words: [String]) -> String? {
    var place = "disttrain"
    var commands = DistTrainCommand.configuration.subcommands
    for word in words.first == "help" ? words.dropFirst() : words[...] {
      if word.hasPrefix("-") || commands.isEmpty { return nil }
      if let next = commands.first(where: { $0.configuration.commandName == word }) {
        place += " \(word)"
        commands = next.configuration.subcommands
        continue
      }
      let names = commands.compactMap { $0.configuration.commandName }
      let help = "\(place) --help lists the commands"
      guard let similar = SimilarWord.nearest(to: word, of: names) else {
        return "there is no command '\(word)'; \(help)"
      }
      return "there is no command '\(word)'; did you mean '\(similar)'? \(help)"
    }
    return nil
  }
}
