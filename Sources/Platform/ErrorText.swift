import Foundation

/// The text of any error, for people.
///
/// Errors of this program describe themselves in a sentence. Errors of Foundation and the standard
/// library describe themselves to programmers; they should become errors of this program where they
/// arise, and those that do not are put into words here.
package enum ErrorText {
  /// One sentence about `error`.
  package static func sentence(_ error: any Error) -> String {
    // By the type itself: as a value any error can also be had as one of Foundation.
    if type(of: error) is NSError.Type { return foundation(error as NSError) }
    switch error {
    case let error as DecodingError: return decoding(error)
    case let error as EncodingError: return encoding(error)
    case let error as POSIXError: return reason(code: error.code.rawValue)
    case let error as CocoaError: return file(error)
    default:
      if type(of: error) is any CustomStringConvertible.Type { return "\(error)" }
      return
        "unexpected failure \(type(of: error)).\(error), a fault of the program; please report "
        + "it"
    }
  }

  /// The reason of `error` without the name of a file, for a sentence that names it.
  package static func reason(_ error: any Error) -> String {
    if let code = systemCode(error as NSError) { return reason(code: code) }
    switch error {
    case let error as CocoaError: return cocoaReason(error)
    default: return sentence(error)
    }
  }

  private static func reason(code: Int32) -> String { String(cString: strerror(code)) }

  /// The system's error behind one of Foundation.
  private static func systemCode(_ error: NSError) -> Int32? {
    if error.domain == NSPOSIXErrorDomain { return Int32(truncatingIfNeeded: error.code) }
    guard let cause = error.userInfo[NSUnderlyingErrorKey] as? any Error else { return nil }
    let inner = cause as NSError
    return inner.domain == NSPOSIXErrorDomain ? Int32(truncatingIfNeeded: inner.code) : nil
  }

  private static func file(_ error: CocoaError) -> String {
    let cause = systemCode(error as NSError).map(reason(code:)) ?? cocoaReason(error)
    let path =
      error.filePath ?? error.url?.path(percentEncoded: false)
      ?? error.userInfo["NSFilePath"] as? String
    return path.map { "\($0): \(cause)" } ?? cause
  }

  private static func cocoaReason(_ error: CocoaError) -> String {
    switch error.code {
    case .fileReadNoSuchFile, .fileNoSuchFile: reason(code: ENOENT)
    case .fileReadNoPermission, .fileWriteNoPermission: reason(code: EACCES)
    case .fileWriteOutOfSpace: reason(code: ENOSPC)
    case .fileWriteFileExists: reason(code: EEXIST)
    case .fileWriteVolumeReadOnly: reason(code: EROFS)
    case .fileReadInvalidFileName, .fileWriteInvalidFileName: "the name cannot be used for a file"
    case .fileReadCorruptFile, .fileReadInapplicableStringEncoding: "it is damaged, or no text"
    case .fileReadTooLarge: reason(code: EFBIG)
    default: "it cannot be read or written (Foundation's error \(error.code.rawValue))"
    }
  }

  private static func foundation(_ error: NSError) -> String {
    if let code = systemCode(error) { return reason(code: code) }
    if error.domain == NSCocoaErrorDomain, let known = error as any Error as? CocoaError {
      return file(known)
    }
    return
      "unexpected failure \(error.domain) \(error.code), a fault of the program; please report it"
  }

  private static func decoding(_ error: DecodingError) -> String {
    switch error {
    case .keyNotFound(let key, let context):
      "JSON cannot be understood: the key \"\(path(context.codingPath + [key]))\" is missing"
    case .typeMismatch(_, let context), .valueNotFound(_, let context):
      "JSON cannot be understood: the value of \"\(path(context.codingPath))\" is of another type"
    case .dataCorrupted(let context) where context.codingPath.isEmpty: "it is no valid JSON"
    case .dataCorrupted(let context):
      "JSON cannot be understood: the value of \"\(path(context.codingPath))\" makes no sense"
    @unknown default: "JSON cannot be understood"
    }
  }

  private static func encoding(_ error: EncodingError) -> String {
    guard case .invalidValue(let value, let context) = error else {
      return "a value cannot be written as JSON"
    }
    return "\"\(path(context.codingPath))\" cannot be written as JSON: it is \(value)"
  }

  private static func path(_ keys: [any CodingKey]) -> String {
    keys.map { $0.intValue.map { "\($0)" } ?? $0.stringValue }.joined(separator: ".")
  }
}
