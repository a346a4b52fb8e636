import Convolution

/// Images [B, H, W, C] and weights [out, in, h, w] in `Double`.
struct ImageShape {
  let batch: Int
  let height: Int
  let width: Int
  let channels: Int

  init(_ shape: [Int]) {
    (batch, height, width, channels) = (shape[0], shape[1], shape[2], shape[3])
  }

  /// Place of an element; nil outside of the image.
  func index(_ b: Int, _ h: Int, _ w: Int, _ c: Int) -> Int? {
    guard h >= 0 && h < height && w >= 0 && w < width else { return nil }
    return ((b * height + h) * width + w) * channels + c
  }
}

extension Reference {
  /// Calls `body` with each output, input and weight element that are multiplied.
  private static func forEachProduct(
    _ input: ImageShape, _ output: ImageShape, _ geometry: Convolution2d,
    _ body: (_ output: Int, _ input: Int, _ weight: Int) -> Void
  ) {
    for b in 0..<output.batch {
      for h in 0..<output.height {
        for w in 0..<output.width {
          for o in 0..<output.channels {
            for c in 0..<input.channels {
              for i in 0..<geometry.kernel.height {
                for j in 0..<geometry.kernel.width {
                  let row = h * geometry.stride.height + i * geometry.dilation.height
                  let column = w * geometry.stride.width + j * geometry.dilation.width
                  guard
                    let from = input.index(
                      b, row - geometry.padding.height, column - geometry.padding.width, c),
                    let to = output.index(b, h, w, o)
                  else { continue }
                  let weight = (o * input.channels + c) * geometry.kernel.height + i
                  body(to, from, weight * geometry.kernel.width + j)
                }
              }
            }
          }
        }
      }
    }
  }

  /// y[h, w, o] = Σ W[o, c, i, j]·x[h·stride + i·dilation − padding, …, c] + b[o]
  static func convolution2d(
    _ x: [Double], _ input: [Int], _ weight: [Double], bias: [Double]?, _ geometry: Convolution2d,
    output: [Int]
  ) -> [Double] {
    let channels = output[3]
    var y = (0..<output.reduce(1, *)).map { bias?[$0 % channels] ?? 0 }
    forEachProduct(ImageShape(input), ImageShape(output), geometry) { to, from, element in
      y[to] += weight[element] * x[from]
    }
    return y
  }

  /// The map that has the transpose of the matrix of `convolution2d`, plus b.
  static func transposedConvolution2d(
    _ x: [Double], _ input: [Int], _ weight: [Double], bias: [Double]?, _ geometry: Convolution2d,
    output: [Int]
  ) -> [Double] {
    let channels = output[3]
    var y = (0..<output.reduce(1, *)).map { bias?[$0 % channels] ?? 0 }
    forEachProduct(ImageShape(output), ImageShape(input), geometry) { from, to, element in
      y[to] += weight[element] * x[from]
    }
    return y
  }

  /// PReLU((x − mean)/√(variance + 1e-5)·weight + bias) over the pixels of each utterance and
  /// channel.
  static func instanceNorm2d(
    _ x: [Double], _ shape: [Int], weight: [Double], bias: [Double], slope: [Double]?
  ) -> [Double] {
    let (pixels, channels) = (shape[1] * shape[2], shape[3])
    var out = x
    for b in 0..<shape[0] {
      for c in 0..<channels {
        let places = (0..<pixels).map { (b * pixels + $0) * channels + c }
        let count = Double(pixels)
        let mean = places.reduce(0) { $0 + x[$1] } / count
        let variance = places.reduce(0) { $0 + (x[$1] - mean) * (x[$1] - mean) } / count
        for place in places {
          let z = (x[place] - mean) / (variance + 1e-5).squareRoot() * weight[c] + bias[c]
          out[place] = z > 0 ? z : (slope?[c] ?? 1) * z
        }
      }
    }
    return out
  }

  /// The largest element of each utterance and channel.
  static func globalMaximum(_ x: [Double], _ shape: [Int]) -> [Double] {
    let (pixels, channels) = (shape[1] * shape[2], shape[3])
    return (0..<shape[0] * channels).map { index in
      let (b, c) = (index / channels, index % channels)
      return (0..<pixels).reduce(-.infinity) { max($0, x[(b * pixels + $1) * channels + c]) }
    }
  }
}
