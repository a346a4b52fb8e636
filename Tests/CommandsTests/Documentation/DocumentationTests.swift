import Foundation
import TestSupport
import Testing

/// The pages say what the program, its sources and the repository are. Nothing that they name is
/// run.
struct DocumentationTests {
  private static let everything = Result {
    try DocumentedRepository.read(
      fixturesFolder.deletingLastPathComponent().deletingLastPathComponent())
  }

  @Test func pagesNameOnlyWhatExists() throws {
    let (repository, pages, messages) = try Self.everything.get()
    var check = DocumentationCheck(repository, messages)
    for page in pages { check.check(page) }
    for problem in check.problems { Issue.record("\(problem)") }
    // Checks that no longer find what they are to check would pass.
    let least: [DocumentationCheck.Kind: Int] = [
      .command: 60, .flag: 100, .message: 50, .link: 100, .path: 120, .script: 10,
    ]
    for (kind, count) in least {
      #expect(check.counts[kind, default: 0] >= count, "\(kind.rawValue)s: \(check.counts)")
    }
    #expect(pages.count > 50 && messages.count > 2000)
  }

  /// Each kind of mistake in a page of its own.
  @Test(
    arguments: [
      (.command, "```bash\ndisttrain train --preset abl3 --dta CORPUS\n```"),
      (.command, "```bash\nmpirun -np 2 .build/release/disttrain train --preset abl3\n```"),
      (
        .command,
        "```sh\nfor n in 1 2; do\n  X=1 srun -n $n disttrain bench stp --preset abl3\ndone\n```"
      ),
      (.command, "```bash\ndisttrain launch --ranks 2 -- train --preset abl3\n```"),
      (
        .command,
        "```bash\ndisttrain check && \"$PWD/.build/release/disttrain\" evaluate \\\n"
          + "  --weights w\n```"
      ),
      (.command, "```bash\ndisttrain train --preset abl3 --data C --keep 0 > log 2>&1 &\n```"),
      (.script, "```bash\nscripts/no-such-script.sh\n```"),
      (.flag, "```bash\nX=1 bash scripts/drill.sh --no-such-flag\n```"),
      (.flag, "Use `--no-such-flag` for that."),
      (.flag, "Use `train --reference FILE` for that."),
      (.flag, "Use `disttrain bench step\n--nodes 2` for that."),
      (.link, "See [there](no-such-page.md)."),
      (.link, "# A heading\n\nSee [there](#another-heading)."),
      (.link, "See [`there`](../README.md#no-such-heading)."),
      (.path, "See `NoSuchFile.swift`."),
      (.path, "See `Sources/Models/NoSuchFolder`."),
      (.path, "See `no-such-metrics.jsonl`."),
      (
        .message,
        "## Kernels\n\n| message | x |\n|---|---|\n| `no such … message is in the program` | x |"
      ),
      (.message, "| `… …: ` | too little to find |"),
    ] as [(DocumentationCheck.Kind, String)])
  func mistakesAreFound(_ kind: DocumentationCheck.Kind, _ text: String) throws {
    let (repository, _, messages) = try Self.everything.get()
    var check = DocumentationCheck(repository, messages)
    check.check(MarkdownPage(path: "docs/troubleshooting.md", text: text))
    #expect(check.problems.map(\.kind) == [kind], "\(check.problems)")
  }

  @Test func correctPagesPass() throws {
    let (repository, _, messages) = try Self.everything.get()
    var check = DocumentationCheck(repository, messages)
    let text = """
      # A page: `train` and more

      ## Twice
      ## Twice

      See [one](#a-page-train-and-more), [two](#twice-1), [three](../README.md) and
      [four](https://nowhere.invalid/x.md), `--preset`, `train --resume`, `--bind-to none`,
      `Tensor.swift`, `Sources/Models/Presets`, `metrics.jsonl`, `FILE-noisy.csv` and
      `scripts/drill.sh --short`.

      ```bash
      cd x; disttrain check | tee log    # disttrain no command
      for n in 1 2; do
        A=b mpirun -np $n --hostfile hostfiles/mine "$PWD/.build/release/disttrain" train \\
          --preset abl3 --batch "$((6 / n))" --data 'my corpus' --resume >> log 2>&1 &
      done
      ldd .build/release/disttrain
      disttrain launch --ranks 2 -- train --preset abl3 --data x && disttrain watch runs/*/seed*
      disttrain train --help
      ```

      ```text
      disttrain no command
      ```

      ## Messages of other programs

      | message | explanation |
      |---|---|
      | `this is no message of the program` | x |
      """
    check.check(MarkdownPage(path: "docs/troubleshooting.md", text: text))
    #expect(check.problems.isEmpty, "\(check.problems)")
    #expect(check.counts[.command] == 5 && check.counts[.link] == 5)
  }

  @Test func shellTextIsReadAsTheShellDoes() {
    let commands = ShellText.commands(
      [
        "# a comment", "a 'b  c' \"d $x ${y:-2}\" e\\ f#g # h", "i > j 2>&1 k < l; m=$(n | o) p \\",
        "  q && r|s &",
      ], line: 7)
    #expect(
      commands.map(\.words) == [
        ["a", "b  c", "d 1 1", "e f#g"], ["i", "k"], ["m=1", "p", "q"], ["r"], ["s"],
      ])
    #expect(commands.map(\.line) == [8, 9, 9, 9, 9])
  }

  @Test func messagesAreJoinedAcrossLiterals() {
    var messages = SourceMessages()
    messages.addSwift(
      #"""
      // "a text in a comment"
      let a = "\(path): the file has \(count == 1 ? "only one" : "\(count)") "
        + "lines, \"and\" " + text.count(2, "more word") + " behind"
      let b = String(format: "took %.1f s, 50%% of it", seconds)
      let c = """
        first line \
        and its rest
        """
      """#)
    messages.addC(
      #"printf("%s: no " /* x */ "vectors" " here\n", name); char q = '"'; f("later");"#)
    for quotation in [
      "…: the file has … lines, \"and\" … behind", "only one", "more word", "took … s, 50% of it",
      "first line and its rest", "…: no vectors here", "later",
    ] { #expect(messages.contain(quotation), "\(quotation)") }
    for quotation in [
      "a text in a comment", "lines, … the file has", "the file has only one",
      "vectors … no vectors",
      "… : …", "",
    ] { #expect(!messages.contain(quotation), "\(quotation)") }
  }
}
