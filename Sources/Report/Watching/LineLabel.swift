/// The label that a launcher puts before each line of a rank, if it is asked to.
enum LineLabel {
  /// `line` without a label in the form of
  /// - `srun --label`: `1: …`, with blanks before the number where there are many ranks,
  /// - `mpirun --tag-output`: `[1,0]<stdout>:…`, and `--timestamp-output`: `DATE<stdout>:…`,
  /// - MPICH's `mpiexec -l`: `[1] …`.
  ///
  /// No line of this program begins like that.
  static func removed(from line: Substring) -> Substring {
    ofOpenMPI(line) ?? ofMPICH(line) ?? ofSLURM(line) ?? line
  }

  private static func ofSLURM(_ line: Substring) -> Substring? {
    let number = line.drop { $0 == " " }
    let rest = number.drop { $0.isASCII && $0.isNumber }
    guard rest.first == ":", rest.startIndex > number.startIndex else { return nil }
    return withoutBlank(rest.dropFirst())
  }

  private static func ofMPICH(_ line: Substring) -> Substring? {
    guard line.first == "[" else { return nil }
    let number = line.dropFirst()
    let rest = number.drop { $0.isASCII && $0.isNumber }
    guard rest.hasPrefix("] "), rest.startIndex > number.startIndex else { return nil }
    return rest.dropFirst(2)
  }

  /// A host, a job and a date are shorter.
  private static let longestLabel = 120

  private static func ofOpenMPI(_ line: Substring) -> Substring? {
    let start = line.prefix(longestLabel)
    for stream in ["<stdout>:", "<stderr>:"] {
      guard let mark = start.range(of: stream), let before = start[..<mark.lowerBound].last,
        before == "]" || before.isNumber
      else { continue }
      return withoutBlank(line[mark.upperBound...])
    }
    return nil
  }

  /// Version 5 of Open MPI and SLURM put a blank behind the label.
  private static func withoutBlank(_ line: Substring) -> Substring {
    line.first == " " ? line.dropFirst() : line
  }
}
