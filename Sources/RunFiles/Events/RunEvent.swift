import Files
import Foundation

/// Something that happened in a run: a line of `metrics.jsonl`.
///
/// `docs/files.md` has the meaning and the unit of every field.
package enum RunEvent: Equatable, Sendable {
  case start(Start), step(Step), epoch(Epoch), checkpoint(Checkpoint), waiting(Waiting)
  case stop(Stop), fallback(Fallback), nonFinite(NonFinite), rollback(Rollback), diverged(Diverged)
  case leftOut(LeftOut), discriminator(Discriminator), unlabelled(Unlabelled)

  /// All kinds of events. A kind that is missing here cannot be read.
  package static let kinds: [any EventFields.Type] = [
    Start.self, Step.self, Epoch.self, Checkpoint.self, Waiting.self, Stop.self, Fallback.self,
    NonFinite.self, Rollback.self, Diverged.self, LeftOut.self, Discriminator.self,
    Unlabelled.self,
  ]

  /// The fields of the event.
  package var fields: any EventFields {
    switch self {
    case .start(let fields): fields
    case .step(let fields): fields
    case .epoch(let fields): fields
    case .checkpoint(let fields): fields
    case .waiting(let fields): fields
    case .stop(let fields): fields
    case .fallback(let fields): fields
    case .nonFinite(let fields): fields
    case .rollback(let fields): fields
    case .diverged(let fields): fields
    case .leftOut(let fields): fields
    case .discriminator(let fields): fields
    case .unlabelled(let fields): fields
    }
  }

  /// The step that the run goes on from, if this is a start or a rollback: what the run did after
  /// it does not count any more, since it is done again.
  package var resumedStep: Int? {
    switch self {
    case .start(let start): start.step
    case .rollback(let rollback): rollback.step
    default: nil
    }
  }

  /// The event at `date` as a line of `metrics.jsonl`, without its line break: a JSON object with
  /// the keys `event`, `time` and those of the fields, sorted.
  package func line(at date: Date) -> String {
    let fields = fields
    var members = Dictionary(uniqueKeysWithValues: fields.fields.map { ($0.name, $0.value) })
    members["event"] = .string(type(of: fields).name)
    let time = date.formatted(.iso8601.year().month().day().time(includingFractionalSeconds: true))
    members["time"] = .string(time + "Z")
    return JSONValue.object(members).description
  }
}

/// The fields of a kind of events.
package protocol EventFields: FieldList, Equatable, Sendable {
  /// The kind, as the key `event` has it.
  static var name: String { get }
  /// The event with these fields.
  var event: RunEvent { get }
}

extension EventFields {
  /// The fields that `set` sets, for a writer that knows few; the others as if they were missing.
  package init(_ set: (inout Self) -> Void) {
    self.init()
    set(&self)
  }
}

/// A line of `metrics.jsonl`.
package struct LoggedEvent: Equatable, Sendable {
  /// When it happened, as the file has it: UTC, ISO 8601; nil if the line does not say.
  package let time: String?
  /// The event; nil if only a later version knows its kind.
  package let event: RunEvent?

  /// An event that is read already.
  init(time: String?, event: RunEvent?) {
    self.time = time
    self.event = event
  }

  /// Reads the bytes of a line as the other does; those that are no UTF-8 count as U+FFFD.
  package init(bytes line: UnsafeRawBufferPointer) throws {
    if let step = StepLine.event(in: line) {
      self = step
    } else {
      try self.init(String(decoding: line, as: UTF8.self))
    }
  }

  /// Reads a line. Keys that only later versions know are ignored, and those that earlier versions
  /// do not have keep the value of `FieldList.init`.
  ///
  /// - Throws: `DecodingError` if the line is no event, lacks a key that every version writes, or
  ///   has a value of another type.
  package init(_ line: some StringProtocol) throws {
    self = try JSONDecoder().decode(LoggedEvent.self, from: Data(line.utf8))
  }

  /// `time` as a date; nil if it has another form.
  package var date: Date? { time.flatMap(EventTime.date) }
}

extension LoggedEvent: Decodable {
  /// Reads a JSON object.
  package init(from decoder: any Decoder) throws {
    let object = try decoder.container(keyedBy: FieldName.self)
    let name = try object.decode(String.self, forKey: FieldName(stringValue: "event"))
    time = try object.decodeIfPresent(String.self, forKey: FieldName(stringValue: "time"))
    event = try RunEvent.kinds.first { $0.name == name }.map { try Self.read($0, object) }
  }

  private static func read<Fields: EventFields>(
    _ kind: Fields.Type, _ object: KeyedDecodingContainer<FieldName>
  ) throws -> RunEvent {
    var fields = Fields()
    var reader = JSONFieldReader(object: object)
    try fields.visit(&reader)
    return fields.event
  }
}
