import Audio
import Foundation
import Models
import Platform
import Tensor

/// Why speech could not be enhanced.
public enum EnhancementError: Error, Equatable, Sendable, CustomStringConvertible {
  /// There are no samples.
  case empty
  /// The model takes other spectra than those made here.
  case otherFrontEnd(model: String, bins: Int, FrontEnd)
  /// A crop of `seconds` is too short for a spectrum of the model.
  case shortCrop(model: String, seconds: Double, FrontEnd)
  /// The model made something that is no number, first at sample `index`.
  case notFinite(model: String, index: Int)

  /// One sentence that says what to do.
  public var description: String {
    switch self {
    case .empty: "there are no samples to enhance"
    case .otherFrontEnd(let model, let bins, let frontEnd):
      "the model \"\(model)\" takes spectra of \(NumberText.count(bins, "bin")), but its front end "
        + "(window \(frontEnd.fftLength)) makes \(frontEnd.binCount); its bands must sum to that"
    case .shortCrop(let model, let seconds, let frontEnd):
      "--seconds is too short: \(NumberText.setting(seconds)) s at \(frontEnd.sampleRate) Hz are "
        + NumberText.count(frontEnd.sampleCount(seconds: seconds), "sample")
        + ", and a spectrum of the model \"\(model)\" needs \(frontEnd.leastSampleCount); give at "
        + "least \(NumberText.setting(frontEnd.leastSeconds))"
    case .notFinite(let model, let index):
      "the model \"\(model)\" made a number that is not finite at sample \(index); its weights are "
        + "broken: take those of another epoch"
    }
  }
}

/// Takes the noise out of speech: samples to spectrum, through a model, and back.
///
/// Serves one thread. The weights are read at each call, so that one enhancer follows a model
/// through its training.
public final class Enhancer {
  /// The model.
  public let model: SpeechEnhancer
  /// Sample rate and spectra of the model's signals.
  public var frontEnd: FrontEnd { model.configuration.frontEnd }
  private let transform: STFT

  /// An enhancer that runs `model`. Throws if the model's bands are not the bins of its front end.
  public init(_ model: SpeechEnhancer) throws(EnhancementError) {
    self.model = model
    transform = STFT(model.configuration.frontEnd)
    try model.configuration.requireFrontEnd()
  }

  /// The enhanced signal, as many samples as `samples`, which are mono at the rate of
  /// `frontEnd`.
  ///
  /// Throws if there are none, or if the model makes one that is not finite.
  public func enhance(_ samples: [Float]) throws(EnhancementError) -> [Float] {
    try enhance(samples, bandStatistics: nil, level: level(of: samples))
  }

  /// The factor that brings `samples`, a whole noisy recording, to the level that the model takes.
  package func level(of samples: [Float]) -> Float { model.inputLevel.factor(samples) }

  /// The enhanced signal of a part of a recording, normalised with the statistics of all of it and
  /// brought to the model's level by `level`, which divides the result again.
  package func enhance(
    _ samples: [Float], bandStatistics: [GroupStatistics]?, level: Float
  ) throws(EnhancementError) -> [Float] {
    let input = try spectrogram(of: samples, level: level)
    let enhanced = signal(
      of: model(input, bandStatistics: bandStatistics, .inference),
      sampleCount: samples.count, level: level)
    if let index = enhanced.firstIndex(where: { !$0.isFinite }) {
      throw .notFinite(model: model.configuration.name, index: index)
    }
    return enhanced
  }

  /// The spectrogram of `samples` as the model takes it, [1, T, F, 2].
  ///
  /// A signal too short for the transform's reflected edges is taken with zeros behind it, one
  /// window long in all. Where hops are longer than a quarter of a window, zeros make up a whole
  /// number of hops: else the last samples would lie under the edge of one frame alone, whose
  /// inverse divides by a window near zero.
  ///
  /// The samples are multiplied by `level` first.
  package func spectrogram(
    of samples: [Float], level: Float = 1
  ) throws(EnhancementError) -> Tensor {
    if samples.isEmpty { throw .empty }
    let samples = level == 1 ? samples : samples.map { $0 * level }
    var count = samples.count <= transform.fftLength / 2 ? transform.fftLength : samples.count
    let hop = transform.hopSamples
    if 4 * hop > transform.fftLength { count = (count + hop - 1) / hop * hop }
    do {
      return try transform.tensor(
        of: count == samples.count
          ? samples : samples + Array(repeating: 0, count: count - samples.count))
    } catch {
      preconditionFailure("Enhancer: \(error)")
    }
  }

  /// The first `sampleCount` samples of the signal with this spectrogram, [1, T, F, 2], divided by
  /// `level`.
  package func signal(of spectrogram: Tensor, sampleCount: Int, level: Float = 1) -> [Float] {
    [Float](unsafeUninitializedCapacity: sampleCount) { buffer, count in
      transform.inverse(
        UnsafePointer(spectrogram.base), frameCount: spectrogram.shape[1],
        into: UnsafeMutableBufferPointer(rebasing: buffer[..<sampleCount]))
      if level != 1 { for i in 0..<sampleCount { buffer[i] /= level } }
      count = sampleCount
    }
  }
}

extension ModelConfiguration {
  /// Checks that the bands take up the spectra that the front end makes, and that crops of
  /// `cropSeconds` have one; nil if no crops are made.
  package func requireFrontEnd(cropSeconds: Double? = nil) throws(EnhancementError) {
    guard bins == frontEnd.binCount else {
      throw .otherFrontEnd(model: name, bins: bins, frontEnd)
    }
    if let cropSeconds, frontEnd.sampleCount(seconds: cropSeconds) < frontEnd.leastSampleCount {
      throw .shortCrop(model: name, seconds: cropSeconds, frontEnd)
    }
  }
}
