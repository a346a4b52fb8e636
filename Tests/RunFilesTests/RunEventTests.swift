import Files
import Foundation
import RunFiles
import Testing
import TestSupport

/// The lines of `metrics.jsonl`: as they are written, and as they are read, from this version and
/// from others.
@Suite struct RunEventTests {
  private static let epoch = EpochReport(
    epoch: 2, pesq: 1.3480266516977761, noisyPESQ: 2.5, siSDR: -3.75, noisySISDR: 7.5,
    validationLoss: 0.24809530377388, trainingLoss: nil, learningRate: 0.01, scored: 39, total: 40,
    seconds: 43.5, audioSecondsPerSecond: 391.5, validationSeconds: 3, selection: -1.25)

  private static let stragglers: StragglerReport = {
    var report = StragglerReport()
    (report.rank, report.stepsLast, report.steps) = (1, 2, 3)
    (report.waitedForIt, report.waited, report.jitter) = (0.5, 0.75, 0.0625)
    return report
  }()

  private static let nonFinite: RunEvent.NonFinite = {
    var report = RunEvent.NonFinite()
    (report.step, report.epoch, report.rank) = (5, 2, 1)
    (report.utterance, report.stage, report.layer, report.tensor) = ("u1", "forward", "a.b", "out")
    (report.nan, report.infinite) = (7, 8)
    (report.areWeightsFinite, report.isInputFinite, report.isOwnLossFinite) = (false, false, false)
    report.utterances = ["u1", "u4"]
    (report.ownGradient, report.meanGradient) = ("a.weight", "b.weight")
    report.dump = "run/nonfinite/step-00000005-rank1.safetensors"
    return report
  }()

  /// Every kind, as 0.2.0 writes it, but for the time.
  static let lines: [(RunEvent, String)] = [
    (
      .start(
        .init(
          step: 4, program: "disttrain 0.2.0", model: "abl1", ranks: 2, kernels: "AVX-512",
          data: "a/b", corpus: "another", epochs: 40, stepsPerEpoch: 964, audioSecondsPerStep: 12)),
      #"{"audio_seconds_per_step":12,"corpus":"another","data":"a/b","epochs":40,"event":"start","#
        + #""kernels":"AVX-512","model":"abl1","program":"disttrain 0.2.0","ranks":2,"step":4,"#
        + #""steps_per_epoch":964,TIME}"#
    ),
    (
      .step(
        .init(
          step: 1, loss: 0.2870606780052185, gradientNorm: 0.13780066536205368, learningRate: 1e-9,
          isSkipped: false, dataSeconds: 0.0009495969999999999, busySeconds: 0,
          exposedSeconds: 4e-07)),
      #"{"busy_seconds":0,"data_seconds":0.0009495969999999999,"event":"step","#
        + #""exposed_exchange_seconds":4e-07,"gradient_norm":0.13780066536205368,"#
        + #""learning_rate":1e-09,"loss":0.2870606780052185,"skipped":false,"step":1,TIME}"#
    ),
    (
      .step(
        .init(
          step: 2, loss: .nan, gradientNorm: .infinity, learningRate: 0.001, isSkipped: true,
          dataSeconds: 1, busySeconds: 2.5, exposedSeconds: 3)),
      #"{"busy_seconds":2.5,"data_seconds":1,"event":"step","exposed_exchange_seconds":3,"#
        + #""gradient_norm":null,"learning_rate":0.001,"loss":null,"skipped":true,"step":2,TIME}"#
    ),
    (
      .epoch(.init(epoch, step: 6, dataSeconds: 2e-06, selectedBy: "covl+0.5*loss")),
      #"{"audio_seconds_per_second":391.5,"data_seconds":2e-06,"epoch":2,"event":"epoch","#
        + #""learning_rate":0.01,"loss":0.24809530377388,"noisy_pesq":2.5,"noisy_si_sdr":7.5,"#
        + #""pesq":1.3480266516977761,"scored":39,"seconds":43.5,"#
        + #""selected_by":"covl+0.5*loss","selection_score":-1.25,"si_sdr":-3.75,"step":6,TIME,"#
        + #""total":40,"train_loss":null,"validation_seconds":3}"#
    ),
    (
      .checkpoint(.init(step: 3, file: "/a/b.safetensors", bytes: 158816, seconds: 0.25)),
      #"{"bytes":158816,"event":"checkpoint","file":"/a/b.safetensors","seconds":0.25,"step":3,"#
        + #"TIME}"#
    ),
    (
      .waiting(.init(stragglers, step: 6, host: "node1")),
      #"{"event":"waiting","host":"node1","jitter":0.0625,"rank":1,"step":6,"steps":3,"#
        + #""steps_last":2,TIME,"waited_for_it_seconds":0.5,"waited_seconds":0.75}"#
    ),
    (
      .stop(.init(step: 8, reason: "a \"b\"\n\u{1}é/")),
      #"{"event":"stop","reason":"a \"b\"\n\u0001é/","step":8,TIME}"#
    ),
    (
      .fallback(.init(file: "a", reason: "it is damaged", used: "b", step: 5)),
      #"{"event":"fallback","file":"a","reason":"it is damaged","step":5,TIME,"used":"b"}"#
    ),
    (
      .nonFinite(nonFinite),
      #"{"dump":"run/nonfinite/step-00000005-rank1.safetensors","epoch":2,"event":"nonfinite","#
        + #""infinite":8,"input_finite":false,"layer":"a.b","mean_gradient":"b.weight","nan":7,"#
        + #""own_gradient":"a.weight","own_loss_finite":false,"rank":1,"stage":"forward","step":5,"#
        + #""tensor":"out",TIME,"transient":false,"utterance":"u1","utterances":["u1","u4"],"#
        + #""weights_finite":false}"#
    ),
    (
      .rollback(
        .init(
          fromStep: 11, step: 6, epoch: 2, rateFactor: 0.5, rollback: 1, limit: 3,
          checkpoint: nil)),
      #"{"checkpoint":null,"epoch":2,"event":"rollback","from_step":11,"limit":3,"#
        + #""rate_factor":0.5,"rollback":1,"step":6,TIME}"#
    ),
    (
      .diverged(
        .init(
          step: 12, epoch: 3, skippedSteps: 4, firstSkippedStep: 9, learningRates: [0.001, 0.0005],
          rollbacks: 1, dumps: ["step-00000009-rank0.safetensors"])),
      #"{"dumps":["step-00000009-rank0.safetensors"],"epoch":3,"event":"diverged","#
        + #""first_skipped_step":9,"learning_rates":[0.001,0.0005],"rollbacks":1,"#
        + #""skipped_steps":4,"step":12,TIME}"#
    ),
    (
      .leftOut(
        .init(
          step: 4, epoch: 1, utterances: ["p226_001"],
          reasons: ["p226_001.wav: holds samples that are not finite"],
          cropCount: 2)),
      #"{"crops":2,"epoch":1,"event":"left_out","#
        + #""reasons":["p226_001.wav: holds samples that are not finite"],"#
        + #""step":4,TIME,"utterances":["p226_001"]}"#
    ),
    (
      .discriminator(
        .init {
          $0.step = 9
          ($0.isUsed, $0.hasMoved) = (true, true)
          ($0.generatorTerm, $0.loss) = (0.5, 0.25)
          ($0.cleanLoss, $0.estimateLoss, $0.noisyLoss) = (0.125, 0.0625, nil)
          ($0.gradientNorm, $0.learningRate) = (2, 0.5)
          ($0.pesq, $0.predictedPESQ) = (2.5, 1.5)
          ($0.crops, $0.labelled) = (6, 5)
          ($0.labelSeconds, $0.seconds) = (0.75, 3)
        }),
      #"{"clean_loss":0.125,"crops":6,"estimate_loss":0.0625,"event":"discriminator","#
        + #""generator_term":0.5,"gradient_norm":2,"label_seconds":0.75,"labelled":5,"#
        + #""learning_rate":0.5,"loss":0.25,"moved":true,"noisy_loss":null,"pesq":2.5,"#
        + #""predicted_pesq":1.5,"seconds":3,"step":9,TIME,"used":true}"#
    ),
    (
      .unlabelled(
        .init(
          step: 4, epoch: 2, utterances: ["p226_001"], ranks: [1], reasons: ["silent"],
          cropCount: 3)),
      #"{"crops":3,"epoch":2,"event":"unlabelled","ranks":[1],"reasons":["silent"],"step":4,TIME,"#
        + #""utterances":["p226_001"]}"#
    ),
  ]

  /// 2026-11-30T12:19:45.250Z.
  private static let date = Date(timeIntervalSince1970: 1_796_041_185.25)

  private static func line(_ text: String) -> String {
    text.replacing("TIME", with: #""time":"2026-11-30T12:19:45.250Z""#)
  }

  @Test(arguments: lines) func everyEventHasItsLine(event: RunEvent, text: String) throws {
    #expect(event.line(at: Self.date) == Self.line(text))
    let read = try LoggedEvent(Self.line(text))
    #expect(read.time == "2026-11-30T12:19:45.250Z" && read.date == Self.date)
    // Null is all that a file tells of a number that is not finite.
    var expected = event
    if case .step(var step) = event, step.isSkipped {
      (step.loss, step.gradientNorm) = (nil, nil)
      expected = .step(step)
    }
    #expect(read.event == expected)
  }

  @Test func everyKindIsTested() {
    let tested = Set(Self.lines.map { type(of: $0.0.fields).name })
    #expect(tested == Set(RunEvent.kinds.map { $0.name }))
    #expect(tested.count == RunEvent.kinds.count)
  }

  /// A version that lacks a field is read; only the number of a step or an epoch has to be there.
  @Test(arguments: lines) func aFieldMayBeMissing(event: RunEvent, text: String) throws {
    guard case .object(let members) = try JSONValue(parsing: Self.line(text).utf8) else { return }
    let isEpoch = if case .epoch = event { true } else { false }
    for (name, _) in event.fields.fields where name != (isEpoch ? "epoch" : "step") {
      var others = members
      others[name] = nil
      let read = try #require(try LoggedEvent("\(JSONValue.object(others))").event, "\(name)")
      let missing = try #require(read.fields.fields.first { $0.name == name })
      let initial = type(of: event.fields).init().fields.first { $0.name == name }
      #expect(missing.value == initial?.value, "\(name)")
    }
  }

  // MARK: Other versions

  private static let history = fixturesFolder.appending(path: "history")

  private static func files(of version: String) throws -> [URL] {
    let folder = history.appending(path: version)
    let names = try #require(
      FileManager.default.enumerator(atPath: folder.path(percentEncoded: false)))
    return names.compactMap { $0 as? String }.filter { $0.hasSuffix("/metrics.jsonl") }
      .map { folder.appending(path: $0) }
  }

  /// Byte for byte what commit 6ff7b11 wrote, of every kind, but for fields that it did not know.
  @Test func linesOfTheVersionBeforeAreWrittenAgainAsTheyAre() throws {
    var kinds: Set<String> = []
    for file in try Self.files(of: "0.2.0-dev") {
      for line in try String(contentsOf: file, encoding: .utf8).split(separator: "\n") {
        let read = try LoggedEvent(line)
        let event = try #require(read.event, "\(line)")
        let time = try #require(read.time)
        kinds.insert(type(of: event.fields).name)
        let again = event.line(at: Self.date).replacing("2026-11-30T12:19:45.250Z", with: time)
        let fields = ",\"selected_by\":null,\"selection_score\":null,\"si_sdr\":"
        let isEpoch = type(of: event.fields).name == RunEvent.Epoch.name
        let expected = isEpoch ? line.replacing(",\"si_sdr\":", with: fields) : line
        #expect(again == String(expected))
      }
    }
    // That version left no crops out, and had no discriminator.
    let later = [
      RunEvent.LeftOut.name, RunEvent.Discriminator.name, RunEvent.Unlabelled.name,
    ]
    #expect(kinds == Set(RunEvent.kinds.map { $0.name }).subtracting(later))
  }

  @Test func version010IsRead() throws {
    var count = 0
    for file in try Self.files(of: "0.1.0") {
      for line in try String(contentsOf: file, encoding: .utf8).split(separator: "\n") {
        let event = try #require(try LoggedEvent(line).event, "\(line)")
        // Nothing that is there is lost.
        let members = try JSONValue(parsing: line.utf8)
        for (name, value) in event.fields.fields {
          if let there = members[name] { #expect(there.text == value.text, "\(name): \(line)") }
        }
        count += 1
      }
    }
    #expect(count > 50)
    let start = try LoggedEvent(#"{"event":"start","ranks":1,"step":0,"time":"x"}"#)
    #expect(start.date == nil && start.time == "x")
    guard case .start(let fields)? = start.event else { return #expect(Bool(false)) }
    #expect(fields.epochs == nil && fields.data == nil && fields.ranks == 1)
  }

  @Test func laterVersionsAreReadAsFarAsTheyAreKnown() throws {
    let unknown = try LoggedEvent(#"{"event":"eclipse","step":"x","time":"2026-01-01T00:00:00Z"}"#)
    #expect(unknown.event == nil && unknown.date != nil)
    let more = try LoggedEvent(#"{"event":"stop","moon":{"a":[1]},"reason":"SIGTERM","step":3}"#)
    #expect(more.event == .stop(.init(step: 3, reason: "SIGTERM")) && more.time == nil)
  }

  @Test(arguments: [
    // Other types.
    #"{"event":"step","step":"1"}"#, #"{"event":"step","step":1.5}"#,
    #"{"event":"step","step":1,"loss":"0.5"}"#, #"{"event":"step","step":1,"skipped":0}"#,
    #"{"event":"stop","step":1,"reason":null,"time":3}"#, #"{"event":3}"#,
    #"{"event":"diverged","step":1,"dumps":"a"}"#, #"{"event":"diverged","step":1,"dumps":[1]}"#,
    // No number of a step or epoch.
    #"{"event":"step"}"#, #"{"event":"step","step":null}"#, #"{"event":"epoch","step":3}"#,
    // No event, or half of one.
    #"{"step":1}"#, "[]", "null", "", "nothing", #"{"event":"stop","step":3"#,
  ])
  func otherLinesAreErrors(line: String) {
    #expect(throws: DecodingError.self) { try LoggedEvent(line) }
  }

  private static func events(at url: URL) -> [LoggedEvent] {
    var events: [LoggedEvent] = []
    MetricsFile.forEachEvent(at: url) { events.append($0) }
    return events
  }

  @Test func aFileIsReadAsFarAsItsLastLineBreak() throws {
    try withTemporaryFolder { folder in
      let url = folder.appending(path: "metrics.jsonl")
      #expect(Self.events(at: url).isEmpty)
      let stop = RunEvent.stop(.init(step: 3, reason: "start"))
      var data = Data("\(stop.line(at: Self.date))\n{\"event\":\"start\",\"step\":3}\n".utf8)
      data += Data("{\"event\":\"start\",\"step\":4,\"corpus\":\"caf".utf8)
      // The first of the two bytes of é.
      data.append(0xc3)
      try data.write(to: url)
      #expect(Self.events(at: url).map(\.event?.resumedStep) == [nil, 3])
      #expect(MetricsFile.events(at: url, of: RunEvent.Start.self).map(\.event?.resumedStep) == [3])
      #expect(MetricsFile.events(at: url, of: RunEvent.Stop.self).map(\.event) == [stop])
      // One bad line spoils no other.
      try (data + Data("\n\n{\"event\":\"start\",\"step\":5}\n".utf8)).write(to: url)
      #expect(Self.events(at: url).map(\.event?.resumedStep) == [nil, 3, 5])
    }
  }
}

extension JSONValue {
  /// Its text: 1 and 1.0 are the same in JSON.
  fileprivate var text: String { "\(self)" }
}
