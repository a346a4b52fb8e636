import Foundation
import Metrics

/// What one epoch of training and its validation came to: the log's epoch line, a row of the
/// history and an event in `metrics.jsonl`.
///
/// A score that could not be measured is nil and prints as `nan`.
public struct EpochReport: Equatable, Sendable {
  /// Number of the epoch, from 1.
  public var epoch: Int
  /// Mean PESQ of the enhanced validation utterances.
  public var pesq: Double?
  /// Mean PESQ of the same utterances unprocessed.
  public var noisyPESQ: Double?
  /// Mean SI-SDR of the enhanced utterances, dB.
  public var siSDR: Double?
  /// Mean SI-SDR of the same utterances unprocessed, dB.
  public var noisySISDR: Double?
  /// Mean loss over the validation set.
  public var validationLoss: Double?
  /// Mean loss over the epoch's training items.
  public var trainingLoss: Double?
  /// Learning rate of the epoch's last step.
  public var learningRate: Double
  /// Number of utterances that got a PESQ.
  public var scored: Int
  /// Number of utterances in the validation set.
  public var total: Int
  /// Wall-clock duration of training and validation.
  public var seconds: Double
  /// Seconds of audio trained per second, over all ranks.
  public var audioSecondsPerSecond: Double
  /// Those of `seconds` in which training stood still for the validation.
  public var validationSeconds: Double?

  /// A report of one epoch.
  public init(
    epoch: Int, pesq: Double? = nil, noisyPESQ: Double? = nil, siSDR: Double? = nil,
    noisySISDR: Double? = nil,
    validationLoss: Double? = nil, trainingLoss: Double? = nil, learningRate: Double,
    scored: Int, total: Int, seconds: Double, audioSecondsPerSecond: Double,
    validationSeconds: Double? = nil
  ) {
    self.epoch = epoch
    self.pesq = pesq
    self.noisyPESQ = noisyPESQ
    self.siSDR = siSDR
    self.noisySISDR = noisySISDR
    self.validationLoss = validationLoss
    self.trainingLoss = trainingLoss
    self.learningRate = learningRate
    self.scored = scored
    self.total = total
    self.seconds = seconds
    self.audioSecondsPerSecond = audioSecondsPerSecond
    self.validationSeconds = validationSeconds
  }

  /// The validation's share of `seconds`.
  public var validationShare: Double? {
    validationSeconds.map { seconds > 0 ? $0 / seconds : 0 }
  }

  /// The one log line of the epoch: `Epoch 12 PESQ 3.0040 noisy 1.9700 SI-SDR 18.20 …`.
  ///
  /// The first four fields are fixed: people sort by the fourth and print the second. New ones come
  /// last.
  public var logLine: String {
    let fields = [
      "Epoch \(epoch) PESQ \(Self.fixed(pesq, 4))",
      "noisy \(Self.fixed(noisyPESQ, 4))",
      "SI-SDR \(Self.fixed(siSDR, 2)) noisy-SI-SDR \(Self.fixed(noisySISDR, 2))",
      "loss \(Self.fixed(validationLoss, 4)) train-loss \(Self.fixed(trainingLoss, 4))",
      "scored \(scored)/\(total)",
      "seconds \(Self.fixed(seconds, 1)) audio-s/s \(Self.fixed(audioSecondsPerSecond, 1))",
      "learning-rate \(String(format: "%.4g", learningRate))",
      "validation-share \(Self.fixed(validationShare, 3))",
    ]
    return fields.joined(separator: " ")
  }

  /// The fields of `metrics.jsonl` and the columns of `history.csv`, in order. New ones come last,
  /// so that an older history can be continued.
  package var fields: [(name: String, value: MetricValue)] {
    [
      ("epoch", .integer(epoch)),
      ("pesq", .number(pesq)), ("noisy_pesq", .number(noisyPESQ)),
      ("si_sdr", .number(siSDR)), ("noisy_si_sdr", .number(noisySISDR)),
      ("loss", .number(validationLoss)), ("train_loss", .number(trainingLoss)),
      ("scored", .integer(scored)), ("total", .integer(total)),
      ("seconds", .number(seconds)),
      ("audio_seconds_per_second", .number(audioSecondsPerSecond)),
      ("learning_rate", .number(learningRate)),
      ("validation_seconds", .number(validationSeconds)),
    ]
  }

  // `%f` of Foundation always has a decimal point, whatever the locale: awk and sort rely on it.
  private static func fixed(_ value: Double?, _ digits: Int) -> String {
    guard let value, !value.isNaN else { return "nan" }
    return String(format: "%.\(digits)f", value)
  }
}
