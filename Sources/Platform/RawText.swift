import Foundation

/// Texts as the system has them, in bytes that need not be UTF-8.
package enum RawText {
  /// The text in `bytes`; nil if it is not UTF-8.
  package static func text(_ bytes: some Collection<UInt8>) -> String? {
    String(validating: bytes, as: UTF8.self)
  }

  /// The text in `bytes` for messages, with bytes that are no printable ASCII as `\xE9`.
  package static func escaped(_ bytes: some Collection<UInt8>) -> String {
    bytes.map { byte in
      (0x20...0x7E).contains(byte)
        ? String(UnicodeScalar(byte)) : "\\x" + String(format: "%02X", byte)
    }.joined()
  }
}
