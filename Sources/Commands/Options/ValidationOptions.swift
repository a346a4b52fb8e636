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
    if let validationCount, validationCount < 1 {
      throw ValidationError("--validation-count must be at least 1, not \(validationCount)")
    }
  }
}
