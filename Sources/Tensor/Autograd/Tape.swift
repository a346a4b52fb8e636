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

  /// A tape that records.
  public convenience init(_ execution: Execution = Execution()) {
    self.init(isRecording: true, execution)
  }

  private init(isRecording: Bool, _ execution: Execution) {
    self.isRecording = isRecording
    self.execution = execution
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

  /// Runs all recorded steps, last first, and forgets them.
  ///
  /// Parameter gradients are added to their arena; seed the output's gradient before.
  public func backward() { while backwardStep() != nil {} }

  /// Runs the last recorded step, forgets it, and returns the first element of the arena from which
  /// on this tape adds to no gradient any more; nil if nothing is recorded.
  ///
  /// Parameters lie in forward order, so gradients become final from the arena's end on.
  public func backwardStep() -> Int? {
    guard let entry = entries.popLast() else { return nil }
    entry.backward()
    return entries.last?.parametersEnd ?? 0
  }
}
