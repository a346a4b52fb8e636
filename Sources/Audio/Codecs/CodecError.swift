import Platform

/// Reasons for which a signal cannot be coded and decoded. Every case names the format.
package enum CodecError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The installed libsndfile, version `library`, lacks the format; `reason` is its own.
  case unavailable(CodecFormat, library: String, reason: String)
  /// The format has no such sample rate, in hertz.
  case unsupportedRate(CodecFormat, rate: Int)
  /// The quality is not between 0 and 1.
  case invalidQuality(CodecFormat, quality: Double)
  /// Sample number `index` is NaN or infinite.
  case nonFinite(CodecFormat, index: Int)
  /// libsndfile took the signal and did not return it.
  case failed(CodecFormat, library: String, reason: String)

  /// One sentence that names the format, what is wrong and what to do.
  package var description: String {
    switch self {
    case .unavailable(let format, let library, let reason):
      "\(format.rawValue): \(library) cannot encode it (\(reason)); install "
        + "\(format.firstLibrary) or later, built with this format, or leave \(format.rawValue) out"
    case .unsupportedRate(let format, let rate):
      "\(format.rawValue): no sample rate of \(rate) Hz; use \(Self.rates(format)) Hz, or leave "
        + "\(format.rawValue) out"
    case .invalidQuality(let format, let quality):
      "\(format.rawValue): a quality of \(NumberText.setting(quality)) does not exist; give one "
        + "from 0 (worst) to 1 (best)"
    case .nonFinite(let format, let index):
      "\(format.rawValue): sample \(index) of the signal is not a finite number; check what made it"
    case .failed(let format, let library, let reason):
      "\(format.rawValue): \(library) does not return the signal (\(reason)); install another "
        + "version, or leave \(format.rawValue) out"
    }
  }

  /// The sample rates of a format in words.
  private static func rates(_ format: CodecFormat) -> String {
    guard let rates = format.sampleRates, let last = rates.last else {
      return "\(CodecFormat.rateRange.lowerBound) to \(CodecFormat.rateRange.upperBound)"
    }
    return rates.dropLast().map { "\($0)" }.joined(separator: ", ") + " or \(last)"
  }
}
