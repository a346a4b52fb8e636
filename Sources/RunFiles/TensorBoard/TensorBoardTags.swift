/// Under which tags the numbers of a run's events stand in TensorBoard. What is before the slash is
/// a section of its page.
enum TensorBoardTags {
  /// By event and field. All of these events have a field `step`.
  static let all: [String: [(field: String, tag: String)]] = [
    "step": [
      ("loss", "train/loss"), ("gradient_norm", "train/gradient_norm"),
      ("learning_rate", "train/learning_rate"), ("skipped", "train/skipped"),
      ("busy_seconds", "step_seconds/busy"), ("data_seconds", "step_seconds/data"),
      ("exposed_exchange_seconds", "step_seconds/exposed_exchange"),
    ],
    "epoch": [
      ("pesq", "validation/pesq"), ("noisy_pesq", "validation/noisy_pesq"),
      ("si_sdr", "validation/si_sdr"), ("noisy_si_sdr", "validation/noisy_si_sdr"),
      ("loss", "validation/loss"), ("scored", "validation/scored"),
      ("train_loss", "train/pass_loss"),
      ("audio_seconds_per_second", "throughput/audio_seconds_per_second"),
      ("seconds", "pass_seconds/all"), ("validation_seconds", "pass_seconds/validation"),
      ("data_seconds", "pass_seconds/data"),
    ],
    "waiting": [
      ("waited_seconds", "pass_seconds/ranks_waiting"), ("jitter", "throughput/jitter"),
    ],
    "checkpoint": [("seconds", "checkpoint/seconds"), ("bytes", "checkpoint/bytes")],
  ]

  /// The numbers of an event, without those that were not measured.
  static func scalars(
    event: String, fields: [(name: String, value: MetricValue)]
  ) -> [(tag: String, value: Double)] {
    let values = Dictionary(fields.map { ($0.name, $0.value) }) { first, _ in first }
    return (all[event] ?? []).compactMap { field, tag in
      values[field]?.double.map { (tag, $0) }
    }
  }
}

extension MetricValue {
  /// As a number; nil for what is none.
  fileprivate var double: Double? {
    switch self {
    case .number(let value): value
    case .integer(let value): Double(value)
    case .flag(let value): value ? 1 : 0
    case .text, .list: nil
    }
  }
}
