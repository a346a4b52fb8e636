import Foundation
import Metrics

/// Reasons for which a text is no rule for the best epoch.
public enum SelectionRuleError: Error, Equatable, CustomStringConvertible {
  /// No metric has this name.
  case unknownMetric(name: String, text: String)
  /// The text is no sum of metrics with positive weights.
  case malformed(text: String, part: String)
  /// A metric occurs twice.
  case twice(name: String, text: String)
  /// A metric is not defined at the sample rate of the model, in hertz.
  case undefined(name: String, sampleRate: Int)

  /// One sentence that quotes the text and says what is allowed.
  public var description: String {
    switch self {
    case .unknownMetric(let name, let text):
      "\"\(text)\": there is no metric \"\(name)\"; the metrics are "
        + SelectionRule.names.joined(separator: ", ")
    case .malformed(let text, let part):
      "\"\(text)\": \"\(part)\" is no metric with a positive weight, such as si_sdr or 0.1*si_sdr; "
        + "loss, llr and wss count as the better the lower, and terms are joined by +"
    case .twice(let name, let text): "\"\(text)\": \(name) is given twice"
    case .undefined(let name, let sampleRate):
      "\(name) is not defined at the \(sampleRate) Hz of the model; at this rate the best epoch "
        + "can be chosen by si_sdr and loss"
    }
  }
}

/// The rule by which the best epoch of a run is chosen: a metric of the validation, or a weighted
/// sum of several, such as `pesq_wb+0.1*si_sdr`.
///
/// The score is Σ w·m over the terms, with the sign of m changed for metrics whose low values are
/// good: loss, LLR and WSS. So the highest score is always the best.
public struct SelectionRule: Equatable, Sendable {
  /// A number of a validation.
  public enum Quantity: Equatable, Sendable {
    /// The mean of a metric over the enhanced utterances.
    case metric(ScoreColumn)
    /// The mean loss.
    case loss

    /// Its name in rules.
    public var name: String {
      switch self {
      case .metric(let column): column.rawValue
      case .loss: "loss"
      }
    }

    /// Whether low values are good.
    public var isBetterLower: Bool {
      switch self {
      case .metric(let column): [.llr, .wss].contains(column)
      case .loss: true
      }
    }

    init?(name: String) {
      if name == "loss" {
        self = .loss
      } else if let column = ScoreColumn(rawValue: name) {
        self = .metric(column)
      } else {
        return nil
      }
    }
  }

  /// A weighted number.
  public struct Term: Equatable, Sendable {
    /// Positive and finite.
    public let weight: Double
    /// The number.
    public let quantity: Quantity
  }

  /// The terms, in the order in which they were given.
  public let terms: [Term]

  /// Names of all quantities.
  public static let names = ScoreColumn.allCases.map(\.rawValue) + ["loss"]

  /// The rule of runs that ask for none: wide-band PESQ, or SI-SDR at sample rates at which PESQ is
  /// not defined, in hertz.
  public static func standard(sampleRate: Int) -> SelectionRule {
    let column: ScoreColumn =
      ScoreColumn.pesqWB.isDefined(sampleRate: sampleRate) ? .pesqWB : .siSDR
    return SelectionRule(terms: [Term(weight: 1, quantity: .metric(column))])
  }

  private init(terms: [Term]) { self.terms = terms }

  /// Reads `metric` or `weight*metric`, or a sum of such terms.
  ///
  /// - Throws: `SelectionRuleError` that says what is wrong with the text.
  public init(parsing text: String) throws(SelectionRuleError) {
    var terms: [Term] = []
    // An exponent may have a sign of its own: 1e+2*stoi.
    for part in Self.parts(text) {
      let factors = part.split(separator: "*", omittingEmptySubsequences: false)
        .map { $0.trimmingCharacters(in: .whitespaces) }
      guard let name = factors.last, !name.isEmpty, factors.count <= 2 else {
        throw .malformed(text: text, part: part)
      }
      let weight = factors.count == 2 ? Double(factors[0]) : 1
      guard let weight, weight > 0, weight.isFinite else {
        throw .malformed(text: text, part: part)
      }
      guard let quantity = Quantity(name: name) else {
        if name.hasPrefix("-") || Double(name) != nil {
          throw .malformed(text: text, part: part)
        }
        throw .unknownMetric(name: name, text: text)
      }
      if terms.contains(where: { $0.quantity == quantity }) { throw .twice(name: name, text: text) }
      terms.append(Term(weight: weight, quantity: quantity))
    }
    self.init(terms: terms)
  }

  private static func parts(_ text: String) -> [String] {
    var parts = [""]
    for character in text {
      let last = parts[parts.count - 1]
      let isExponent = last.hasSuffix("e") && last.dropLast().last?.isNumber == true
      if character == "+" && !isExponent {
        parts.append("")
      } else {
        parts[parts.count - 1].append(character)
      }
    }
    return parts.map { $0.trimmingCharacters(in: .whitespaces) }
  }

  /// The metrics that the rule needs.
  public var metrics: Set<ScoreColumn> {
    Set(terms.compactMap { if case .metric(let column) = $0.quantity { column } else { nil } })
  }

  /// Whether the loss is one of the terms.
  public var usesLoss: Bool { terms.contains { $0.quantity == .loss } }

  /// Throws `undefined` unless every metric is defined at `sampleRate`, in hertz.
  public func requireDefined(sampleRate: Int) throws(SelectionRuleError) {
    for column in metrics.sorted(by: { $0.rawValue < $1.rawValue })
    where !column.isDefined(sampleRate: sampleRate) {
      throw .undefined(name: column.rawValue, sampleRate: sampleRate)
    }
  }

  /// The score of a validation, higher for a better one.
  ///
  /// - Parameter value: a number of the validation; nil where there is none.
  /// - Returns: nil if a number is missing or not finite.
  public func score(_ value: (Quantity) -> Double?) -> Double? {
    // A rule of one metric has that metric's bits.
    var sum: Double?
    for term in terms {
      guard let number = value(term.quantity), number.isFinite else { return nil }
      let signed = term.quantity.isBetterLower ? -number : number
      let weighted = term.weight == 1 ? signed : term.weight * signed
      sum = sum.map { $0 + weighted } ?? weighted
    }
    return sum
  }

  /// A score as people read it: the metric itself where the rule is one, with the name unless that
  /// is PESQ's.
  public func text(_ score: Double) -> String {
    guard terms.count == 1, let term = terms.first, term.weight == 1 else {
      return String(format: "%@ %.4f", description, score)
    }
    switch term.quantity {
    case .metric(.pesqWB): return String(format: "%.4f", score)
    case .metric(.siSDR): return String(format: "SI-SDR %.2f dB", score)
    default:
      return String(
        format: "%@ %.4f", term.quantity.name, term.quantity.isBetterLower ? -score : score)
    }
  }
}

extension SelectionRule: CustomStringConvertible {
  /// The rule as it is given, in its shortest form.
  public var description: String {
    terms.map { term in
      let name = term.quantity.name
      if term.weight == 1 { return name }
      // The shortest text of the same number.
      return Int(exactly: term.weight).map { "\($0)*\(name)" } ?? "\(term.weight)*\(name)"
    }.joined(separator: "+")
  }
}
