import Audio
import Foundation
import Models
import Platform
import Tensor

/// The six tests that a model passes before anybody trains it.
package struct ModelCheck {
  /// The tests, in the order in which they run.
  package enum Test: String, CaseIterable {
    case parameterCount = "parameter count"
    case shapes = "shape compatibility"
    case complexInput = "forward pass, complex input [B, F, T]"
    case planesInput = "forward pass, real/imag input [B, 2, F, T]"
    case gradientFlow = "gradient flow"
    case memory = "memory usage"
  }

  /// Why a test failed, as a clause.
  package struct Failure: Error {
    package let reason: String
  }

  /// Percent that the exact parameter count may be off the published one, which is rounded.
  package static let publishedTolerance = 4.0
  /// Bytes that may be resident in a training step: what clusters have for each core, and training
  /// takes one rank a core and one utterance at a time.
  package static let memoryLimit = 2 << 30

  private let model: SpeechEnhancer
  private var bins: Int { model.configuration.bins }

  /// The tests of one model with fresh weights.
  package init(_ configuration: ModelConfiguration) {
    model = SpeechEnhancer(configuration: configuration, seed: 1)
  }

  /// Result of a test in words; throws the reason if the test failed.
  package func run(_ test: Test) throws(Failure) -> String {
    switch test {
    case .parameterCount: try parameterCount()
    case .shapes: try shapes()
    case .complexInput: try complexInput()
    case .planesInput: try planesInput()
    case .gradientFlow: try gradientFlow()
    case .memory: try memory()
    }
  }

  private func parameterCount() throws(Failure) -> String {
    let summary = ModelSummary(model)
    let exact = "\(NumberText.grouped(summary.total)) exact"
    guard let published = model.configuration.published,
      let difference = summary.differencePercent
    else { return "\(exact), none published" }
    let text =
      "\(exact), \(NumberText.millions(published.parameters)) published, difference "
      + (difference < 0 ? "-" : "+") + NumberText.fixed(abs(difference), digits: 1) + "%"
    try require(
      abs(difference) <= Self.publishedTolerance,
      "\(text), which is more than \(NumberText.fixed(Self.publishedTolerance, digits: 0))%")
    return text
  }

  private func shapes() throws(Failure) -> String {
    try requireFrontEnd()
    let sizes: [(batch: Int, frames: Int)] = [(1, 1), (1, 2), (2, 37), (3, 100)]
    for (batch, frames) in sizes {
      let input = Spectrogram.fromComplex(
        TestSignals.spectrum(batch: batch, bins: bins, frames: frames))
      let output = model(input, .inference)
      try require(
        output.shape == input.shape,
        "[\(batch), \(bins), \(frames)] became \(Spectrogram.toComplex(output).shape.dropLast())")
      try requireFinite(output, "of [\(batch), \(bins), \(frames)]")
    }
    let list = sizes.map { "[\($0.batch), \(bins), \($0.frames)]" }.joined(separator: " ")
    return "output as input for \(list)"
  }

  private func complexInput() throws(Failure) -> String {
    let input = TestSignals.spectrum(batch: 2, bins: bins, frames: 100)
    let output = Spectrogram.toComplex(model(Spectrogram.fromComplex(input), .inference))
    try requireFinite(output, "of [2, \(bins), 100]")
    let level = rootMeanSquare(output.elements)
    try require(level > 0, "the output is all zeros")
    // No layer mixes utterances: each must come out of a batch as it does alone.
    let first = Tensor(
      shape: [1] + input.shape.dropFirst(), elements: Array(input.elements.prefix(input.count / 2)))
    let alone = Spectrogram.toComplex(model(Spectrogram.fromComplex(first), .inference))
    let difference = zip(alone.elements, output.elements).map { $0 - $1 }
    let error = rootMeanSquare(difference) / level
    try require(
      error < 1e-5, "an utterance comes out differently in a batch: off by \(short(error))")
    return "[2, \(bins), 100], finite, level \(short(level)), the same in a batch as alone"
  }

  private func planesInput() throws(Failure) -> String {
    let input = Spectrogram.fromComplex(TestSignals.spectrum(batch: 2, bins: bins, frames: 100))
    let expected = Spectrogram.toPlanes(model(input, .inference))
    let planes = Spectrogram.toPlanes(input)
    let output = Spectrogram.toPlanes(model(Spectrogram.fromPlanes(planes), .inference))
    try require(
      output.shape == [2, 2, bins, 100], "[2, 2, \(bins), 100] became \(output.shape)")
    let differing = zip(output.elements, expected.elements).count { $0.bitPattern != $1.bitPattern }
    let numbers = NumberText.count(differing, "number")
    let differ = NumberText.agree(differing, "differs", "differ")
    try require(differing == 0, "\(numbers) \(differ) from those of the complex input")
    return "[2, 2, \(bins), 100], the same numbers as from complex input"
  }

  private func gradientFlow() throws(Failure) -> String {
    try requireFrontEnd()
    let crop = TestSignals.crop(model.configuration.frontEnd)
    model.parameters.zeroGradients()
    let tape = Tape()
    let loss = spectralLoss(model(crop.noisy, tape), crop.clean, tape).total
    tape.backward()
    try require(loss.isFinite, "the loss is \(loss)")
    let norms = model.parameters.parameters.map { parameter in
      UnsafeBufferPointer(start: parameter.gradient, count: parameter.count)
        .reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
    }
    let broken = zip(model.parameters.parameters, norms).filter { !$0.1.isFinite || $0.1 == 0 }
    if let first = broken.first {
      throw Failure(
        reason: "\(broken.count) of \(NumberText.count(norms.count, "parameter")) "
          + NumberText.agree(broken.count, "has", "have") + " no usable gradient, such as "
          + "\(first.0.name), whose norm is \(first.1)")
    }
    let slope = slope(crop)
    let norm = GradientNorm(model.parameters).value
    try require(
      abs(slope / norm - 1) < 0.05,
      "the loss changes by \(short(slope)) along the gradient, whose norm is \(short(norm))")
    return "loss \(short(Double(loss))), \(NumberText.count(norms.count, "parameter")) with norms "
      + "\(short(norms.min() ?? 0)) to \(short(norms.max() ?? 0)); along the gradient the loss "
      + "rises by \(short(slope)) for \(short(norm))"
  }

  /// How fast the loss rises along the gradient, by a central difference: the gradient's norm, if
  /// the gradient is right.
  private func slope(_ crop: (noisy: Tensor, clean: Tensor)) -> Double {
    let parameters = model.parameters
    let norm = GradientNorm(parameters).value
    let original = Array(parameters.values.buffer)
    func loss(_ distance: Double) -> Double {
      let scale = Float(distance / norm)
      for i in 0..<parameters.count {
        parameters.values.base[i] = original[i] + scale * parameters.gradients.base[i]
      }
      return Double(spectralLoss(model(crop.noisy, .inference), crop.clean, .inference).total)
    }
    // Far enough for float32's rounding, near enough for the curvature of a hundred layers.
    let distance = 3e-5 * loss(0) / norm
    let rise = loss(distance) - loss(-distance)
    parameters.values.base.update(from: original, count: original.count)
    return rise / (2 * distance)
  }

  private func memory() throws(Failure) -> String {
    try requireFrontEnd()
    let peak = ResidentMemory.peak {
      let crop = TestSignals.crop(model.configuration.frontEnd)
      let adam = Adam(model.parameters)
      model.parameters.zeroGradients()
      let tape = Tape()
      _ = spectralLoss(model(crop.noisy, tape), crop.clean, tape)
      tape.backward()
      adam.step(
        learningRate: 1e-3, gradientScale: GradientNorm(model.parameters).clipFactor(limit: 5))
    }
    let text =
      (peak.isExact ? "" : "at most ") + "\(megabytes(peak.bytes)) resident in a training step of "
      + "one 2 s crop, \(megabytes(4 * model.parameters.parameterCount)) of parameters"
    try require(
      peak.bytes <= Self.memoryLimit,
      "\(text): more than the limit of \(megabytes(Self.memoryLimit))")
    return text
  }

  private func require(_ condition: Bool, _ reason: @autoclosure () -> String) throws(Failure) {
    if !condition { throw Failure(reason: reason()) }
  }

  /// The bands must take up the spectrum that the front end makes.
  private func requireFrontEnd() throws(Failure) {
    let made = model.configuration.frontEnd.binCount
    try require(
      bins == made,
      "the bands sum to \(NumberText.count(bins, "bin")), but the front end makes \(made)")
  }

  private func requireFinite(_ tensor: Tensor, _ what: String) throws(Failure) {
    let broken = tensor.elements.count { !$0.isFinite }
    try require(
      broken == 0,
      "\(broken) of \(NumberText.count(tensor.count, "number")) of the output \(what) "
        + "\(NumberText.agree(broken, "is", "are")) not finite")
  }

  private func rootMeanSquare(_ elements: [Float]) -> Double {
    (elements.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(elements.count)).squareRoot()
  }

  private func short(_ value: Double) -> String { String(format: "%.3g", value) }

  private func megabytes(_ bytes: Int) -> String {
    NumberText.fixed(Double(bytes) / 1e6, digits: bytes < 100_000_000 ? 1 : 0) + " MB"
  }
}
