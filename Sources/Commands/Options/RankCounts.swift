import ArgumentParser

/// Numbers of ranks as users write them: "1,2,4", or "1..1024" for the powers of two from 1 to
/// 1024.
package struct RankCounts: ExpressibleByArgument, Equatable, Sendable {
  /// Ascending, each once.
  package let counts: [Int]

  /// Numbers in any order, of which equal ones count once.
  package init(_ counts: [Int]) { self.counts = Array(Set(counts)).sorted() }

  /// A list, ranges in it allowed; nil for anything else.
  package init?(argument: String) {
    var counts: [Int] = []
    for part in argument.split(separator: ",", omittingEmptySubsequences: false) {
      let ends = String(part).components(separatedBy: "..").map { Int($0) }
      guard let first = ends[0], (1...1_048_576).contains(first), ends.count <= 2 else {
        return nil
      }
      if ends.count == 1 {
        counts.append(first)
        continue
      }
      guard let last = ends[1], first <= last, last <= 1_048_576 else { return nil }
      var count = first
      while count < last {
        counts.append(count)
        count *= 2
      }
      counts.append(last)
    }
    self.init(counts)
  }

  /// As it is written.
  package var defaultValueDescription: String {
    counts.map(String.init).joined(separator: ",")
  }
}
