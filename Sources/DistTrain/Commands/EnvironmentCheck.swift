import Foundation
import Tensor

/// What the environment of the process means for the program.
enum EnvironmentCheck {
  /// Throws for variables with a value that cannot be followed.
  static func validate() throws(KernelSelectionError) {
    try KernelSelection.validate(ProcessInfo.processInfo.environment)
  }

  /// Warns on stderr if OpenBLAS is asked for and held back. Every command that computes calls it
  /// once; ranks other than 0 are silent.
  static func warn(rank: Int = 0) {
    guard usesOpenBLAS else { return }
    // Made on every rank: it also keeps the library from starting threads of its own.
    let info = OpenBLASInfo()
    if rank == 0, let warning = info.warning { Console.error("disttrain: warning: \(warning)") }
  }

  /// The lines of `check` about what computes here.
  static var report: [String] {
    let info = OpenBLASInfo()
    let product =
      usesOpenBLAS ? "matrix products by OpenBLAS (\(info.coreName))" : "own matrix products"
    return ["\(Program.nameAndVersion): \(kernels.instructionSet) kernels, \(product)"]
      + (info.warning.map { ["note: \($0)"] } ?? [])
  }
}
