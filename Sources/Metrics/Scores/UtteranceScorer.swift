/// Computes a set of metrics for one utterance after the other, with one set of filters and
/// transforms. Serves one thread at a time.
public final class UtteranceScorer {
  /// The metrics that are computed, including those that others are computed from.
  public let metrics: Set<ScoreColumn>
  private let pesq = PESQ.Scorer()
  private lazy var intelligibility = BandEnvelopes.Workspace()
  private lazy var slopes = WeightedSpectralSlope()

  /// A scorer that computes `metrics` and the metrics that they are computed from.
  public init(_ metrics: Set<ScoreColumn> = .all) {
    self.metrics = metrics.reduce(metrics) { $0.union($1.sources) }
  }

  /// Scores a pair of signals. For a metric that is undefined the result's `error` holds the
  /// reason, and the metrics that are computed from it are missing too.
  ///
  /// - Parameters:
  ///   - file: the name of the utterance in reports.
  ///   - reference: the clean mono signal, in ±1.
  ///   - degraded: the signal to judge; the longer one is cut to the shorter, except for PESQ.
  ///   - sampleRate: the rate of both signals, in hertz; all metrics but SI-SDR are defined at
  ///     16000 only.
  public func score(
    file: String, reference: [Float], degraded: [Float], sampleRate: Int
  ) -> UtteranceScore {
    var attempt = Attempt(metrics: metrics, score: UtteranceScore(file: file))
    attempt.set(.pesqWB) {
      try pesq.wideBand(reference: reference, degraded: degraded, sampleRate: sampleRate)
    }
    attempt.set(.siSDR) { try Metrics.siSDR(reference: reference, degraded: degraded) }
    let others = metrics.intersection([.stoi, .estoi, .ssnr, .llr, .wss])
    if !others.isEmpty {
      do throws(MetricError) {
        let pair = try SignalPair(
          reference: reference, degraded: degraded, sampleRate: sampleRate)
        judge(pair, &attempt)
      } catch {
        attempt.fail(others, error)
      }
    }
    return attempt.finished
  }

  private func judge(_ pair: SignalPair, _ attempt: inout Attempt) {
    let intelligibilities = metrics.intersection([.stoi, .estoi])
    if !intelligibilities.isEmpty {
      do throws(MetricError) {
        let envelopes = try BandEnvelopes(pair, intelligibility)
        attempt.set(.stoi) { envelopes.stoi }
        attempt.set(.estoi) { envelopes.estoi }
      } catch {
        attempt.fail(intelligibilities, error)
      }
    }
    attempt.set(.ssnr) { try segmentalSNR(pair) }
    if metrics.contains(.llr) {
      do throws(MetricError) {
        let ratio = try LogLikelihoodRatio(pair)
        attempt.set(.llr) { ratio.value }
        attempt.score.llrFramesLeftOut = ratio.nonFiniteCount
      } catch {
        attempt.fail([.llr], error)
      }
    }
    attempt.set(.wss) { try slopes.distance(pair) }
  }

  /// A score in progress, with the reasons for which metrics are missing.
  private struct Attempt {
    let metrics: Set<ScoreColumn>
    var score: UtteranceScore
    /// Each reason with the columns that it applies to.
    private var reasons: [(columns: [ScoreColumn], text: String)] = []

    init(metrics: Set<ScoreColumn>, score: UtteranceScore) {
      self.metrics = metrics
      self.score = score
    }

    /// Computes a column if it was requested.
    mutating func set(_ column: ScoreColumn, _ value: () throws -> Double) {
      guard metrics.contains(column) else { return }
      do { score[column] = try value() } catch { fail([column], error) }
    }

    mutating func fail(_ columns: Set<ScoreColumn>, _ error: any Error) {
      let text = "\(error)"
      if let known = reasons.firstIndex(where: { $0.text == text }) {
        reasons[known].columns += columns.ordered
      } else {
        reasons.append((columns.ordered, text))
      }
    }

    /// The score with the composite measures, and one text for all reasons.
    var finished: UtteranceScore {
      var score = score
      if let pesqWB = score[.pesqWB], let wss = score[.wss] {
        if let llr = score[.llr] {
          set(.csig, CompositeQuality.signal(pesqWB: pesqWB, llr: llr, wss: wss), in: &score)
          set(.covl, CompositeQuality.overall(pesqWB: pesqWB, llr: llr, wss: wss), in: &score)
        }
        if let ssnr = score[.ssnr] {
          set(.cbak, CompositeQuality.background(pesqWB: pesqWB, wss: wss, ssnr: ssnr), in: &score)
        }
      }
      if !reasons.isEmpty {
        score.error = reasons.map { reason in
          let columns = Set(reason.columns).ordered.map(\.rawValue)
          return "\(columns.joined(separator: ", ")): \(reason.text)"
        }.joined(separator: "; ")
      }
      return score
    }

    private func set(_ column: ScoreColumn, _ value: Double, in score: inout UtteranceScore) {
      if metrics.contains(column) { score[column] = value }
    }
  }
}
