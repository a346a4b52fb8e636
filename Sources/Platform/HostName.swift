import Foundation

/// The name of this host.
package enum HostName {
  /// The name that the kernel has, without a request to a name server.
  package static var own: String {
    var name = [CChar](repeating: 0, count: 256)
    gethostname(&name, name.count - 1)
    return String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }
  /// Identifier of this start of the machine, which no other machine and no other start has; empty
  /// where the kernel does not tell.
  package static var boot: String {
    let boot = FileManager.default.contents(atPath: "/proc/sys/kernel/random/boot_id") ?? Data()
    return String(decoding: boot, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
  }
}
