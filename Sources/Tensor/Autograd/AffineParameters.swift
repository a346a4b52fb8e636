import KernelAPI

/// Weight and bias of a linear layer or a norm.
public struct AffineParameters {
  /// The matrix [out, in] of a linear layer, or the factors [N] of a norm.
  public let weight: Parameter
  /// One number for each output or feature.
  public let bias: Parameter

  /// Parameters of which the bias has as many elements as the weight has rows.
  public init(weight: Parameter, bias: Parameter) {
    self.weight = weight
    self.bias = bias
  }

  /// Both.
  package var all: [Parameter] { [weight, bias] }
}

extension AffineGradients {
  /// Adds the sums to the parameters' gradients.
  package func add(to parameters: AffineParameters) {
    kernels.add(weight, to: parameters.weight.gradient, count: parameters.weight.count)
    kernels.add(bias, to: parameters.bias.gradient, count: parameters.bias.count)
  }
}

/// ε of every LayerNorm and GroupNorm, which is added to the variance: PyTorch's default.
package let normEpsilon: Float = 1e-5
