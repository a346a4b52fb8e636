import ArgumentParser
import Audio
import Communication
import Evaluation
import Foundation
import Platform
import RunFiles

/// `disttrain enhance`: takes the noise out of recordings.
struct EnhanceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "enhance",
    abstract: "Remove the noise from recordings.",
    discussion: """
      IN and OUT are two files, or two folders: every .wav and .flac file of IN goes to the same \
      name in OUT, with the folders in it. Recordings are mono at the sample rate of \
      the model, 16 kHz for the built-in ones. The headers of all inputs are read before the first \
      is enhanced, and each output appears only when it is complete. A recording that turns out \
      to be damaged is left out and named at the end, and the status is then 1.

      A recording longer than a minute is enhanced in overlapping segments and written as it goes, \
      so that the published ablations take at most 0.4 GB of memory, whatever the length. --whole \
      takes every recording at once, which is what evaluate does, and 0.3 GB for each minute.

      Under mpirun the ranks share the recordings. After an interruption --resume leaves outputs \
      that are there as they are.
      """)

  @OptionGroup var weights: WeightsOptions
  @Option(help: "Samples of the output: pcm16, or float (32-bit, .wav only).")
  var format = OutputFormat.pcm16
  @Option(
    help: ArgumentHelp(
      "Longest segment (default: 60). Memory grows with it.", valueName: "seconds"),
    transform: Flags.seconds)
  var segment: Double?
  @Flag(help: "Enhance every recording as a whole.") var whole = false
  @Flag(help: "Leave outputs that are there, with the length of their inputs, as they are.")
  var resume = false
  @OptionGroup var deadlines: DeadlineOptions
  @Argument(help: ArgumentHelp("Noisy file or folder.", valueName: "in")) var input: String
  @Argument(help: ArgumentHelp("Enhanced file or folder.", valueName: "out")) var output: String

  func validate() throws {
    try Flags.require(!input.isEmpty && !output.isEmpty, "in and out need names; one is empty")
    try Flags.require(
      segment == nil || !whole, "--whole has no segments; omit --segment")
    try Flags.require("--segment", segment, within: Enhancer.segmentLimits, unit: "seconds")
  }

  func run() throws {
    try ParallelCommand.run(deadlines.deadlines, files: files()) { communicator in
      let stopwatch = Stopwatch()
      let root = RootDecision(communicator)
      let enhancer = try Enhancer(
        try root.model(weights: weights.weights, preset: weights.preset, note: Console.note))
      communicator.enter(.readingCorpus)
      let jobs = try root.value {
        try EnhancementJobs(
          input: input, output: output, format: format,
          sampleRate: enhancer.frontEnd.sampleRate, isResumed: resume)
      }
      communicator.enter(.enhancing)
      let share = WorkShares.deal(
        lengths: jobs.items.map(\.sampleCount), ranks: communicator.worldSize)[communicator.rank]
      let log = try Console.progressLog(rank: communicator.rank)
      let own = enhance(share.map { ($0, jobs.items[$0]) }, with: enhancer, log)
      let parts = try root.gather(own)
      try root.run {
        let report = EnhancementReport(merging: parts ?? [])
        for warning in report.warnings { log.warning(warning) }
        if let failure = report.failure(of: jobs.items.count) {
          throw EnhancementFailure(description: failure)
        }
        Console.line(
          summary(jobs, audioSeconds: enhancer.frontEnd.seconds, after: stopwatch.seconds))
      }
    }
  }

  private func summary(
    _ jobs: EnhancementJobs, audioSeconds: (Int) -> Double, after seconds: Double
  ) -> String {
    let total = jobs.items.reduce(0) { $0 + $1.sampleCount }
    return "enhanced \(NumberText.count(jobs.items.count, "recording")), "
      + String(format: "%.1f s of audio in %.1f s", audioSeconds(total), seconds)
      + (jobs.doneCount > 0
        ? "; \(jobs.doneCount) \(NumberText.agree(jobs.doneCount, "was", "were")) there already"
        : "")
  }

  /// Enhances this rank's recordings, each with its place among all, up to the first that cannot be
  /// written.
  private func enhance(
    _ items: [(index: Int, item: EnhancementJobs.Item)], with enhancer: Enhancer, _ log: RunLog
  ) -> EnhancementReport {
    func seconds(_ sampleCount: Int) -> Double {
      enhancer.frontEnd.seconds(sampleCount: sampleCount)
    }
    var report = EnhancementReport()
    if items.isEmpty { return report }
    var done = 0
    let total = items.reduce(0) { $0 + $1.item.sampleCount }
    log.beginProgress("enhancing", total: Int(seconds(total).rounded(.up)), unit: "s")
    defer { log.endProgress() }
    log.progress(completed: 0)
    for (index, item) in items {
      do {
        let (clippedCount, inputPeak) = try enhance(item, with: enhancer) { count in
          done += count
          log.progress(completed: Int(seconds(done)), audioSeconds: seconds(done))
        }
        report.add(item, clippedCount: clippedCount, inputPeak: inputPeak)
      } catch {
        report.fail(index, error)
        // A damaged input is no reason not to go on; a full disk is.
        if !(error is WaveFileError || error is EnhancementFailure) { break }
      }
    }
    return report
  }

  /// Calls `progress` with the number of samples whenever some have been written. Returns how many
  /// samples were clamped to full scale, and the peak of the input.
  private func enhance(
    _ item: EnhancementJobs.Item, with enhancer: Enhancer, progress: (Int) -> Void
  ) throws -> (clippedCount: Int, inputPeak: Float) {
    let segmentation =
      whole
      ? Segmentation(whole: item.sampleCount)
      : Segmentation(
        sampleCount: item.sampleCount,
        sizes: enhancer.segmentSizes(seconds: segment ?? Enhancer.segmentSeconds))
    let writer = try WaveWriter(
      path: item.output, sampleRate: enhancer.frontEnd.sampleRate, sampleCount: item.sampleCount,
      encoding: format.encoding)
    var inputPeak: Float = 0
    do {
      try enhancer.enhance(
        segmentation,
        read: { range in
          let samples = try WaveFile.read(
            path: item.input, range: range, sampleRate: enhancer.frontEnd.sampleRate
          ).samples
          inputPeak = max(inputPeak, OddLevel.peak(samples))
          return samples
        },
        write: { samples in
          try writer.append(samples)
          progress(samples.count)
        })
    } catch let error as EnhancementError {
      throw EnhancementFailure(description: "\(item.input): \(error)")
    }
    try writer.finish()
    return (writer.clippedCount, inputPeak)
  }
}

/// The options that name a trained model.
struct WeightsOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Weights: best.safetensors of a run, one of its checkpoints, or an export with the same "
        + "names.",
      valueName: "file"))
  var weights: String
  @Option(
    help: ArgumentHelp(
      "Preset or JSON file of the model. Needed only if the weights do not say it themselves.",
      valueName: "name or file"))
  var preset: String?
}

private struct EnhancementFailure: Error, CustomStringConvertible {
  let description: String
}

extension OutputFormat: ExpressibleByArgument {}
