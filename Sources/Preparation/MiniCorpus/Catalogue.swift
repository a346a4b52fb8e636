import Corpora

/// The sources of the mini corpus: the voices and noises with the Debian packages that contain
/// them. All packages are in Debian's main archive.
enum Catalogue {
  /// The credits of a package in the corpus's README; the full text is in `licences/`.
  struct Package {
    var name: String
    var authors: String
    var licence: String
  }

  /// The recordings of one speaker.
  struct Voice: Sendable {
    var name: String
    var sex: String
    var split: CorpusSplit
    var sources: [Source]
    /// The share of the voice in the small corpus; nil leaves the voice out. The full corpus takes
    /// everything.
    var share: Share?
  }

  /// A folder of prompts inside a package.
  struct Source: Sendable {
    var package: String
    var folder: String
    var language: String
    /// Text that the names of the files contain.
    var infix = ""
    /// Whether only the full corpus uses the source.
    var onlyFull = false
  }

  /// The amount of a voice that is taken.
  enum Share: Sendable {
    case minutes(Double)
    case utterances(Int, atMostSeconds: Double)
  }

  static let packages: [Package] = [
    .init(
      name: "asterisk-core-sounds-en-g722", authors: "Allison Smith", licence: "CC BY-SA 3.0"),
    .init(
      name: "asterisk-core-sounds-es-g722", authors: "Allison Smith", licence: "CC BY-SA 3.0"),
    .init(name: "asterisk-core-sounds-fr-g722", authors: "June Wallack", licence: "CC BY-SA 3.0"),
    .init(name: "asterisk-core-sounds-it-g722", authors: "Carlo Flora", licence: "CC BY 3.0"),
    .init(
      name: "asterisk-core-sounds-ru-g722", authors: "Maxim Topal, ivrvoice.ru",
      licence: "CC BY 3.0"),
    .init(
      name: "fillets-ng-data-cs", authors: "Ivo and Pavel Danihelka, ALTAR interactive",
      licence: "GPL-2"),
    .init(
      name: "klettres-data", authors: "Anne-Marie Mahfouf and the KDE community",
      licence: "GPL-2+"),
    .init(
      name: "ktuberling-data", authors: "Albert Astals Cid and the KDE community",
      licence: "GPL-2+"),
    .init(name: "bucklespring-data", authors: "Ico Doornekampt", licence: "GPL-2+"),
    .init(
      name: "sonic-pi-samples", authors: "Samuel Aaron and the samples' authors",
      licence: "CC0; loop_3d_printer and ambi_sauna are not named in it, its default is MIT"),
    .init(
      name: "asterisk-moh-opsound-g722", authors: "Paul Shuler (Macroform), Reno Project",
      licence: "CC BY-SA 3.0"),
  ]
}
