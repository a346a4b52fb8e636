/// A queue between threads: elements are taken in the order in which they were put.
///
/// The side that puts ends it by `close` or `fail`, after which the elements that are left can
/// still be taken. The side that takes ends it by `cancel`, which drops them.
package struct Handoff<Element, Failure: Error>: Sendable {
  private struct State {
    var elements: [Element] = []
    /// The last result, once nothing more is put.
    var end: Result<Void, Failure>?
    var isCancelled = false

    func hasRoom(_ capacity: Int) -> Bool { elements.count < capacity || isCancelled }
  }

  private let capacity: Int
  private let state = Guarded(State())

  /// An empty queue for up to `capacity` elements.
  package init(capacity: Int = .max) {
    precondition(capacity > 0, "Handoff: capacity \(capacity)")
    self.capacity = capacity
  }

  /// Waits until there is room for an element. Returns false once nobody takes any more.
  ///
  /// For one putting thread that makes an element only when it is wanted.
  package func waitForRoom() -> Bool {
    state.wait(until: { $0.hasRoom(capacity) }, { !$0.isCancelled })
  }

  /// Waits for room, and puts `element` behind the others, or drops it if nobody takes any more.
  package func put(_ element: Element) {
    state.change(when: { $0.hasRoom(capacity) }) {
      precondition($0.end == nil, "Handoff: an element after the end")
      if !$0.isCancelled { $0.elements.append(element) }
    }
  }

  /// Waits for the next element and removes it. Returns nil after the last one.
  ///
  /// - Throws: The error of `fail`, after the last element.
  package func take() throws(Failure) -> Element? {
    try state.change(when: { !$0.elements.isEmpty || $0.end != nil || $0.isCancelled }) {
      (state) throws(Failure) in
      if !state.elements.isEmpty { return state.elements.removeFirst() }
      try state.end?.get()
      return nil
    }
  }

  /// Ends the queue: nothing more is put.
  package func close() { end(.success(())) }

  /// Ends the queue with an error for those who take.
  package func fail(_ error: Failure) { end(.failure(error)) }

  private func end(_ result: Result<Void, Failure>) {
    state.change { if $0.end == nil { $0.end = result } }
  }

  /// Drops what is in the queue and whatever is put later: nobody takes any more.
  package func cancel() {
    state.change {
      $0.isCancelled = true
      $0.elements = []
    }
  }

  /// Elements that were put and not taken.
  package var count: Int { state.withLock { $0.elements.count } }

  /// Whether the side that puts has ended the queue.
  package var isClosed: Bool { state.withLock { $0.end != nil } }
}
