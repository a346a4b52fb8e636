import Files

/// Contents of one record of a TensorBoard event file.
///
/// The fields are those of TensorFlow's `event.proto`, `summary.proto` and `tensor.proto`.
enum TensorBoardEvent {
  /// The first record of a file.
  case fileVersion
  /// A process begins to write; what earlier ones wrote of this step and later ones is void.
  case start(step: Int)
  /// Numbers of a step, by tag.
  case scalars([(tag: String, value: Double)], step: Int)
  /// A text of a step, in Markdown.
  case text(tag: String, String, step: Int)

  /// The record as it stands in the file; `time` in seconds since 1970.
  func record(time: Double) -> [UInt8] {
    var event = ProtobufMessage()
    event.add(1, double: time)
    switch self {
    case .fileVersion:
      event.add(3, text: "brain.Event:2")
    case .start(let step):
      event.add(2, integer: step)
      var session = ProtobufMessage()
      session.add(1, integer: 1)
      event.add(7, message: session)
    case .scalars(let values, let step):
      event.add(2, integer: step)
      event.add(5, message: Self.summary(values))
    case .text(let tag, let text, let step):
      event.add(2, integer: step)
      event.add(5, message: Self.summary(tag: tag, text: text))
    }
    return Self.framed(event.bytes)
  }

  private static func summary(_ values: [(tag: String, value: Double)]) -> ProtobufMessage {
    var summary = ProtobufMessage()
    for (tag, number) in values {
      var value = ProtobufMessage()
      value.add(1, text: tag)
      value.add(2, float: Float(number))
      summary.add(1, message: value)
    }
    return summary
  }

  private static func summary(tag: String, text: String) -> ProtobufMessage {
    var dimension = ProtobufMessage()
    dimension.add(1, integer: 1)
    var shape = ProtobufMessage()
    shape.add(2, message: dimension)
    var tensor = ProtobufMessage()
    tensor.add(1, integer: 7)  // DT_STRING
    tensor.add(2, message: shape)
    tensor.add(8, text: text)
    var plugin = ProtobufMessage()
    plugin.add(1, text: "text")
    var metadata = ProtobufMessage()
    metadata.add(1, message: plugin)
    var value = ProtobufMessage()
    value.add(1, text: tag)
    value.add(8, message: tensor)
    value.add(9, message: metadata)
    var summary = ProtobufMessage()
    summary.add(1, message: value)
    return summary
  }

  /// A record of TFRecord: length, its checksum, the bytes, their checksum.
  private static func framed(_ bytes: [UInt8]) -> [UInt8] {
    let length = littleEndian(UInt64(bytes.count))
    return length + littleEndian(masked(length)) + bytes + littleEndian(masked(bytes))
  }

  /// Rotated and shifted, so that the checksum of a record that holds checksums is no constant.
  private static func masked(_ bytes: [UInt8]) -> UInt32 {
    let checksum = CRC32C(bytes).value
    return (checksum >> 15 | checksum << 17) &+ 0xa282_ead8
  }

  private static func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian) { Array($0) }
  }
}
