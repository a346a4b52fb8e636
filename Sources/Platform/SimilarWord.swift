/// Search for the word that a user meant.
public enum SimilarWord {
  /// The name that is most likely meant by `word`; nil if none is like it.
  public static func nearest(to word: String, of names: [String]) -> String? {
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
