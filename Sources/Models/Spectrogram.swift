import Tensor

/// Conversions between the field's spectrogram layouts and the model's own, [B, T, F, 2].
public enum Spectrogram {
  /// Converts complex [B, F, T], stored as [B, F, T, 2] with (re, im) last, to [B, T, F, 2].
  public static func fromComplex(_ x: Tensor) -> Tensor {
    precondition(
      x.shape.count == 4 && x.shape[3] == 2, "fromComplex: expected [B, F, T, 2], got \(x.shape)")
    let (batch, bins, frames) = (x.shape[0], x.shape[1], x.shape[2])
    return moved(x, to: [batch, frames, bins, 2]) { b, t, f, part in
      ((b * bins + f) * frames + t) * 2 + part
    }
  }

  /// Converts real and imaginary planes [B, 2, F, T] to [B, T, F, 2].
  public static func fromPlanes(_ x: Tensor) -> Tensor {
    precondition(
      x.shape.count == 4 && x.shape[1] == 2, "fromPlanes: expected [B, 2, F, T], got \(x.shape)")
    let (batch, bins, frames) = (x.shape[0], x.shape[2], x.shape[3])
    return moved(x, to: [batch, frames, bins, 2]) { b, t, f, part in
      ((b * 2 + part) * bins + f) * frames + t
    }
  }

  /// Converts [B, T, F, 2] to complex [B, F, T], stored as [B, F, T, 2].
  public static func toComplex(_ x: Tensor) -> Tensor {
    precondition(
      x.shape.count == 4 && x.shape[3] == 2, "toComplex: expected [B, T, F, 2], got \(x.shape)")
    let (batch, frames, bins) = (x.shape[0], x.shape[1], x.shape[2])
    return moved(x, to: [batch, bins, frames, 2]) { b, f, t, part in
      ((b * frames + t) * bins + f) * 2 + part
    }
  }

  /// Converts [B, T, F, 2] to real and imaginary planes [B, 2, F, T].
  public static func toPlanes(_ x: Tensor) -> Tensor {
    precondition(
      x.shape.count == 4 && x.shape[3] == 2, "toPlanes: expected [B, T, F, 2], got \(x.shape)")
    let (batch, frames, bins) = (x.shape[0], x.shape[1], x.shape[2])
    return moved(x, to: [batch, 2, bins, frames]) { b, part, f, t in
      ((b * frames + t) * bins + f) * 2 + part
    }
  }

  private static func moved(
    _ x: Tensor, to shape: [Int], _ source: (Int, Int, Int, Int) -> Int
  ) -> Tensor {
    let out = Tensor(shape: shape, requiresGradient: x.requiresGradient)
    var at = 0
    for i in 0..<shape[0] {
      for j in 0..<shape[1] {
        for k in 0..<shape[2] {
          for l in 0..<shape[3] {
            out.base[at] = x.base[source(i, j, k, l)]
            at += 1
          }
        }
      }
    }
    return out
  }
}
