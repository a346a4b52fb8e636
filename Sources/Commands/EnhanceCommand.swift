import ArgumentParser
import Audio
import Evaluation
import Foundation
import Platform

/// `disttrain enhance`: takes the noise out of recordings.
struct EnhanceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "enhance",
    abstract: "Remove the noise from recordings.",
    discussion: """
      IN and OUT are two files, or two folders: every .wav and .flac file of IN goes to the same \
      name in OUT; subfolders are ignored. Recordings are mono at the sample rate of \
      the model, 16 kHz for the built-in ones. All inputs are inspected before the first is \
      enhanced, and each output appears only when it is complete.

      A recording longer than a minute is enhanced in overlapping segments and written as it goes, \
      so that the published ablations take at most 0.4 GB of memory, whatever the length. --whole \
      takes every recording at once, which is what evaluate does, and 0.3 GB for each minute.
      """)

  @OptionGroup var weights: WeightsOptions
  @Option(help: "Samples of the output: pcm16, or float (32-bit, .wav only).")
  var format = OutputFormat.pcm16
  @Option(
    help: ArgumentHelp(
      "Longest segment (default: 60). Memory grows with it.", valueName: "seconds"))
  var segment: Double?
  @Flag(help: "Enhance every recording as a whole.") var whole = false
  @Argument(help: ArgumentHelp("Noisy file or folder.", valueName: "in")) var input: String
  @Argument(help: ArgumentHelp("Enhanced file or folder.", valueName: "out")) var output: String

  func validate() throws {
    try Flags.require(
      segment == nil || !whole, "--whole has no segments; omit --segment")
    try Flags.require("--segment", segment, within: Enhancer.segmentLimits, unit: "seconds")
  }

  func run() throws {
    EnvironmentCheck.warn()
    let stopwatch = Stopwatch()
    let model = try TrainedModel.load(
      weights: weights.weights, preset: weights.preset, note: Console.note)
    let enhancer = try Enhancer(model)
    let jobs = try EnhancementJobs(
      input: input, output: output, format: format, sampleRate: enhancer.frontEnd.sampleRate)
    let log = try Console.progressLog()
    let total = jobs.items.reduce(0) { $0 + $1.sampleCount }
    func seconds(_ sampleCount: Int) -> Double {
      enhancer.frontEnd.seconds(sampleCount: sampleCount)
    }
    var done = 0
    log.beginProgress("enhancing", total: Int(seconds(total).rounded(.up)), unit: "s")
    log.progress(completed: 0)
    for item in jobs.items {
      try enhance(item, with: enhancer) { count in
        done += count
        log.progress(completed: Int(seconds(done)), audioSeconds: seconds(done))
      }
    }
    log.endProgress()
    let elapsed = stopwatch.seconds
    let count = jobs.items.count
    Console.line(
      "enhanced \(NumberText.count(count, "recording")), "
        + String(format: "%.1f s of audio in %.1f s", seconds(total), elapsed))
  }

  /// Calls `progress` with the number of samples whenever some have been written.
  private func enhance(
    _ item: EnhancementJobs.Item, with enhancer: Enhancer, progress: (Int) -> Void
  ) throws {
    let segmentation =
      whole
      ? Segmentation(whole: item.sampleCount)
      : Segmentation(
        sampleCount: item.sampleCount,
        sizes: enhancer.segmentSizes(seconds: segment ?? Enhancer.segmentSeconds))
    let writer = try WaveWriter(
      path: item.output, sampleRate: enhancer.frontEnd.sampleRate, sampleCount: item.sampleCount,
      encoding: format.encoding)
    do {
      try enhancer.enhance(
        segmentation,
        read: { range in
          try WaveFile.read(
            path: item.input, range: range, sampleRate: enhancer.frontEnd.sampleRate
          ).samples
        },
        write: { samples in
          try writer.append(samples)
          progress(samples.count)
        })
    } catch let error as EnhancementError {
      throw EnhancementFailure(path: item.input, error: error)
    }
    try writer.finish()
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
  let path: String
  let error: EnhancementError

  var description: String { "\(path): \(error)" }
}

extension OutputFormat: ExpressibleByArgument {}
