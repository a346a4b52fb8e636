import Foundation
import Metrics

/// Results of one epoch of training and its validation: the log's epoch line, a row of
/// `history.csv` and most of an event in `metrics.jsonl`.
///
/// A score that could not be measured is nil and prints as `nan`.
public struct EpochReport: Equatable, Sendable {
  /// Number of the epoch, from 1.
  public var epoch = 0
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
  public var learningRate = 0.0
  /// Number of utterances that got a PESQ.
  public var scored = 0
  /// Number of utterances in the validation set.
  public var total = 0
  /// Wall-clock duration of training and validation.
  public var seconds = 0.0
  /// Seconds of audio trained per second, over all ranks.
  public var audioSecondsPerSecond = 0.0
  /// Part of `seconds` in which training waited for the validation.
  public var validationSeconds: Double?
  /// Score by which the best epoch is chosen, higher for a better one; nil if it could not be
  /// measured, and in files of versions that did not write it.
  public var selection: Double?

  /// A report of no epoch yet.
  package init() {}

  /// A report of one epoch.
  public init(
    epoch: Int, pesq: Double? = nil, noisyPESQ: Double? = nil, siSDR: Double? = nil,
    noisySISDR: Double? = nil,
    validationLoss: Double? = nil, trainingLoss: Double? = nil, learningRate: Double,
    scored: Int, total: Int, seconds: Double, audioSecondsPerSecond: Double,
    validationSeconds: Double? = nil, selection: Double? = nil
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
    self.selection = selection
  }

  /// The score by which the best epoch is chosen unless a rule says otherwise: PESQ, or SI-SDR at
  /// sample rates for which PESQ is not defined. Nil if no utterance could be scored.
  public var standardScore: Double? { pesq ?? siSDR }

  /// The selection score of a rule of the user's own; nil if the standard score decides.
  package var ownSelection: Double? { selection == standardScore ? nil : selection }

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
    let own = ownSelection.map { ["selection-score \(Self.fixed($0, 4))"] } ?? []
    return (fields + own).joined(separator: " ")
  }

  // `%f` of Foundation always has a decimal point, whatever the locale: awk and sort rely on it.
  private static func fixed(_ value: Double?, _ digits: Int) -> String {
    guard let value, !value.isNaN else { return "nan" }
    return String(format: "%.\(digits)f", value)
  }
}

extension EpochReport: FieldList {
  /// Visits the columns of `history.csv`, in order, which are fields of the event, too. New ones
  /// come last, so that an older history can be continued.
  package mutating func visit<V: FieldVisitor>(_ fields: inout V) throws(V.Failure) {
    try fields.required("epoch", &epoch)
    try fields("pesq", &pesq)
    try fields("noisy_pesq", &noisyPESQ)
    try fields("si_sdr", &siSDR)
    try fields("noisy_si_sdr", &noisySISDR)
    try fields("loss", &validationLoss)
    try fields("train_loss", &trainingLoss)
    try fields("scored", &scored)
    try fields("total", &total)
    try fields("seconds", &seconds)
    try fields("audio_seconds_per_second", &audioSecondsPerSecond)
    try fields("learning_rate", &learningRate)
    try fields("validation_seconds", &validationSeconds)
    try fields("selection_score", &selection)
  }
}
