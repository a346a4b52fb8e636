import Foundation
import Platform

/// Checks that what the process was given as text is UTF-8.
///
/// Swift replaces other bytes by the replacement character without an error, so that a path with
/// such bytes would lead to another file or folder.
package enum ProcessText {
  /// The environment variables whose values are paths or belong to launchers, by the beginning of
  /// their names.
  private static let variables = [
    "DISTTRAIN_", "HOME=", "TMPDIR=", "PATH=", "SLURM_", "OMPI_", "PMIX_", "PMI_", "XDG_",
  ]

  /// A clause about the first argument, variable or folder that is not UTF-8; nil if all are.
  static func fault() -> String? {
    let arguments = (0..<Int(CommandLine.argc)).compactMap { CommandLine.unsafeArgv[$0] }
    var entries: [UnsafeMutablePointer<CChar>] = []
    // Imported as a pointer that is always there, which C does not promise.
    var next: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = environ
    while let place = next, let entry = place.pointee {
      entries.append(entry)
      next = place + 1
    }
    let folder = getcwd(nil, 0)
    defer { free(folder) }
    return fault(
      arguments: arguments.map(bytes), environment: entries.map(bytes),
      folder: folder.map(bytes) ?? [])
  }

  /// The clause for these bytes of arguments, of the environment's `NAME=VALUE` and of the current
  /// folder.
  package static func fault(
    arguments: [[UInt8]], environment: [[UInt8]], folder: [UInt8]
  ) -> String? {
    if let index = arguments.firstIndex(where: { RawText.text($0) == nil }) {
      return
        "argument \(index) is not UTF-8: \(RawText.escaped(arguments[index])); rename "
        + "the file or folder, or give a link to it"
    }
    let entry = environment.first { entry in
      RawText.text(entry) == nil && variables.contains { entry.starts(with: $0.utf8) }
    }
    if let entry {
      return
        "an environment variable is not UTF-8: \(RawText.escaped(entry)); set it to another value"
    }
    if RawText.text(folder) == nil {
      return
        "the path of the current folder is not UTF-8: \(RawText.escaped(folder)); start the "
        + "program in another folder"
    }
    return nil
  }

  private static func bytes(_ text: UnsafeMutablePointer<CChar>) -> [UInt8] {
    Array(UnsafeRawBufferPointer(start: text, count: strlen(text)))
  }
}
