import Foundation

/// The name of the machine.
package enum HostName {
  /// As the kernel has it, without asking a name server.
  package static var own: String {
    var name = [CChar](repeating: 0, count: 256)
    gethostname(&name, name.count - 1)
    return String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }
}
