import Foundation

/// The time of an event, as `metrics.jsonl` has it: UTC, ISO 8601 with milliseconds.
enum EventTime {
  /// The time as a date; nil if `text` has another form. Parts out of range count over, as a 30th
  /// of February is the 1st or 2nd of March.
  static func date(_ text: String) -> Date? { usual(text) ?? any(text) }

  /// The form that the program writes, such as `2026-11-30T11:57:39.634Z`, in a fiftieth of the
  /// time: a long run has hundreds of thousands of events.
  private static func usual(_ text: String) -> Date? {
    var text = text
    return text.withUTF8 { bytes -> Date? in
      let form: StaticString = "0000-00-00T00:00:00.000Z"
      guard bytes.count == form.utf8CodeUnitCount else { return nil }
      for (index, byte) in bytes.enumerated() {
        let expected = form.utf8Start[index]
        let isRight = expected == 0x30 ? (0x30...0x39).contains(byte) : byte == expected
        if !isRight { return nil }
      }
      func number(_ start: Int, _ count: Int) -> Int {
        bytes[start..<start + count].reduce(0) { 10 * $0 + Int($1 - 0x30) }
      }
      let (year, month, day) = (number(0, 4), number(5, 2), number(8, 2))
      let (hour, minute, second) = (number(11, 2), number(14, 2), number(17, 2))
      guard (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60, second < 60,
        year >= 1970
      else { return nil }
      let whole = daysSince1970(year, month, day) * 86_400 + hour * 3600 + minute * 60
      let seconds = Double(1000 * second + number(20, 3)) / 1000
      return Date(timeIntervalSince1970: Double(whole) + seconds)
    }
  }

  /// Days of a date of the Gregorian calendar. Years begin with March, so that the leap day is the
  /// last of its year.
  private static func daysSince1970(_ year: Int, _ month: Int, _ day: Int) -> Int {
    let years = month > 2 ? year : year - 1
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    return 365 * years + years / 4 - years / 100 + years / 400 + dayOfYear - 719_468
  }

  private static func any(_ text: String) -> Date? {
    let fields = text.split(whereSeparator: { !$0.isNumber && $0 != "." })
    guard fields.count == 6, let seconds = Double(fields[5]), seconds < 62 else { return nil }
    let whole = fields.prefix(5).compactMap { Int32($0) }
    guard whole.count == 5 else { return nil }
    var parts = tm()
    parts.tm_year = whole[0] - 1900
    parts.tm_mon = whole[1] - 1
    parts.tm_mday = whole[2]
    parts.tm_hour = whole[3]
    parts.tm_min = whole[4]
    return Date(timeIntervalSince1970: Double(timegm(&parts)) + seconds)
  }
}
