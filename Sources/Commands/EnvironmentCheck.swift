import Foundation
import Platform
import Tensor

/// Checks of the process's environment, for the settings that slow the program down.
enum EnvironmentCheck {
  /// Throws for variables with a value that cannot be followed.
  static func validate() throws(KernelSelectionError) {
    try KernelSelection.validate(ProcessInfo.processInfo.environment)
  }

  /// Warns on stderr if OpenBLAS is asked for and held back. Every command that computes calls it
  /// once; ranks other than 0 are silent.
  static func warn(rank: Int = 0) {
    // Made on every rank: it also keeps the library from starting threads of its own.
    if let warning, rank == 0 { Console.error("disttrain: warning: \(warning)") }
  }

  /// Text of the warning that `warn` prints on rank 0.
  static var warning: String? { usesOpenBLAS ? OpenBLASInfo().warning : nil }

  /// The lines of `check` about what computes here.
  static var report: [String] {
    let info = OpenBLASInfo()
    let product =
      usesOpenBLAS ? "matrix products by OpenBLAS (\(info.coreName))" : "own matrix products"
    return ["\(Program.nameAndVersion): \(kernels.instructionSet) kernels, \(product)"]
      + (info.warning.map { ["note: \($0)"] } ?? [])
  }
}
