import CPlatform

/// The memory that this process has from the system.
package enum Memory {
  /// Gives freed memory back once: after work whose memory nothing later needs.
  package static func returnFreed() { platform_return_freed_memory() }
}
