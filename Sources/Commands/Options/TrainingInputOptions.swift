import ArgumentParser
import Corpora
import Models

/// The system that `train` trains, and its corpus.
struct TrainingInputOptions: ParsableArguments {
  @Option(
    help: "A preset (\(Preset.names.joined(separator: ", "))) or a path to a JSON file of your own."
  )
  var preset: String

  @Option(
    help: ArgumentHelp(
      "Corpus: {train,valid}/{clean,noisy}, VoiceBank-DEMAND's folders, or a file of prepare pack.",
      valueName: "folder or file"))
  var data: String

  @Option(help: "Unusable files: stop, or skip (left out and listed).")
  var onBadFile = OnBadFile.stop
}

extension OnBadFile: ExpressibleByArgument {}
