/// The numeric kernels of one instruction set. `Tensor` picks an implementation at start-up.
public protocol KernelSet: Sendable {
  /// What the machine has to offer, for logs: "AVX-512" or "AVX2".
  static var instructionSet: String { get }
}
