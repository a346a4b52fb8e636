import Models
import Testing
import TestSupport

extension StepResult {
  /// Expects that figures of `tinyStep`, which is two utterances of 0.25 s a rank, agree with each
  /// other and with counts made by hand.
  package func expectConsistent(
    ranks: Int = 1, threads: Int = 1, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let median = stepSeconds
    #expect(
      stepSecondsMinimum <= median && median <= stepSecondsMaximum && median > 0,
      "\(self)", sourceLocation: sourceLocation)
    #expect(
      fmaPeakGflopsMinimum <= fmaPeakGflops
        && fmaPeakGflops <= fmaPeakGflopsMaximum && fmaPeakGflopsMinimum > 0,
      "\(self)", sourceLocation: sourceLocation)
    #expect(
      isClose(audioSecondsPerSecond * median, 0.5 * Double(ranks)), "\(self)",
      sourceLocation: sourceLocation)
    let model = try Preset.load(EnhanceFixture.preset)
    let work = 2 * (try Self.gflop(of: model, frames: 4_000 / 128 + 1))
    #expect(
      isClose(fractionOfPeak * fmaPeakGflops * Double(threads) * median, work),
      "\(self)", sourceLocation: sourceLocation)
    // The parts that are products, without what recomputing repeats, are the products of the model.
    let products = parts.filter { $0.pass != "recompute" }
      .reduce(0) { $0 + ($1.gflops ?? 0) * $1.seconds }
    #expect(isClose(products, work), "\(self)", sourceLocation: sourceLocation)
    // Weights, gradients and two moments are there before, activations are not.
    #expect(
      residentBytesBeforeSteps > 1_000_000
        && peakResidentBytes >= residentBytesBeforeSteps, "\(self)",
      sourceLocation: sourceLocation)
    let sum = parts.reduce(0) { $0 + $1.seconds }
    #expect(
      sum > 0 && isClose(sum, partsSeconds) && sum <= instrumentedStepSeconds,
      "\(self)", sourceLocation: sourceLocation)
  }

  /// Products of one step by the sizes of the model alone: a multiply-add is two operations, and
  /// both gradients of a product cost what the product does.
  package static func gflop(of model: ModelConfiguration, frames: Int) throws -> Double {
    let features = model.features
    func direction(_ mamba: MambaConfiguration) -> Int {
      let inner = mamba.expansion * features
      let rank = (features + 15) / 16
      let projected = rank + 2 * mamba.stateSize
      return features * 2 * inner + inner * projected + rank * inner + inner * features
    }
    var frame: Double
    switch model.trunk {
    case let trunk as BiMambaTrunkConfiguration:
      frame = Double(
        model.layers * trunk.paths.count * 2 * model.bands.count * direction(trunk.mamba))
    case let trunk as UniMambaTrunkConfiguration:
      let mlp = features * features
      frame = Double(model.bands.count * (model.layers * direction(trunk.mamba) + mlp))
    case let trunk as LSTMTrunkConfiguration:
      // Over time and twice over bands; before the first step there is no state to multiply with.
      let units = trunk.expansion * features
      let all = 3 * model.bands.count * (4 * units * features + units * features)
      let recurrent =
        Double(model.bands.count) * Double(frames - 1) / Double(frames)
        + 2 * Double(model.bands.count - 1)
      frame = Double(model.layers) * (Double(all) + recurrent * Double(4 * units * units))
    default: frame = try #require(nil, "nobody counted the products of this trunk")
    }
    for (width, expansion) in zip(model.bands, model.decoder.expansions) {
      frame += Double(2 * width * features)
      frame += Double(features * expansion * features)
      frame += Double(expansion * features * 4 * model.decoder.maskTaps * width)
    }
    return 3 * 2 * Double(frames) * frame / 1e9
  }
}
