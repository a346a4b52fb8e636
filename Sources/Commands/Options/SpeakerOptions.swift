import ArgumentParser
import Corpora

/// The speakers of VoiceBank-DEMAND that are kept for validation.
struct SpeakerOptions: ParsableArguments {
  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "VoiceBank-DEMAND speakers that are kept for validation; each has to be in the training set. "
        + "(default: p226 p287)", valueName: "names"))
  var validationSpeakers: [String] = []

  /// The speakers that were asked for, or the usual ones.
  var speakers: ValidationSpeakers {
    validationSpeakers.isEmpty ? .usual : ValidationSpeakers(validationSpeakers)
  }
}
