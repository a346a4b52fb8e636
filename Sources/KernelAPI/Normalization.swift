/// Weight and bias of a norm, padded with zeros to whole vectors.
public struct AffineVectors {
  /// The factor of each feature.
  public let weight: FloatPointer
  /// The summand of each feature.
  public let bias: FloatPointer

  /// Vectors that the caller keeps in memory, in whole vectors of floats.
  public init(weight: FloatPointer, bias: FloatPointer) {
    self.weight = weight
    self.bias = bias
  }
}

/// The gradients of `AffineVectors`, to which backward kernels add.
public struct AffineGradients {
  /// d/d(weight) of each feature.
  public let weight: MutableFloatPointer
  /// d/d(bias) of each feature.
  public let bias: MutableFloatPointer

  /// Gradients that the caller has set to zero or to earlier sums.
  public init(weight: MutableFloatPointer, bias: MutableFloatPointer) {
    self.weight = weight
    self.bias = bias
  }
}

/// Mean and reciprocal deviation of the rows of a LayerNorm.
public struct RowMoments {
  /// Mean of each row.
  public let mean: MutableFloatPointer
  /// 1/√(variance + ε) of each row.
  public let inverse: MutableFloatPointer

  /// Moments of rows, one number each, for a forward kernel to write and a backward one to read.
  public init(mean: MutableFloatPointer, inverse: MutableFloatPointer) {
    self.mean = mean
    self.inverse = inverse
  }
}

/// Mean and reciprocal deviation of a GroupNorm with one group.
public struct GroupMoments: Sendable {
  /// Mean over all rows and features.
  public let mean: Float
  /// 1/√(variance + ε) over the same.
  public let inverse: Float

  /// Moments of one group, `inverse` with ε in it.
  public init(mean: Float, inverse: Float) {
    self.mean = mean
    self.inverse = inverse
  }
}

extension SlabCarver {
  /// The next parts: moments of `rows` rows.
  public mutating func moments(rows: Int) -> RowMoments {
    RowMoments(mean: vector(rows), inverse: vector(rows))
  }

  /// The next parts: gradients of a norm over `features`.
  public mutating func affineGradients(_ features: Int) -> AffineGradients {
    AffineGradients(weight: vector(features), bias: vector(features))
  }
}
