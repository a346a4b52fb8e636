import ArgumentParser
import Commands
import Testing

/// Words of a command line that the parser alone would misunderstand.
@Suite struct CommandWordsTests {
  @Test func negativeNumbersBelongToTheirOption() {
    func joined(_ text: String) -> String {
      CommandWords.joined(text.split(separator: " ").map(String.init)).joined(separator: " ")
    }
    #expect(joined("train --lr -1 --clip -inf -x") == "train --lr=-1 --clip=-inf -x")
    #expect(joined("train --lr=2 -1 --resume --data -") == "train --lr=2 -1 --resume --data -")
    #expect(joined("launch --ranks -2 -- train --lr -1") == "launch --ranks=-2 -- train --lr -1")
    #expect(joined("-1 -- --lr -1") == "-1 -- --lr -1")
  }

  /// Each option that takes a number refuses those that make no sense in its own words.
  @Test(arguments: [
    ("--lr", "-1", "--lr must be positive, not -1.0"),
    ("--clip", "inf", "--clip must be positive, not inf"),
    ("--clip", "nan", "--clip must be positive, not nan"),
    ("--seconds", "-2", "--seconds must be between 0.1 and 600, not -2.0"),
    ("--seconds", "inf", "--seconds must be between 0.1 and 600, not inf"),
    ("--ema", "nan", "--ema must be at least 0 and below 1, not nan"),
    ("--epochs", "-1", "--epochs must be at least 1, not -1"),
    ("--seed", "-1", "The value '-1' is invalid for '--seed <seed>'"),
  ])
  func numbersAreRefusedInWords(flag: String, value: String, text: String) throws {
    let words = CommandWords.joined(["train", "--preset", "abl1", "--data", "d", flag, value])
    let error = #expect(throws: (any Error).self) { try DistTrainCommand.parseAsRoot(words) }
    #expect(DistTrainCommand.message(for: try #require(error)) == text)
  }

  @Test(arguments: [
    (["enhnace", "--weights", "w"], "'enhnace'; did you mean 'enhance'? disttrain --help lists"),
    (["chek"], "did you mean 'check'?"), (["trian"], "did you mean 'train'?"),
    (["eval"], "did you mean 'evaluate'?"), (["help", "scroe"], "did you mean 'score'?"),
    (["prepare", "pakc"], "did you mean 'pack'? disttrain prepare --help lists the commands"),
    (["bench", "steps"], "did you mean 'step'? disttrain bench --help lists"),
    (["fly"], "there is no command 'fly'; disttrain --help lists the commands"),
  ])
  func unknownCommandsAreAnswered(words: [String], text: String) throws {
    #expect(try #require(CommandWords.unknownCommand(in: words)).contains(text))
  }

  @Test(arguments: [
    ["train", "--preset", "x"], ["prepare", "pack", "x"], ["--version"], [], ["help"],
    ["describe", "extra"], ["help", "prepare", "pack"],
  ])
  func otherWordsAreNot(words: [String]) {
    #expect(CommandWords.unknownCommand(in: words) == nil)
  }
}
