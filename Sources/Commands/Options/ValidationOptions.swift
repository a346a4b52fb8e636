import ArgumentParser
import Corpora

/// How `train` validates at the end of each epoch.
struct ValidationOptions: ParsableArguments {
  @Option(help: "Validate on this many utterances only, spread over the split.")
  var validationCount: Int?

  @Flag(help: "Validate while the next epoch trains, with the same scores.")
  var validateAsync = false

  @Option(parsing: .upToNextOption, help: "VoiceBank-DEMAND speakers kept for validation.")
  var validationSpeakers = PairedDataset.voiceBankValidationSpeakers

  func validate() throws {
    try Flags.require("--validation-count", validationCount, atLeast: 1)
  }
}
