/// Constants by which powers of e become powers of two.
public enum MathConstants {
  /// log₂ e
  @inlinable public static var log2E: Double { 1.442_695_040_888_963_4 }
  /// ln 2
  @inlinable public static var ln2: Double { 0.693_147_180_559_945_3 }
}
