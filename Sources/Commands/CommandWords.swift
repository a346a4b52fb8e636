import ArgumentParser

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
      guard let similar = nearest(to: word, of: names) else {
        return "there is no command '\(word)'; \(help)"
      }
      return "there is no command '\(word)'; did you mean '\(similar)'? \(help)"
    }
    return nil
  }

  /// The name that is most likely meant by `word`; nil if none is like it.
  static func nearest(to word: String, of names: [String]) -> String? {
    if word.count >= 3, let whole = names.first(where: { $0.hasPrefix(word) }) { return whole }
    let distances = names.map { (name: $0, edits: edits(Array(word), Array($0))) }
    guard let best = distances.min(by: { $0.edits < $1.edits }) else { return nil }
    // Half of a short word may be wrong by chance.
    let limit = min(3, max(1, min(best.name.count, word.count) / 2 - 1))
    return best.edits <= limit ? best.name : nil
  }

  /// The number of letters that are left out, added, changed, or swapped with the next.
  private static func edits(_ one: [Character], _ other: [Character]) -> Int {
    var rows = [Array(0...other.count)]
    for i in one.indices {
      var row = [i + 1]
      for j in other.indices {
        let change = rows[i][j] + (one[i] == other[j] ? 0 : 1)
        var least = min(change, rows[i][j + 1] + 1, row[j] + 1)
        if i > 0, j > 0, one[i] == other[j - 1], one[i - 1] == other[j] {
          least = min(least, rows[i - 1][j - 1] + 1)
        }
        row.append(least)
      }
      rows.append(row)
    }
    return rows[one.count][other.count]
  }
}
