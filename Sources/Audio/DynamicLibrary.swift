import Foundation

/// A shared library opened at run time.
///
/// Only the machine that prepares the corpus needs decoders and resampler: if they were linked,
/// every compute node would need them.
package struct DynamicLibrary {
  package let name: String
  package let package: String
  private let handle: UInt

  /// Opens the library `name`, which Debian's `package` installs, until the process ends.
  package init(_ name: String, package: String) throws(DynamicLibraryError) {
    self.name = name
    self.package = package
    guard let handle = dlopen(name, RTLD_NOW | RTLD_LOCAL) else {
      let reason = dlerror().map { String(cString: $0) } ?? "no reason given"
      throw .missing(name: name, package: package, reason: reason)
    }
    self.handle = UInt(bitPattern: handle)
  }

  /// The function `symbol` as the C function type `Function`, which must be the function's own
  /// type.
  package func function<Function>(
    _ symbol: String, as type: Function.Type
  ) throws(DynamicLibraryError) -> Function {
    guard let address = dlsym(UnsafeMutableRawPointer(bitPattern: handle), symbol) else {
      throw .missing(name: name, package: package, reason: "it has no \(symbol)")
    }
    return unsafeBitCast(address, to: type)
  }
}
