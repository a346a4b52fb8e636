/// An observer of the tensors that the operations of one tape compute, forward and backward, in the
/// order of computation, to find the first tensor that is not finite.
///
/// Layers show the tape their outputs (`Tape.inspect`) under their names. An inspector reads
/// tensors and changes none, so results do not depend on it. A tape without an inspector only tests
/// for one, once per layer and once per backward step.
public final class Inspector {
  /// The statistics of one tensor and its place in the computation.
  public struct Observation: Codable, Equatable, Sendable {
    /// A part of the computation.
    public enum Stage: String, Codable, Sendable {
      /// The model's input.
      case input
      /// Parameters before the forward pass.
      case weights
      /// The output of an operation.
      case forward
      /// The gradients that the backward step of an operation makes.
      case backward
    }

    /// The part of the computation.
    public var stage: Stage
    /// The layer whose operation computes the tensor, such as `layers.2.intra`.
    public var layer: String
    /// The tensor of that layer, such as "output".
    public var tensor: String
    /// Statistics of the tensor's elements.
    public var statistics: TensorStatistics

    /// Observation of the tensor `tensor` that an operation of `layer` computes in `stage`.
    public init(stage: Stage, layer: String, tensor: String, statistics: TensorStatistics) {
      self.stage = stage
      self.layer = layer
      self.tensor = tensor
      self.statistics = statistics
    }
  }

  private struct Mark {
    let layer: String
    let output: Tensor
    /// Numbers of recorded backward steps before and after the layer's own.
    let start: Int
    let end: Int
  }

  /// The observations so far, in the order of computation.
  public private(set) var observations: [Observation] = []
  /// The layers observed so far, in forward order.
  public private(set) var layers: [String] = []
  private let parameters: ParameterArena
  private let layerPrefix: String
  private let parameterPrefix: String
  private let ownLayer: ((String) -> String)?
  private var marks: [Mark] = []
  /// The layer whose backward step ran last.
  private var lastBackward: String?

  /// An inspector of a model with these parameters.
  ///
  /// - Parameters:
  ///   - parameters: The parameters of the model.
  ///   - layerPrefix: Beginning of the names of layers in observations.
  ///   - parameterPrefix: Beginning of the names of parameters in observations.
  ///   - layer: The layer of the parameter with a name; nil for the layer with whose name it
  ///     begins.
  public init(
    _ parameters: ParameterArena, layerPrefix: String = "", parameterPrefix: String = "",
    layer: ((String) -> String)? = nil
  ) {
    self.parameters = parameters
    self.layerPrefix = layerPrefix
    self.parameterPrefix = parameterPrefix
    ownLayer = layer
  }

  /// The observed layer that `parameter` belongs to: the one with whose name the parameter's name
  /// begins.
  public func layer(of parameter: Parameter) -> String {
    ownLayer?(parameter.name)
      ?? layers.filter { parameter.name.hasPrefix($0 + ".") }.max { $0.count < $1.count }
      ?? parameter.name
  }

  /// Observes the output of `layer`, after which the tape holds `recorded` backward steps.
  func forward(_ layer: String, _ output: Tensor, recorded: Int) {
    layers.append(layer)
    observe(.forward, layer, "output", UnsafeBufferPointer(output.storage.buffer))
    marks.append(Mark(layer: layer, output: output, start: marks.last?.end ?? 0, end: recorded))
  }

  /// Observes the gradient of a layer's output before the last of `recorded` backward steps runs.
  func willRun(recorded: Int) {
    guard let mark = marks.last, mark.end == recorded, let gradient = mark.output.gradient else {
      return
    }
    // The backward step that ran last has computed this gradient, so its layer is named.
    observe(
      .backward, lastBackward ?? mark.layer,
      "gradient of the output of \(layerPrefix)\(mark.layer)",
      UnsafeBufferPointer(gradient.buffer))
  }

  /// Observes the parameter gradients of a layer after its backward steps, when `recorded` steps of
  /// other layers are left.
  func didRun(recorded: Int) {
    guard let mark = marks.last, recorded <= mark.start else { return }
    marks.removeLast()
    lastBackward = mark.layer
    for parameter in parameters.parameters where layer(of: parameter) == mark.layer {
      observe(
        .backward, mark.layer, "gradient of \(parameterPrefix)\(parameter.name)",
        UnsafeBufferPointer(start: parameter.gradient, count: parameter.count))
    }
  }

  private func observe(
    _ stage: Observation.Stage, _ layer: String, _ tensor: String,
    _ values: UnsafeBufferPointer<Float>
  ) {
    observations.append(
      Observation(
        stage: stage, layer: layerPrefix + layer, tensor: tensor,
        statistics: TensorStatistics(values)))
  }
}
