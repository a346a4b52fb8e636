import Foundation

/// The JSON of `value` for people and programs: indented, keys sorted, slashes as they are; the
/// same text for the same value.
///
/// - Parameter snakeCase: writes the key `sampleRate` as `sample_rate`.
/// - Throws: `EncodingError` if a number is not finite.
package func indentedJSON(_ value: some Encodable, snakeCase: Bool = false) throws -> String {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
  if snakeCase { encoder.keyEncodingStrategy = .convertToSnakeCase }
  return String(decoding: try encoder.encode(value), as: UTF8.self)
}
