import Foundation

/// The name of this host.
package enum HostName {
  /// The name that the kernel has, without a request to a name server.
  package static var own: String {
    var name = [CChar](repeating: 0, count: 256)
    gethostname(&name, name.count - 1)
    return String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }
}
