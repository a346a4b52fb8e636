import Files
import Foundation
import RunFiles
import Testing
import TestSupport

/// Reading the lines of steps without a JSON decoder: the same events, and the decoder for others.
@Suite struct StepLineTests {
  private static let date = Date(timeIntervalSince1970: 1_796_041_185.25)

  private static func step(_ random: inout SplitMix64) -> RunEvent {
    func number() -> Double {
      // All sizes: JSON has exponents for the smallest and the largest.
      let size = pow(10.0, Double(random.below(30)) - 20)
      switch random.below(9) {
      case 0: return Double(random.below(9))
      case 1: return Double(random.below(2000)) / 1000
      case 2: return Double(Float(random.uniform()))
      default: return random.uniform() * size
      }
    }
    let isSkipped = random.below(6) == 0
    return .step(
      .init(
        step: random.below(1_000_000) + 1, loss: isSkipped ? .nan : number(),
        gradientNorm: isSkipped ? .infinity : number(), learningRate: number(),
        isSkipped: isSkipped, dataSeconds: number(), busySeconds: number(),
        exposedSeconds: number()))
  }

  private static func read(_ bytes: [UInt8]) -> (quick: LoggedEvent?, exact: LoggedEvent?) {
    let quick = bytes.withUnsafeBytes { StepLine.event(in: $0) }
    return (quick, try? LoggedEvent(String(decoding: bytes, as: UTF8.self)))
  }

  /// Numbers in any form that JSON has, as the decoder rounds them, or left to it.
  @Test func numbersAreRoundedAsTheDecoderRoundsThem() {
    var random = SplitMix64(seed: 4)
    var quickCount = 0
    for _ in 0..<5000 {
      let digits = (0...random.below(18)).map { _ in "\(random.below(10))" }.joined()
      let whole = ["0", "1", "17", "-0", "-3", "900719925474099"][random.below(6)]
      let exponent = random.below(3) == 0 ? "e\(random.below(30) - 15)" : ""
      let number = "\(whole).\(digits)\(exponent)"
      let line = #"{"event":"step","loss":\#(number),"step":1}"#
      let (quick, exact) = Self.read(Array(line.utf8))
      if let quick {
        quickCount += 1
        #expect(quick == exact, "\(number)")
      }
    }
    #expect(quickCount > 4000, "\(quickCount)")
    // Halfway between two doubles, and a digit beside it.
    for number in [
      "9007199254740993", "9007199254740993.0", "9007199254740993.0001", "0.1e1", "1e-21", "1e22",
      "12345678901234567890123e-9", "0.00000000000000000000012345678901234567890",
    ] {
      let line = #"{"event":"step","loss":\#(number),"step":1}"#
      let (quick, exact) = Self.read(Array(line.utf8))
      #expect(quick == nil || quick == exact, "\(number)")
    }
  }

  @Test func everyWrittenStepIsReadAsTheDecoderReadsIt() {
    var random = SplitMix64(seed: 1)
    for _ in 0..<1000 {
      let line = Self.step(&random).line(at: Self.date)
      let (quick, exact) = Self.read(Array(line.utf8))
      #expect(quick != nil && quick == exact, "\(line)")
    }
  }

  /// Whatever a disk or an editor did to a line, the quick reader leaves it alone or is right.
  @Test func damagedLinesAreNeverReadOtherwise() {
    var random = SplitMix64(seed: 2)
    let marks = Array(#"{}[]":,.-+eE0019 \tnulltruefalse"#.utf8) + [0, 0x80, 0xc3]
    var left = 0
    for _ in 0..<4000 {
      var bytes = Array(Self.step(&random).line(at: Self.date).utf8)
      for _ in 0...random.below(3) {
        let place = random.below(bytes.count)
        switch random.below(4) {
        case 0: bytes[place] = marks[random.below(marks.count)]
        case 1: bytes.insert(marks[random.below(marks.count)], at: place)
        case 2: bytes.remove(at: place)
        default: bytes.removeSubrange(place..<min(bytes.count, place + random.below(9)))
        }
        if bytes.isEmpty { bytes = [0x7b] }
      }
      let (quick, exact) = Self.read(bytes)
      if let quick {
        #expect(quick == exact, "\(String(decoding: bytes, as: UTF8.self))")
      } else {
        left += 1
      }
    }
    #expect((1000...3990).contains(left))
  }

  @Test(arguments: [
    #"{"event":"step","step":1,"step":2}"#, #"{"event":"step","step":1.0}"#,
    #"{"event":"step","step":01}"#, #"{"event":"step","step":1,"loss":1e999}"#,
    #"{"event":"step","step":1,"loss":-1e-310}"#, #"{"event":"step","step":1,"loss":1e}"#,
    #"{"event":"step","step":1,"loss":nan}"#,
    #"{"event":"step","step":1,"loss":0x10}"#, #"{"event":"step","step":1,"loss":.5}"#,
    #"{"event":"step","step":1,"time":"a\u0041"}"#, #"{"event":"step","step":1,"more":[1]}"#,
    #"{ "event":"step","step":1}"#, #"{"event":"step","step":1,}"#, #"{"event":"step","step":1}}"#,
    #"{"event":"step","step":9223372036854775808}"#, #"{"event":"step","step":null}"#,
  ])
  func unusualLinesAreLeftToTheDecoder(line: String) {
    #expect(Self.read(Array(line.utf8)).quick == nil)
  }

  /// 40 bytes a step is all that a report keeps of hundreds of thousands.
  @Test func keptStepsAreSmall() {
    #expect(MemoryLayout<RunTimeline.Step>.stride == 40)
    let step = RunEvent.Step {
      $0.step = 3
      $0.loss = nil
    }
    #expect(RunTimeline.Step(step).loss == nil)
  }

  @Test func timesAreThoseOfTheCalendar() throws {
    var random = SplitMix64(seed: 3)
    for _ in 0..<500 {
      let milliseconds = random.below(4_000_000_000) * 1000 + random.below(1000)
      let date = Date(timeIntervalSince1970: Double(milliseconds / 1000))
      let text = date.formatted(.iso8601).dropLast() + String(format: ".%03dZ", milliseconds % 1000)
      let event = try LoggedEvent(#"{"event":"eclipse","time":"\#(text)"}"#)
      let minutes = Double(milliseconds / 60_000 * 60)
      // As a reader of the text adds: whole minutes, then seconds.
      let expected = Date(timeIntervalSince1970: minutes + Double(milliseconds % 60_000) / 1000)
      #expect(event.date == expected, "\(text)")
    }
    for (odd, same) in [("2026-02-30T00:00:00.000Z", "2026-03-02T00:00:00.000Z")] {
      let dates = try [odd, same].map { try LoggedEvent(#"{"event":"e","time":"\#($0)"}"#).date }
      #expect(dates[0] != nil && dates[0] == dates[1])
    }
  }
}
