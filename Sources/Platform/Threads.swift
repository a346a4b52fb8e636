import CPlatform
import Foundation

/// Starts a thread that computes as this one does.
///
/// Rounding, and whether denormals count as zero, are a register of each thread. A new one has the
/// system's usual values, with which the same sums may have other bits.
///
/// - Parameters:
///   - name: for debuggers and `top`, at most 15 bytes.
///   - stackBytes: size of the stack; the system's usual one without it, 512 KB.
package func startThread(
  _ name: String? = nil, stackBytes: Int? = nil, _ body: @escaping @Sendable () -> Void
) {
  let mode = platform_arithmetic_mode()
  let thread = Thread {
    // The system takes a name from the thread itself only.
    if let name { Thread.current.name = name }
    platform_set_arithmetic_mode(mode)
    body()
  }
  if let stackBytes { thread.stackSize = stackBytes }
  thread.start()
}
