/// The record of one forward pass, replayed backwards.
///
/// Operations are coarse: each is one equation of the paper with a hand-written backward kernel. An
/// operation runs its forward kernel, then records one closure that holds the tensors its backward
/// kernel needs. `backward` pops closures from the end, which frees their activations on the way.
public final class Tape {
  private struct Entry {
    let backward: () -> Void
    /// End of the last parameter that this step or any before it adds gradients to.
    let parametersEnd: Int
  }

  private var entries: [Entry] = []
  /// Whether backward steps are recorded; false for inference, where activations are freed at once.
  public let isRecording: Bool
  /// Settings that operations run with.
  public let execution: Execution
  /// Whether operations keep for backward what they could compute again.
  package var keepsActivations: Bool { isRecording && !execution.recomputes }
  /// The inspector of operations' outputs and gradients; nil in training and inference.
  public let inspector: Inspector?

  /// A tape that records.
  public convenience init(_ execution: Execution = Execution(), inspector: Inspector? = nil) {
    self.init(isRecording: true, execution, inspector)
  }

  private init(isRecording: Bool, _ execution: Execution, _ inspector: Inspector? = nil) {
    self.isRecording = isRecording
    self.execution = execution
    self.inspector = inspector
  }

  /// A tape that records nothing.
  public static var inference: Tape { .inference() }

  /// A tape that records nothing.
  public static func inference(_ execution: Execution = Execution()) -> Tape {
    Tape(isRecording: false, execution)
  }

  /// Number of operations that wait for `backward`.
  public var count: Int { entries.count }

  /// Appends the backward step of an operation, which adds to the gradients of `parameters` and of
  /// no other parameters.
  public func record(using parameters: [Parameter] = [], _ backward: @escaping () -> Void) {
    guard isRecording else { return }
    let end = parameters.map { $0.offset + $0.count }.max() ?? 0
    entries.append(
      Entry(backward: backward, parametersEnd: max(end, entries.last?.parametersEnd ?? 0)))
  }

  /// Shows the inspector, if there is one, the output of `layer`; called after its operation.
  @inline(__always)
  public func inspect(_ layer: @autoclosure () -> String, _ output: @autoclosure () -> Tensor) {
    if let inspector { inspector.forward(layer(), output(), recorded: count) }
  }

  /// Runs and removes all recorded backward steps, last first.
  ///
  /// Parameter gradients are added to their arena. Set the output's gradient before.
  public func backward() { while backwardStep() != nil {} }

  /// Runs and removes the last recorded backward step.
  ///
  /// - Returns: the index in the arena from which on gradients are final, since no remaining step
  ///   adds to them; nil if nothing was recorded. Parameters lie in forward order, so gradients
  ///   become final from the arena's end.
  public func backwardStep() -> Int? {
    guard !entries.isEmpty else { return nil }
    inspector?.willRun(recorded: count)
    let entry = entries.removeLast()
    entry.backward()
    inspector?.didRun(recorded: count)
    return entries.last?.parametersEnd ?? 0
  }
}
