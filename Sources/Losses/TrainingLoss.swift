import Audio
import Models
import Recipes
import Tensor

/// The loss of a recipe: a weighted sum of terms between the spectra [1, T, F, 2] of an estimate
/// and of the clean signal.
///
/// Serves one thread. The published loss has a kernel of its own; all others are sums of terms.
public final class TrainingLoss {
  /// Means of the terms that were computed, unweighted.
  public struct Terms: Equatable, Sendable {
    /// Term between complex spectra.
    public var complex: Double?
    /// Term between magnitudes.
    public var magnitude: Double?
    /// Instantaneous phase.
    public var instantaneousPhase: Double?
    /// Group delay.
    public var groupDelay: Double?
    /// Instantaneous angular frequency.
    public var angularFrequency: Double?
    /// Mean absolute difference of the waveforms.
    public var time: Double?
    /// Term between the estimate and the spectrum of its waveform.
    public var consistency: Double?
    /// Negative scale-invariant signal-to-noise ratio, in decibels.
    public var negativeSISNR: Double?
  }

  /// The terms and their weights.
  public let settings: LossSettings
  private let own: STFT
  private let other: STFT?

  /// The loss `settings` of spectra of `frontEnd`.
  public init(_ settings: LossSettings, _ frontEnd: FrontEnd) {
    self.settings = settings
    own = STFT(fftLength: frontEnd.fftLength, hopSamples: frontEnd.hopSamples)
    let isOwn =
      settings.transform.map {
        $0 == .init(fftLength: frontEnd.fftLength, hopSamples: frontEnd.hopSamples)
      } ?? true
    other =
      isOwn
      ? nil
      : settings.transform.map { STFT(fftLength: $0.fftLength, hopSamples: $0.hopSamples) }
  }

  /// The loss, a number that a float holds; its gradient for `estimate` is there once `tape` has
  /// run backward.
  public func callAsFunction(_ estimate: Tensor, _ target: Tensor, _ tape: Tape) -> Double {
    if settings == .published { return Double(spectralLoss(estimate, target, tape).total) }
    let terms = tape.execution.profile.measure(.loss, .forward, .uncounted) {
      self.terms(estimate, target, tape)
    }
    // Floats added as doubles lose nothing, so that the sum over utterances does not depend on how
    // they are dealt to ranks.
    let total = Double(Float(total(terms)))
    // As with the published loss, the last step of the tape is that of the loss.
    tape.record {}
    tape.inspect("loss", Tensor(shape: [1], elements: [Float(total)]))
    return total
  }

  /// The weighted sum of `terms`.
  public func total(_ terms: Terms) -> Double {
    let phase = settings.phase
    let weighted: [(Double, Double?)] = [
      (settings.complex.weight, terms.complex), (settings.magnitude.weight, terms.magnitude),
      (phase.weight * phase.instantaneous, terms.instantaneousPhase),
      (phase.weight * phase.groupDelay, terms.groupDelay),
      (phase.weight * phase.angularFrequency, terms.angularFrequency),
      (settings.time, terms.time), (settings.consistency.weight, terms.consistency),
      (settings.siSNR, terms.negativeSISNR),
    ]
    return weighted.reduce(0) { sum, term in term.1.map { sum + term.0 * $0 } ?? sum }
  }

  /// The means of all terms with a weight, whose gradients are recorded on `tape`.
  public func terms(_ estimate: Tensor, _ target: Tensor, _ tape: Tape) -> Terms {
    precondition(
      estimate.shape == target.shape && estimate.shape[0] == 1,
      "TrainingLoss: \(estimate.shape) against \(target.shape)")
    var terms = Terms()
    let needsWaves =
      settings.time != 0 || settings.siSNR != 0 || settings.consistency.weight != 0
      || other != nil
    let waves =
      needsWaves
      ? (waveform(estimate, own, tape), waveform(target, own, .inference)) : nil
    var (ours, theirs) = (estimate, target)
    // The own spectra of a signal too short for the other transform.
    if let waves, let other, Self.fits(waves.0, other) {
      ours = transformed(waves.0, other, tape)
      theirs = transformed(waves.1, other, .inference)
    }
    addSpectralTerms(&terms, ours, theirs, tape)
    guard let (wave, clean) = waves else { return terms }
    if settings.time != 0 {
      terms.time = timeTerm(wave, clean, weight: settings.time, tape)
    }
    if settings.siSNR != 0 {
      terms.negativeSISNR = negativeSISNR(wave, clean, weight: settings.siSNR, tape)
    }
    let consistency = settings.consistency
    if consistency.weight != 0, Self.fits(wave, own) {
      // A spectrum of the other transform is that of a waveform anyway.
      terms.consistency = consistencyTerm(
        estimate, transformed(wave, own, tape), exponent: consistency.exponent,
        weight: consistency.weight, tape)
    }
    return terms
  }

  private func addSpectralTerms(
    _ terms: inout Terms, _ estimate: Tensor, _ target: Tensor, _ tape: Tape
  ) {
    let (complex, magnitude, phase) = (settings.complex, settings.magnitude, settings.phase)
    if complex.weight != 0 {
      terms.complex = complexTerm(
        estimate, target, norm: complex.norm, exponent: complex.exponent, weight: complex.weight,
        tape)
    }
    if magnitude.weight != 0 {
      terms.magnitude = magnitudeTerm(
        estimate, target, norm: magnitude.norm, exponent: magnitude.exponent,
        epsilon: settings.magnitudeEpsilon, weight: magnitude.weight, tape)
    }
    if phase.weight != 0 {
      let means = phaseTerm(estimate, target, phase, weight: phase.weight, tape)
      terms.instantaneousPhase = means.instantaneous
      terms.groupDelay = means.groupDelay
      terms.angularFrequency = means.angularFrequency
    }
  }

  private static func fits(_ wave: Tensor, _ transform: STFT) -> Bool {
    wave.count > transform.fftLength / 2
  }

  private func transformed(_ wave: Tensor, _ transform: STFT, _ tape: Tape) -> Tensor {
    do {
      return try spectrogram(wave, transform, tape)
    } catch {
      preconditionFailure("TrainingLoss: \(error)")
    }
  }
}
