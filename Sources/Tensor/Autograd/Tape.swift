/// The record of one forward pass, replayed backwards.
///
/// Operations are coarse: each is one equation of the paper with a hand-written backward kernel.
/// An operation runs its forward kernel, then records one closure that holds what its backward
/// kernel needs. `backward` pops closures from the end, so activations free themselves on the way.
public final class Tape {
  private struct Entry {
    let backward: () -> Void
    /// End of the last parameter that this step or any before it adds gradients to.
    let parametersEnd: Int
  }

  private var entries: [Entry] = []
  /// False for inference: nothing is recorded and activations die at once.
  public let isRecording: Bool
  /// How operations run.
  public let execution: Execution
  /// Looks at what operations make; nil for nothing, as in training and inference.
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
  /// no others.
  public func record(using parameters: [Parameter] = [], _ backward: @escaping () -> Void) {
    guard isRecording else { return }
    let end = parameters.map { $0.offset + $0.count }.max() ?? 0
    entries.append(
      Entry(backward: backward, parametersEnd: max(end, entries.last?.parametersEnd ?? 0)))
  }

  /// Shows the inspector, if there is one, what `layer` has made; called after its operation.
  @inline(__always)
  public func inspect(_ layer: @autoclosure () -> String, _ output: @autoclosure () -> Tensor) {
    if let inspector { inspector.forward(layer(), output(), recorded: count) }
  }

  /// Runs all recorded steps, last first, and forgets them.
  ///
  /// Parameter gradients are added to their arena; seed the output's gradient before.
  public func backward() { while backwardStep() != nil {} }

  /// Runs the last recorded step, forgets it, and returns the first element of the arena from which
  /// on this tape adds to no gradient any more; nil if nothing is recorded.
  ///
  /// Parameters lie in forward order, so gradients become final from the arena's end on.
  public func backwardStep() -> Int? {
    guard !entries.isEmpty else { return nil }
    inspector?.willRun(recorded: count)
    let entry = entries.removeLast()
    entry.backward()
    inspector?.didRun(recorded: count)
    return entries.last?.parametersEnd ?? 0
  }
}
