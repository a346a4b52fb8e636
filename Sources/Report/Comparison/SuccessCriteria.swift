/// The scores that the published plan of the ablations sets itself, on VoiceBank-DEMAND.
struct SuccessCriteria: Equatable, Sendable {
  /// Score that must be reached.
  let minimum: Double
  /// Expected score.
  let target: Double
  /// Score of the best models of their time; nil if the plan names none.
  var stretch: Double?

  /// By preset.
  static let published = [
    "abl1": SuccessCriteria(minimum: 2.9, target: 3.0),
    "abl2": SuccessCriteria(minimum: 3.0, target: 3.1),
    "abl3": SuccessCriteria(minimum: 3.1, target: 3.2, stretch: 3.5),
  ]

  /// Each criterion by name, and whether `score` meets it.
  func verdicts(_ score: Double) -> [(name: String, text: String)] {
    func verdict(_ limit: Double, _ isMet: Bool) -> String {
      "\(isMet ? "met" : "not met") (\(limit))"
    }
    return [
      ("minimum", verdict(minimum, score >= minimum)),
      ("target", verdict(target, score >= target)),
    ] + (stretch.map { [("stretch", verdict($0, score > $0))] } ?? [])
  }
}

/// A row of the published table.
struct PublishedResult: Equatable, Sendable {
  let model: String
  let parameters: String
  let pesq: String
  let epoch: String

  /// The two systems that the ablations are compared with.
  static let baselines = [
    PublishedResult(model: "BSRNN", parameters: "2.4", pesq: "3.00", epoch: "12"),
    PublishedResult(model: "Modified", parameters: "2.14", pesq: "2.62", epoch: "20"),
  ]
}
