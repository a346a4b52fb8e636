import Foundation
import Tensor

/// The parameters of `metricHead` for N features and H hidden ones.
public struct MetricHeadParameters {
  /// Weight of the first linear layer, [H, N].
  public let hiddenWeight: Tensor
  /// Its bias, [H].
  public let hiddenBias: Parameter
  /// Slope of the PReLU, [H].
  public let prelu: Parameter
  /// Weight of the second linear layer, [1, H].
  public let scoreWeight: Tensor
  /// Its bias, [1].
  public let scoreBias: Parameter
  /// Slope of the sigmoid, [1].
  public let sigmoid: Parameter
  /// Largest score, β.
  public let beta: Float

  /// Parameters whose weights are tensors: spectral norms.
  public init(
    hiddenWeight: Tensor, hiddenBias: Parameter, prelu: Parameter, scoreWeight: Tensor,
    scoreBias: Parameter, sigmoid: Parameter, beta: Float
  ) {
    self.hiddenWeight = hiddenWeight
    self.hiddenBias = hiddenBias
    self.prelu = prelu
    self.scoreWeight = scoreWeight
    self.scoreBias = scoreBias
    self.sigmoid = sigmoid
    self.beta = beta
  }
}

/// The head of a metric discriminator: β·σ(slope·(W₂·PReLU(dropout(W₁·x + b₁)) + b₂)).
///
/// The layers are so small that they are plain loops in double precision.
///
/// - Parameters:
///   - x: [B, N].
///   - parameters: Both linear layers, the PReLU and the sigmoid.
///   - dropoutFactors: Factors of the hidden features, B·H of them: 0 for one that is dropped,
///     1/(1 − p) for one that is kept. nil in evaluation.
///   - tape: The tape that records the backward step.
/// - Returns: Scores in 0…β, [B].
public func metricHead(
  _ x: Tensor, _ parameters: MetricHeadParameters, dropoutFactors: [Float]?, _ tape: Tape
) -> Tensor {
  let p = parameters
  precondition(
    x.shape.count == 2 && p.hiddenWeight.shape == [p.hiddenBias.count, x.shape[1]]
      && p.scoreWeight.shape == [1, p.hiddenBias.count] && p.prelu.count == p.hiddenBias.count,
    "metricHead: [B, N] = \(x.shape), weights \(p.hiddenWeight.shape) and "
      + "\(p.scoreWeight.shape), PReLU \(p.prelu.shape)")
  let (batch, features, hidden) = (x.shape[0], x.shape[1], p.hiddenBias.count)
  if let dropoutFactors {
    precondition(
      dropoutFactors.count == batch * hidden,
      "metricHead: \(dropoutFactors.count) dropout factors for \(batch) times \(hidden) features")
  }
  // The hidden features behind the dropout, and the scores before and behind the sigmoid.
  var kept = Array(repeating: 0.0, count: batch * hidden)
  var sums = Array(repeating: 0.0, count: batch)
  var sigmoids = sums
  let out = Tensor(uninitialized: [batch])
  for utterance in 0..<batch {
    let input = x.base + utterance * features
    var sum = Double(p.scoreBias.value[0])
    for unit in 0..<hidden {
      let weight = p.hiddenWeight.base + unit * features
      var value = Double(p.hiddenBias.value[unit])
      for index in 0..<features { value += Double(weight[index]) * Double(input[index]) }
      if let dropoutFactors { value *= Double(dropoutFactors[utterance * hidden + unit]) }
      kept[utterance * hidden + unit] = value
      let slope = value > 0 ? 1 : Double(p.prelu.value[unit])
      sum += Double(p.scoreWeight.base[unit]) * slope * value
    }
    sums[utterance] = sum
    sigmoids[utterance] = 1 / (1 + exp(-Double(p.sigmoid.value[0]) * sum))
    out.base[utterance] = Float(Double(p.beta) * sigmoids[utterance])
  }
  tape.record(using: [p.hiddenBias, p.prelu, p.scoreBias, p.sigmoid]) {
    guard let upstream = out.gradient else { return }
    let dx = x.requiresGradient ? x.gradientStorage().base : nil
    let dhiddenWeight =
      p.hiddenWeight.requiresGradient ? p.hiddenWeight.gradientStorage().base : nil
    let dscoreWeight = p.scoreWeight.requiresGradient ? p.scoreWeight.gradientStorage().base : nil
    for utterance in 0..<batch {
      let input = x.base + utterance * features
      let s = sigmoids[utterance]
      // d/d(slope·sum)
      let inner = Double(upstream.base[utterance]) * Double(p.beta) * s * (1 - s)
      p.sigmoid.gradient[0] += Float(inner * sums[utterance])
      let dsum = inner * Double(p.sigmoid.value[0])
      p.scoreBias.gradient[0] += Float(dsum)
      for unit in 0..<hidden {
        let value = kept[utterance * hidden + unit]
        let slope = value > 0 ? 1 : Double(p.prelu.value[unit])
        dscoreWeight?[unit] += Float(dsum * slope * value)
        let dactivated = dsum * Double(p.scoreWeight.base[unit])
        if !(value > 0) { p.prelu.gradient[unit] += Float(dactivated * value) }
        var dvalue = dactivated * slope
        if let dropoutFactors { dvalue *= Double(dropoutFactors[utterance * hidden + unit]) }
        p.hiddenBias.gradient[unit] += Float(dvalue)
        let factor = Float(dvalue)
        if let dhiddenWeight {
          let row = dhiddenWeight + unit * features
          for index in 0..<features { row[index] += factor * input[index] }
        }
        if let dx {
          let weight = p.hiddenWeight.base + unit * features
          let row = dx + utterance * features
          for index in 0..<features { row[index] += factor * weight[index] }
        }
      }
    }
    out.gradient = nil
  }
  return out
}
