import Foundation

/// Starts a thread that computes in the calling thread's `FloatMode`.
///
/// - Parameters:
///   - name: for debuggers and `top`, at most 15 bytes.
///   - stackBytes: size of the stack; the system's usual one without it, 512 KB.
package func startThread(
  _ name: String? = nil, stackBytes: Int? = nil, _ body: @escaping @Sendable () -> Void
) {
  let mode = FloatMode.current
  let thread = Thread {
    // The system takes a name from the thread itself only.
    if let name { Thread.current.name = name }
    mode.adopt()
    body()
  }
  if let stackBytes { thread.stackSize = stackBytes }
  thread.start()
}
