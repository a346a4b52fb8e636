/// The two words that the log promises to its readers' greps.
///
/// `grep Epoch` and `grep PESQ` must find the one line per epoch and nothing else, whatever a path
/// or an error message contains.
package enum LogWords {
  package static let reserved = ["Epoch", "PESQ"]

  /// `text` with the reserved words in lower case, which the greps pass over.
  package static func safe(_ text: String) -> String {
    var text = text
    for word in reserved {
      text = text.replacing(word, with: word.lowercased())
    }
    return text
  }
}
