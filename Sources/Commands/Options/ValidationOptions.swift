import ArgumentParser
import Corpora
import DistTrain

/// How `train` validates at the end of each epoch.
struct ValidationOptions: ParsableArguments {
  @Option(help: "Validate on this many utterances only, spread over the split.")
  var validationCount: Int?

  @Flag(help: "Validate while the next epoch trains, with the same scores.")
  var validateAsync = false

  @OptionGroup var speakers: SpeakerOptions

  func validate() throws {
    try Flags.require("--validation-count", validationCount, atLeast: 1)
  }

  /// The validation that the options ask for.
  var request: ValidationRequest {
    ValidationRequest(
      count: validationCount, isBesideTraining: validateAsync, speakers: speakers.speakers)
  }
}
