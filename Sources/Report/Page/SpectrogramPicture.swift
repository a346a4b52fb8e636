import Audio
import Foundation

/// The levels of a recording by time and frequency, in dB, and a picture of them.
struct SpectrogramPicture {
  /// Levels of each column in dB, low frequencies first.
  private let columns: [[Float]]
  /// Highest level of the recording, in dB.
  let peak: Float

  /// Range of levels below the highest that pictures show, in dB.
  static let range: Float = 75
  /// Number of levels that a picture distinguishes.
  private static let levels = 40

  /// The levels of mono samples at `sampleRate`, in hertz, one column each 10 ms; nil if the
  /// samples are too few for one window of 32 ms.
  init?(_ samples: [Float], sampleRate: Int) {
    let transform = STFT(fftLength: 2 * (sampleRate * 16 / 1000), hopSamples: sampleRate / 100)
    guard let spectrum = try? transform.forward(samples) else { return nil }
    let bins = transform.binCount
    let count = spectrum.count / (2 * bins)
    var columns: [[Float]] = []
    for frame in 0..<count {
      func power(_ bin: Int) -> Float {
        let place = 2 * (frame * bins + bin)
        return spectrum[place] * spectrum[place] + spectrum[place + 1] * spectrum[place + 1]
      }
      // Two bins per row, without the lowest bin: at 16 kHz 128 rows from 31 Hz to 8 kHz.
      columns.append(
        (0..<(bins - 1) / 2).map { row in
          10 * log10(max(1e-12, (power(2 * row + 1) + power(2 * row + 2)) / 2))
        })
    }
    self.columns = columns
    peak = columns.joined().max() ?? 0
  }

  /// Bytes of a PNG picture, with time to the right and frequency upwards; `top` is the level of
  /// the brightest colour.
  func png(top: Float) -> [UInt8] {
    let height = columns.first?.count ?? 1
    var pixels: [UInt8] = []
    pixels.reserveCapacity(columns.count * height)
    for row in (0..<height).reversed() {
      for column in columns {
        let share = min(1, max(0, (column[row] - top) / Self.range + 1))
        pixels.append(UInt8((share * Float(Self.levels - 1)).rounded()))
      }
    }
    return PNG.encode(
      width: columns.count, height: height, pixels: pixels, palette: Self.palette)
  }

  /// Colours of the levels from nearly black over violet and orange to light yellow, with evenly
  /// rising brightness.
  private static let palette: [PNG.Colour] = {
    let stops: [(Float, Float, Float)] = [
      (6, 6, 18), (38, 17, 84), (92, 24, 118), (148, 38, 112), (204, 66, 84), (240, 116, 50),
      (251, 178, 50), (252, 240, 164),
    ]
    return (0..<levels).map { level in
      let place = Float(level) / Float(levels - 1) * Float(stops.count - 1)
      let index = min(stops.count - 2, Int(place))
      let part = place - Float(index)
      func mixed(_ one: Float, _ other: Float) -> UInt8 {
        UInt8((one + (other - one) * part).rounded())
      }
      let (from, to) = (stops[index], stops[index + 1])
      return PNG.Colour(
        red: mixed(from.0, to.0), green: mixed(from.1, to.1), blue: mixed(from.2, to.2))
    }
  }()
}
