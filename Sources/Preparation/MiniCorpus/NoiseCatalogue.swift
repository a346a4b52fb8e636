import Corpora

extension Catalogue {
  /// A kind of noise.
  struct Noise: Sendable {
    var name: String
    /// The split that uses the noise: `.train` also for validation, or `.test`, which has other
    /// kinds.
    var split: CorpusSplit
    var origin: Origin
  }

  /// The origin of a noise.
  enum Origin: Sendable {
    /// Babble of `streams` voices at once, by the speakers of a split.
    case babble(streams: Int, of: CorpusSplit)
    case synthetic(Synthetic)
    /// Typing on the keys whose number is even (or odd).
    case keyboard(even: Bool)
    /// A recording in `package` from `fromSecond` on, repeated if it is shorter than the noise.
    case recording(package: String, path: String, fromSecond: Double)

    /// The package that the noise needs, if any.
    var package: String? {
      switch self {
      case .keyboard: "bucklespring-data"
      case .recording(let package, _, _): package
      case .babble, .synthetic: nil
      }
    }
  }

  /// Noises made from formulas.
  enum Synthetic: Sendable {
    case speechShaped, pink, brown, hum, fan
  }

  static let noises: [Noise] = [
    .init(name: "babble-8", split: .train, origin: .babble(streams: 8, of: .train)),
    .init(name: "speech-shaped", split: .train, origin: .synthetic(.speechShaped)),
    .init(name: "pink", split: .train, origin: .synthetic(.pink)),
    .init(name: "brown", split: .train, origin: .synthetic(.brown)),
    .init(name: "hum", split: .train, origin: .synthetic(.hum)),
    .init(name: "keyboard-a", split: .train, origin: .keyboard(even: true)),
    sample("3d-printer", .train, "loop_3d_printer"),
    sample("sauna", .train, "ambi_sauna"),
    sample("industrial", .train, "loop_industrial"),
    sample("vinyl-hiss", .train, "vinyl_hiss"),
    music("music-cold-day", .train, "macroform-cold_day"),
    music("music-robot-dity", .train, "macroform-robot_dity"),
    music("music-the-simplicity", .train, "macroform-the_simplicity"),
    .init(name: "babble-6", split: .test, origin: .babble(streams: 6, of: .valid)),
    .init(name: "keyboard-b", split: .test, origin: .keyboard(even: false)),
    .init(name: "fan", split: .test, origin: .synthetic(.fan)),
    sample("lunar-land", .test, "ambi_lunar_land"),
    sample("safari", .test, "loop_safari"),
    music("music-system", .test, "reno_project-system"),
  ]

  private static func sample(_ name: String, _ split: CorpusSplit, _ file: String) -> Noise {
    Noise(
      name: name, split: split,
      origin: .recording(
        package: "sonic-pi-samples", path: "usr/share/sonic-pi/samples/\(file).flac", fromSecond: 0)
    )
  }

  private static func music(_ name: String, _ split: CorpusSplit, _ file: String) -> Noise {
    Noise(
      name: name, split: split,
      origin: .recording(
        package: "asterisk-moh-opsound-g722", path: "usr/share/asterisk/moh/\(file).g722",
        fromSecond: 10))
  }
}
