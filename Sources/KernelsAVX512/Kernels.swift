import KernelAPI

/// The kernels of this target's instruction set.
public enum Kernels: KernelSet {
  #if AVX512
    public static let instructionSet = "AVX-512"
  #else
    public static let instructionSet = "AVX2"
  #endif
}
