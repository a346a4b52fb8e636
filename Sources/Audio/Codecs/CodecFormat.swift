import CSndfile

/// Lossy formats whose coding noise a signal can be given.
package enum CodecFormat: String, CaseIterable, Sendable {
  /// Vorbis in Ogg. Quality q is libvorbis's q, ten times q the `-q` of oggenc and ffmpeg: 0 to 10,
  /// about 64 to 500 kbit/s for stereo at 44.1 kHz. libsndfile passes on nothing below 0, so the
  /// −1 of published recipes becomes 0.
  case vorbis
  /// Opus in Ogg. Quality q is a bit rate of 6 + 250 q kbit/s; 0.04 is 16 kbit/s.
  case opus
  /// MPEG layer III by LAME with a variable bit rate. Quality q is LAME's `-V` of 10 (1 − q): 0.1
  /// is V9, 1 is V0, and 0 is the V9.999 at which LAME ends. The sample rate is kept.
  case mp3

  /// Sample rates in hertz that the format's specification has; nil if it has all.
  package var sampleRates: [Int]? {
    switch self {
    case .vorbis: nil
    case .opus: [8000, 12_000, 16_000, 24_000, 48_000]
    case .mp3: [8000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000]
    }
  }

  /// The sample rates in hertz for which the codecs of this module are meant and tested.
  package static let rateRange = 8000...48_000

  /// The first libsndfile that writes and reads the format.
  var firstLibrary: String {
    switch self {
    case .vorbis: "libsndfile 1.0.18"
    case .opus: "libsndfile 1.0.29"
    case .mp3: "libsndfile 1.1.0"
    }
  }

  /// libsndfile's code of container and encoding.
  package var code: Int {
    switch self {
    case .vorbis: SF_FORMAT_OGG | SF_FORMAT_VORBIS
    case .opus: SF_FORMAT_OGG | SF_FORMAT_OPUS
    // SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III as numbers, since headers before libsndfile 1.1
    // lack the names, and the program should build there too.
    case .mp3: 0x23_0000 | 0x82
    }
  }
}
