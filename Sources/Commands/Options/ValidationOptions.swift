import ArgumentParser
import DistTrain

/// How `train` validates its epochs.
struct ValidationOptions: ParsableArguments {
  @Option(help: "Validate on this many utterances only, spread over the split.")
  var validationCount: Int?

  @Flag(help: "Validate beside the training of the next pass, with the same scores.")
  var validateAsync = false

  func validate() throws {
    if let validationCount, validationCount < 1 {
      throw ValidationError("--validation-count must be at least 1, not \(validationCount)")
    }
  }

  var request: ValidationRequest {
    ValidationRequest(count: validationCount, isBesideTraining: validateAsync)
  }
}
