import KernelAPI

/// The kernels of this target's instruction set.
public enum Kernels: KernelSet {
  #if AVX512
    /// The instructions that this target is compiled for.
    public static let instructionSet = "AVX-512"
  #else
    /// The instructions that this target is compiled for.
    public static let instructionSet = "AVX2"
  #endif
}
