/// Looks at what the operations of one tape make, forward and backward, in the order of
/// computation: to find where a number first stops being finite.
///
/// Layers tell the tape what they have made (`Tape.inspect`), under their names. It reads tensors
/// and changes none, so results are the same with it and without. A tape without one does nothing
/// but test for it, once a layer and once a backward step.
public final class Inspector {
  /// A tensor at its place in the computation.
  public struct Observation: Codable, Equatable, Sendable {
    /// The part of the computation.
    public enum Stage: String, Codable, Sendable {
      /// What goes in.
      case input
      /// Parameters, as they are before anything is computed.
      case weights
      /// What an operation makes.
      case forward
      /// The gradients that the backward step of an operation makes.
      case backward
    }

    /// The part of the computation.
    public var stage: Stage
    /// The layer whose operation made it, such as `layers.2.intra`.
    public var layer: String
    /// Which tensor of that layer.
    public var tensor: String
    /// What is in it.
    public var statistics: TensorStatistics

    /// Puts the parts together.
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
    /// Backward steps recorded before the layer's own, and after.
    let start: Int
    let end: Int
  }

  /// What was seen so far.
  public private(set) var observations: [Observation] = []
  /// The layers that were seen, in forward order.
  public private(set) var layers: [String] = []
  private let parameters: ParameterArena
  private var marks: [Mark] = []
  /// The layer whose backward step ran last.
  private var lastBackward: String?

  /// An inspector of a model with these parameters.
  public init(_ parameters: ParameterArena) { self.parameters = parameters }

  /// The layer that `parameter` belongs to, of those that were seen: its name begins with theirs.
  public func layer(of parameter: Parameter) -> String {
    layers.filter { parameter.name.hasPrefix($0 + ".") }.max { $0.count < $1.count }
      ?? parameter.name
  }

  /// The output of `layer`, after which the tape holds `recorded` backward steps.
  func forward(_ layer: String, _ output: Tensor, recorded: Int) {
    layers.append(layer)
    observe(.forward, layer, "output", UnsafeBufferPointer(output.storage.buffer))
    marks.append(Mark(layer: layer, output: output, start: marks.last?.end ?? 0, end: recorded))
  }

  /// Before the last of `recorded` backward steps.
  func willRun(recorded: Int) {
    guard let mark = marks.last, mark.end == recorded, let gradient = mark.output.gradient else {
      return
    }
    // The step before has made it: that layer is to be looked at.
    observe(
      .backward, lastBackward ?? mark.layer, "gradient of the output of \(mark.layer)",
      UnsafeBufferPointer(gradient.buffer))
  }

  /// After a backward step that left `recorded` others.
  func didRun(recorded: Int) {
    guard let mark = marks.last, recorded <= mark.start else { return }
    marks.removeLast()
    lastBackward = mark.layer
    for parameter in parameters.parameters where layer(of: parameter) == mark.layer {
      observe(
        .backward, mark.layer, "gradient of \(parameter.name)",
        UnsafeBufferPointer(start: parameter.gradient, count: parameter.count))
    }
  }

  private func observe(
    _ stage: Observation.Stage, _ layer: String, _ tensor: String,
    _ values: UnsafeBufferPointer<Float>
  ) {
    observations.append(
      Observation(
        stage: stage, layer: layer, tensor: tensor, statistics: TensorStatistics(values)))
  }
}
