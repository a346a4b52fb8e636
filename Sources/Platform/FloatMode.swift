import CPlatform

/// The way a thread computes with floating-point numbers: rounding, and whether denormals count as
/// zero.
///
/// It is a register of each thread. A new thread, and one of Dispatch's pool, has the system's
/// usual mode, with which the same sums may have other bits: all code that moves work to other
/// threads gives them its own mode.
package struct FloatMode: Equatable, Sendable {
  private let register: UInt32

  /// The mode of the calling thread.
  package static var current: FloatMode { FloatMode(register: platform_arithmetic_mode()) }

  /// Has the calling thread count denormals as zero from here on: they would slow decaying scan
  /// states a hundredfold.
  package static func flushDenormals() { platform_flush_denormals() }

  /// Gives the calling thread this mode from here on.
  package func adopt() { platform_set_arithmetic_mode(register) }

  /// Runs `body` on the calling thread in this mode. The thread has its old mode afterwards:
  /// threads of a pool serve others then.
  package func run<Result>(_ body: () throws -> Result) rethrows -> Result {
    let usual = Self.current
    adopt()
    defer { usual.adopt() }
    return try body()
  }
}
