import Convolution
import Tensor

/// The metric discriminator of CMGAN, which learns to predict a metric of a pair of utterances from
/// their compressed magnitudes.
///
/// ```
/// 4 × [ SN Conv2d 4 × 4, stride 2, padding 1, no bias → InstanceNorm → PReLU ]
///     2 → n → 2n → 4n → 8n channels
/// global maximum over frequency and time
/// SN Linear 8n → 4n → Dropout(0.3) → PReLU → SN Linear 4n → 1
/// D = β·σ(slope·a)
/// ```
/// SN is the spectral norm. Every pass in training mode moves its vectors u and v by one power
/// iteration first. They depend on the weights and the number of passes alone, so ranks that make
/// equally many passes keep them equal. Parameters and state have the names of the published
/// weights. Source: Cao et al. 2022 (CMGAN).
public final class MetricDiscriminator {
  /// The trained parameters, in forward order.
  public let parameters = ParameterArena()
  /// The vectors u and v of the spectral norms, `….weight_u` and `….weight_v`: state that passes
  /// in training mode change, without gradients.
  public let spectralState = ParameterArena()
  /// Largest score, β: 1.2 in BSRNN's recipe, 1 in CMGAN's and those that follow it.
  public let beta: Float
  /// Number of hidden features, for each of which a dropout mask has a number.
  public let hiddenFeatures: Int
  /// Probability with which dropout keeps a hidden feature, 0.7 in all published recipes.
  public let keptFraction: Float
  /// Least number of frequency bins and of frames.
  public static let smallestExtent = 16

  private struct Convolutional {
    let weight: SpectralWeight
    let norm: AffineParameters
    let slope: Parameter
  }

  private let layers: [Convolutional]
  private let hidden: SpectralWeight
  private let hiddenBias: Parameter
  private let prelu: Parameter
  private let score: SpectralWeight
  private let scoreBias: Parameter
  private let sigmoid: Parameter
  private static let geometry = Convolution2d(
    kernel: Extent2d(4, 4), stride: Extent2d(2, 2), padding: Extent2d(1, 1))

  /// A discriminator whose parameters and state have the initial values that `seed` determines:
  /// PyTorch's defaults.
  ///
  /// - Parameters:
  ///   - channels: Channels of the first layer, n; the published networks have 16.
  ///   - beta: Largest score, β.
  ///   - dropout: Probability with which a hidden feature is dropped.
  ///   - seed: Determines all initial values.
  public init(channels: Int = 16, beta: Float, dropout: Double = 0.3, seed: UInt64) {
    self.beta = beta
    keptFraction = Float(1 - dropout)
    hiddenFeatures = 4 * channels
    let root = ParameterScope(parameters).child("layers")
    let state = ParameterScope(spectralState).child("layers")
    func spectral(_ index: Int, _ shape: [Int]) -> SpectralWeight {
      SpectralWeight(shape, root.child(String(index)), state.child(String(index)))
    }
    func bias(_ index: Int, inputs: Int, outputs: Int) -> Parameter {
      root.child(String(index)).parameter(
        "bias", [outputs], .uniform(bound: 1 / Float(inputs).squareRoot()))
    }
    func slopes(_ index: Int, _ count: Int) -> Parameter {
      root.child(String(index)).parameter("weight", [count], .constant(0.25))
    }
    layers = (0..<4).map { layer in
      let outputs = channels << layer
      let weight = spectral(3 * layer, [outputs, layer == 0 ? 2 : outputs / 2, 4, 4])
      let norm = root.child(String(3 * layer + 1))
      return Convolutional(
        weight: weight,
        norm: AffineParameters(
          weight: norm.parameter("weight", [outputs], .ones),
          bias: norm.parameter("bias", [outputs], .zeros)),
        slope: slopes(3 * layer + 2, outputs))
    }
    hidden = spectral(14, [4 * channels, 8 * channels])
    hiddenBias = bias(14, inputs: 8 * channels, outputs: 4 * channels)
    prelu = slopes(16, 4 * channels)
    score = spectral(17, [1, 4 * channels])
    scoreBias = bias(17, inputs: 4 * channels, outputs: 1)
    sigmoid = root.child("18").parameter("slope", [1], .ones)
    parameters.allocate(seed: seed)
    spectralState.allocate(seed: seed)
    spectralState.discardGradients()
  }
}

extension MetricDiscriminator {
  /// The mode of a pass.
  public enum Mode {
    /// Spectral norms iterate once, and hidden features are dropped where `mask` is 0 and kept
    /// where it is 1; it has `hiddenFeatures` numbers for each utterance of the batch. A pass over
    /// a batch that goes utterance by utterance iterates with `iterateSpectralNorms` instead, once.
    case training(mask: [Float], iterates: Bool = true)
    /// Spectral norms stay as they are, and nothing is dropped.
    case evaluation
  }

  /// Scores pairs of compressed magnitudes, recorded on `tape`.
  ///
  /// Several passes may precede one `backward`: each keeps the spectral norms that it had.
  /// Gradients go to those of both inputs that ask for them.
  ///
  /// - Parameters:
  ///   - reference: [B, F, T], F and T at least `smallestExtent`.
  ///   - estimate: [B, F, T]; may be the same tensor.
  ///   - mode: Training or evaluation.
  ///   - differentiatesWeights: Whether backward computes the gradients of the spectrally
  ///     normalised weights. Without, as for the loss of the generator, those of the other
  ///     parameters are incomplete and have to be dropped.
  ///   - tape: The tape that records the backward steps.
  /// - Returns: Scores in 0…β, [B].
  public func callAsFunction(
    _ reference: Tensor, _ estimate: Tensor, _ mode: Mode, differentiatesWeights: Bool = true,
    _ tape: Tape
  ) -> Tensor {
    precondition(
      reference.shape.count == 3 && reference.shape == estimate.shape
        && reference.shape[1...].allSatisfy { $0 >= Self.smallestExtent },
      "MetricDiscriminator: expected [B, F, T] with at least \(Self.smallestExtent) bins and "
        + "frames, got \(reference.shape) and \(estimate.shape)")
    var factors: [Float]?
    var iterates = false
    if case .training(let mask, let moves) = mode {
      iterates = moves
      precondition(
        mask.count == reference.shape[0] * hiddenFeatures
          && mask.allSatisfy { $0 == 0 || $0 == 1 },
        "MetricDiscriminator: a mask of \(mask.count) numbers for a batch of "
          + "\(reference.shape[0])")
      factors = mask.map { $0 / keptFraction }
    }
    func normalised(_ weight: SpectralWeight) -> Tensor {
      spectralNorm(
        weight.original, u: weight.u, v: weight.v, iterates: iterates,
        differentiates: differentiatesWeights, tape)
    }
    var x = stackedPlanes([reference, estimate], tape)
    for (index, layer) in layers.enumerated() {
      x = convolution2d(
        [x], weight: .tensor(normalised(layer.weight)), geometry: Self.geometry, tape)
      tape.inspect("layers.\(3 * index)", x)
      x = instanceNorm2d(x, layer.norm, slope: layer.slope, tape)
      tape.inspect("layers.\(3 * index + 1)", x)
    }
    let scores = metricHead(
      globalMaximum(x, tape),
      MetricHeadParameters(
        hiddenWeight: normalised(hidden), hiddenBias: hiddenBias, prelu: prelu,
        scoreWeight: normalised(score), scoreBias: scoreBias, sigmoid: sigmoid, beta: beta),
      dropoutFactors: factors, tape)
    tape.inspect("head", scores)
    return scores
  }

  /// The layer, as an inspector sees it, of a parameter or a vector of state: a convolution, a norm
  /// with the slopes after it, or `head`, which is all that follows the maximum.
  public static func layer(ofParameter name: String) -> String {
    let parts = name.split(separator: ".")
    guard parts.count > 1, let index = Int(parts[1]), index < 12 else { return "head" }
    return "layers.\(index % 3 == 2 ? index - 1 : index)"
  }
}

extension MetricDiscriminator {
  /// Moves the vectors of all spectral norms by one power iteration, as a pass in training mode
  /// does.
  public func iterateSpectralNorms() {
    for weight in layers.map(\.weight) + [hidden, score] {
      _ = spectralNorm(
        weight.original, u: weight.u, v: weight.v, iterates: true, differentiates: false,
        .inference)
    }
  }
}

/// A weight with the state of its spectral norm.
private struct SpectralWeight {
  let original: Parameter
  let u: Parameter
  let v: Parameter

  /// Registers `weight_orig` in `scope`, `weight_u` and `weight_v` in `state`.
  init(_ shape: [Int], _ scope: ParameterScope, _ state: ParameterScope) {
    let inputs = shape[1...].reduce(1, *)
    original = scope.parameter(
      "weight_orig", shape, .uniform(bound: 1 / Float(inputs).squareRoot()))
    u = state.parameter("weight_u", [shape[0]], .unitNormal)
    v = state.parameter("weight_v", [inputs], .unitNormal)
  }
}
