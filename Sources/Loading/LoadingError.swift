import Audio
import Platform

/// Why a step does not get its crops.
package enum LoadingError: Error, Equatable, CustomStringConvertible {
  /// A crop could not be loaded.
  case unreadable(WaveFileError)
  /// A crop is too short for the transform.
  case tooShort(STFTError)
  /// No crop at all could be loaded in so many steps, though unusable ones are left out.
  case nothingReadable(steps: Int)

  /// One sentence that says what to do.
  package var description: String {
    switch self {
    case .unreadable(let error):
      "a training file cannot be used: \(error); put it right and go on with --resume, or leave "
        + "such files out with --resume --on-bad-file skip"
    case .nothingReadable(let steps):
      "no training file could be read in the last \(NumberText.count(steps, "step")); check that "
        + "the corpus is there and whole, and go on with --resume"
    case .tooShort(let error): "--seconds is too short: \(error)"
    }
  }
}
