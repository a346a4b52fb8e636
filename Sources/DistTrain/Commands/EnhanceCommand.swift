import ArgumentParser
import Audio
import Foundation

/// `disttrain enhance`: takes the noise out of recordings.
struct EnhanceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "enhance",
    abstract: "Take the noise out of recordings.",
    discussion: """
      IN and OUT are two files, or two folders: every .wav and .flac file of IN goes to the same \
      name in OUT, subfolders are left out. Recordings are mono at 16 kHz. All inputs are inspected \
      before the first is enhanced, and each output appears only when it is complete.

      A recording is enhanced as a whole, since normalisation spans it. With the published \
      ablations that takes about 0.4 GB of memory for each minute.
      """)

  @OptionGroup var weights: WeightsOptions
  @Option(help: "Samples of the output: pcm16, or float (32-bit, .wav only).")
  var format = OutputFormat.pcm16
  @Argument(help: ArgumentHelp("Noisy file or folder.", valueName: "in")) var input: String
  @Argument(help: ArgumentHelp("Enhanced file or folder.", valueName: "out")) var output: String

  func run() throws {
    EnvironmentCheck.warn()
    let clock = ContinuousClock.now
    let model = try TrainedModel.load(weights: weights.weights, preset: weights.preset)
    let enhancer = try Enhancer(model)
    let plan = try EnhancementPlan(input: input, output: output, format: format)
    let log = try Console.progressLog()
    log.beginProgress("enhancing", total: plan.items.count)
    var sampleCount = 0
    for (index, item) in plan.items.enumerated() {
      try enhance(item, with: enhancer)
      sampleCount += item.sampleCount
      log.progress(completed: index + 1, audioSeconds: seconds(sampleCount))
    }
    log.endProgress()
    let elapsed = (ContinuousClock.now - clock) / .seconds(1)
    let count = plan.items.count
    Console.line(
      "enhanced \(count) \(count == 1 ? "recording" : "recordings"), "
        + String(format: "%.1f s of audio in %.1f s", seconds(sampleCount), elapsed))
  }

  private func enhance(_ item: EnhancementPlan.Item, with enhancer: Enhancer) throws {
    let noisy = try WaveFile.read(path: item.input, sampleRate: Enhancer.sampleRate)
    let enhanced: [Float]
    do {
      enhanced = try enhancer.enhance(noisy.samples)
    } catch {
      throw EnhancementFailure(path: item.input, error: error)
    }
    try WaveFile.write(
      enhanced, sampleRate: Enhancer.sampleRate, to: item.output, encoding: format.encoding)
  }

  private func seconds(_ sampleCount: Int) -> Double {
    Double(sampleCount) / Double(Enhancer.sampleRate)
  }
}

/// How enhanced speech is stored.
enum OutputFormat: String, CaseIterable, ExpressibleByArgument {
  case pcm16
  case float

  var encoding: WaveFile.Encoding {
    switch self {
    case .pcm16: .pcm16
    case .float: .float32
    }
  }
}

/// The options that name a trained model.
struct WeightsOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Weights: best.safetensors of a run, or an export with the same names.", valueName: "file"))
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
